// SPDX-License-Identifier: MIT
/// @file Sequences of different lengths in a batch (N, L, ...), and what a step of all of them reads and writes.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Which way a recurrent operation goes, and how far.
struct RecurrentOptions {
    std::optional<Tensor<Index>> lengths = {};  ///< (N,) of 0 to L, nothing behind which is read; all L if absent
    bool reverse = false;                       ///< from the end of each sequence, its own, to its beginning
};

namespace detail {

/// @throws ShapeError unless lengths are (N,); ValueError unless each is 0 to L
inline void require_lengths(const char* operation, const Tensor<Index>& lengths, Index samples, Index longest) {
    require<ShapeError>(lengths.shape() == Shape{samples}, operation, "expected lengths of shape (", samples, ",), got ", lengths.shape());
    for (const Index length : lengths)
        require<ValueError>(length >= 0 && length <= longest, operation, "expected lengths of 0 to ", longest, ", got ", length);
}

/// The elements of all sequences without what pads them are `rows`, sample by sample. Places are samples from the longest to the shortest,
/// so that those which have a step are the first ones.
class SequenceSteps {
public:
    /// @throws as require_lengths
    SequenceSteps(const char* operation, Index samples, Index longest, const RecurrentOptions& options)
        : longest_{longest}, reverse_{options.reverse}, order_(static_cast<std::size_t>(samples)) {
        std::iota(order_.begin(), order_.end(), Index{0});
        starts_.reserve(static_cast<std::size_t>(samples) + 1);
        starts_.push_back(0);
        if (options.lengths)
            require_lengths(operation, *options.lengths, samples, longest);
        for (Index i = 0; i < samples; ++i)
            starts_.push_back(starts_.back() + (options.lengths ? (*options.lengths)[i] : longest));
        std::stable_sort(order_.begin(), order_.end(), [this](Index a, Index b) { return length_of(a) > length_of(b); });
        elements_.reserve(static_cast<std::size_t>(rows()));
        for (Index i = 0; i < samples; ++i)
            for (Index time = 0; time < length_of(i); ++time)
                elements_.push_back(i * longest + time);
    }

    [[nodiscard]] Index samples() const noexcept { return static_cast<Index>(order_.size()); }
    /// L, with padding.
    [[nodiscard]] Index longest() const noexcept { return longest_; }
    /// Elements of all sequences together.
    [[nodiscard]] Index rows() const noexcept { return starts_.back(); }
    /// Whether nothing pads any sequence.
    [[nodiscard]] bool whole() const noexcept { return rows() == samples() * longest_; }
    /// Of a row, its place n L + time in the batch.
    [[nodiscard]] Index element(Index row) const noexcept { return elements_[static_cast<std::size_t>(row)]; }

    [[nodiscard]] Index sample(Index place) const noexcept { return order_[static_cast<std::size_t>(place)]; }
    [[nodiscard]] Index length(Index place) const noexcept { return length_of(sample(place)); }
    /// When a step of a sequence is.
    [[nodiscard]] Index time(Index place, Index step) const noexcept { return reverse_ ? length(place) - 1 - step : step; }
    [[nodiscard]] Index row(Index place, Index step) const noexcept {
        return starts_[static_cast<std::size_t>(sample(place))] + time(place, step);
    }
    /// How many of the places from `first` to before `last` have this step.
    [[nodiscard]] Index active(Index first, Index last, Index step) const noexcept {
        while (last > first && length(last - 1) <= step)
            --last;
        return last - first;
    }

    /// The rows of x (N, L, width), one behind the other: x itself where nothing pads, else copied to `space`.
    template <class Scalar>
    [[nodiscard]] const Scalar* gathered(const Tensor<Scalar>& x, Tensor<Scalar>& space) const {
        if (whole())
            return x.data();
        const Index width = x.size(-1);
        space = Tensor<Scalar>::empty({rows(), width});
        for (Index row = 0; row < rows(); ++row)
            std::copy_n(x.data() + element(row) * width, width, space.data() + row * width);
        return space.data();
    }

private:
    [[nodiscard]] Index length_of(Index sample) const noexcept {
        const auto i = static_cast<std::size_t>(sample);
        return starts_[i + 1] - starts_[i];
    }

    Index longest_;
    bool reverse_;
    PoolVector<Index> order_;
    PoolVector<Index> starts_;    ///< of each sample, and the number of rows
    PoolVector<Index> elements_;  ///< of each row
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::autograd
