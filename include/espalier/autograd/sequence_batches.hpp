// SPDX-License-Identifier: MIT
/// @file The sequences of a padded batch, those of one length together: what reads weights reads them once for all of these.
#pragma once

#include <espalier/autograd/sequence_windows.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// Where steps lie in (rows, N, longest, width).
struct SequenceLayout {
    Index rows, longest, width;
};

/// Batches without padding that a padded one is made of. Their sequences are worked on where they lie if nothing is between them, else in
/// a copy.
class SequenceBatches {
public:
    /// Sequences of one length, with a result of so many steps; which ones, the order of all tells from `first` on.
    struct Batch {
        Index first, samples, length, steps;
    };

    explicit SequenceBatches(const SequenceWindows& windows) : samples_{windows.samples()} {
        if (windows.whole()) {
            const SequenceWindows::Part& all = windows.parts().front();
            order_.resize(static_cast<std::size_t>(samples_));
            std::iota(order_.begin(), order_.end(), Index{0});
            batches_.push_back({0, all.samples, all.length, all.steps});
            return;
        }
        PoolVector<SequenceWindows::Part> parts = windows.parts();
        std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
        for (const SequenceWindows::Part& part : parts) {
            if (batches_.empty() || batches_.back().length != part.length)
                batches_.push_back({static_cast<Index>(order_.size()), 0, part.length, part.steps});
            ++batches_.back().samples;
            order_.push_back(part.first);
        }
    }

    [[nodiscard]] auto begin() const noexcept { return batches_.begin(); }
    [[nodiscard]] auto end() const noexcept { return batches_.end(); }

    /// `length` steps of each sequence, (rows, samples, length, width), where they lie in `all` or copied to `space`.
    template <class Scalar>
    [[nodiscard]] const Scalar* gathered(const Batch& batch, Index length, const SequenceLayout& layout, const Scalar* all,
                                         Tensor<Scalar>& space) const {
        if (dense(batch, length, layout))
            return all + start(batch, layout);
        space = Tensor<Scalar>::empty({layout.rows, batch.samples, length, layout.width});
        for_each(batch, length, layout, [&](Index from, Index to) { std::copy_n(all + from, length * layout.width, space.data() + to); });
        return space.data();
    }
    /// Where to write them: to their places in `all`, or to `space`, from which `scatter` takes them there.
    template <class Scalar>
    [[nodiscard]] Scalar* room(const Batch& batch, Index length, const SequenceLayout& layout, Scalar* all, Tensor<Scalar>& space) const {
        if (dense(batch, length, layout))
            return all + start(batch, layout);
        space = Tensor<Scalar>::empty({layout.rows, batch.samples, length, layout.width});
        return space.data();
    }
    template <class Scalar>
    void scatter(const Batch& batch, Index length, const SequenceLayout& layout, const Tensor<Scalar>& space, Scalar* all) const {
        if (!dense(batch, length, layout))
            for_each(batch, length, layout,
                     [&](Index to, Index from) { std::copy_n(space.data() + from, length * layout.width, all + to); });
    }

private:
    /// Whether no other step is between those of a batch.
    [[nodiscard]] bool dense(const Batch& batch, Index length, const SequenceLayout& layout) const noexcept {
        return layout.rows * batch.samples == 1 || (batch.samples == samples_ && length == layout.longest);
    }
    [[nodiscard]] Index start(const Batch& batch, const SequenceLayout& layout) const noexcept {
        return batch.samples == 1 ? sample(batch, 0) * layout.longest * layout.width : 0;
    }
    [[nodiscard]] Index sample(const Batch& batch, Index i) const noexcept { return order_[static_cast<std::size_t>(batch.first + i)]; }

    /// Calls `body(place in all, place in the batch)` for each sequence of each row.
    template <class Body>
    void for_each(const Batch& batch, Index length, const SequenceLayout& layout, const Body& body) const {
        for (Index t = 0; t < layout.rows; ++t)
            for (Index i = 0; i < batch.samples; ++i)
                body((t * samples_ + sample(batch, i)) * layout.longest * layout.width, (t * batch.samples + i) * length * layout.width);
    }

    Index samples_;
    PoolVector<Index> order_;
    PoolVector<Batch> batches_;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
