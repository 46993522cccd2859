// SPDX-License-Identifier: MIT
/// @file The batches of one epoch, as loaders give them.
#pragma once

#include <espalier/data/batch.hpp>
#include <espalier/data/prefetch.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

namespace espalier::inline ESPALIER_ABI::data {
namespace detail {

/// A set or a transform of one's own may have taken samples from one part of the batch and not from the other. @throws ShapeError then
template <class Scalar>
void check_batch(const Batch<Scalar>& batch) {
    require<ShapeError>(batch.input.rank() > 0, "data_loader", "expected a batch with inputs (N, ...), got shape ", batch.input.shape());
    const Index size = batch.size();
    for (const auto& [task, target] : batch.targets)
        if (target.size() != size)
            fail<ShapeError>("data_loader", "expected a batch with as many samples in target '", task, "' as in ", size_giver(batch),
                             ", got shape ", target.shape());
}

}  // namespace detail

/// Reads the batches of one epoch, each once. Copies read on together. A loader's `begin()` gives one.
template <class Scalar = float>
class BatchIterator {
public:
    using value_type = Batch<Scalar>;
    using difference_type = std::ptrdiff_t;

    BatchIterator() = default;
    ESPALIER_COLD explicit BatchIterator(detail::Prefetcher<Batch<Scalar>> source)
        : state_{std::shared_ptr<State>{new State{std::move(source), {}}}} {
        advance();
    }
    /// The batch may be moved from.
    [[nodiscard]] Batch<Scalar>& operator*() const& { return state_->batch; }
    [[nodiscard]] Batch<Scalar> operator*() && { return std::move(state_->batch); }  // `*loader.begin()`: nobody else has it
    [[nodiscard]] Batch<Scalar>* operator->() const& { return &state_->batch; }
    Batch<Scalar>* operator->() && = delete;
    /// @throws whatever stands in the place of the next batch; then nothing more comes
    BatchIterator& operator++() {
        advance();
        return *this;
    }
    void operator++(int) { advance(); }
    friend bool operator==(const BatchIterator& iterator, std::default_sentinel_t) noexcept { return !iterator.state_; }

private:
    struct State {
        detail::Prefetcher<Batch<Scalar>> source;
        Batch<Scalar> batch;
    };

    void advance() {
        if (auto next = state_->source.next())
            state_->batch = std::move(*next);
        else
            state_.reset();
    }

    std::shared_ptr<State> state_;
};

}  // namespace espalier::inline ESPALIER_ABI::data
