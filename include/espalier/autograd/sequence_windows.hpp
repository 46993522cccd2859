// SPDX-License-Identifier: MIT
/// @file A window that slides along sequences (N, L, C), each as if it stood alone: what the 2-D kernels do with images of one row.
#pragma once

#include <espalier/autograd/sequence_steps.hpp>
#include <espalier/kernels/window.hpp>

#include <optional>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// A window along one axis. @throws ValueError for an option out of range
[[nodiscard]] inline kernels::Window sequence_window(const char* operation, Index kernel, Index stride, Index padding, Index dilation,
                                                     bool ceil_mode = false) {
    constexpr Index most = kernels::Window::most;
    const auto counts = [](Index value) { return value > 0 && value <= most; };
    require<ValueError>(counts(kernel) && counts(stride) && counts(dilation) && padding >= 0 && padding <= most, operation,
                        "expected a kernel, stride and dilation of 1 to ", most, " and a padding of 0 to ", most, ", got ", kernel, ", ",
                        stride, ", ", dilation, " and ", padding);
    return {{1, kernel}, {1, stride}, {0, padding}, {1, dilation}, ceil_mode};
}

/// Steps of what a window makes of a sequence; of none there are none, whatever the padding.
[[nodiscard]] inline Index window_steps(const kernels::Window& window, Index length) noexcept {
    return length == 0 ? 0 : window.windows(length, window.reach().width, window.stride.width, window.padding.width);
}

/// The same of many. @throws ValueError for a length below 0
[[nodiscard]] inline Tensor<Index> window_lengths(const char* operation, const kernels::Window& window, const Tensor<Index>& lengths) {
    auto result = Tensor<Index>::empty(lengths.shape());
    for (Index i = 0; i < lengths.numel(); ++i) {
        require<ValueError>(lengths[i] >= 0, operation, "expected lengths of at least 0, got ", lengths[i]);
        result[i] = window_steps(window, lengths[i]);
    }
    return result;
}

/// Which sequences a kernel takes at once. Without lengths that is all of them. With lengths each is taken for itself, up to its end:
/// its result has then the same bits alone and in any batch, and what pads it is not read.
class SequenceWindows {
public:
    /// Some sequences of one length, with a result of so many steps.
    struct Part {
        Index first, samples, length, steps;
    };

    /// @throws ShapeError unless x is (N, L, C), and without lengths unless a window fits; as require_lengths
    SequenceWindows(const char* operation, const Shape& x, const kernels::Window& window, const std::optional<Tensor<Index>>& lengths)
        : window_{window}, whole_{!lengths} {
        require<ShapeError>(x.rank() == 3, operation, "expected sequences (N, L, C), got input ", x);
        longest_ = x[1];
        samples_ = x[0];
        steps_ = window_steps(window, longest_);
        require<ShapeError>(lengths || steps_ > 0, operation, "expected padded sequences of at least ", window.reach().width,
                            " steps, got input ", x, " with padding ", window.padding.width);
        if (!lengths) {
            parts_.push_back({0, samples_, longest_, steps_});
            return;
        }
        require_lengths(operation, *lengths, samples_, longest_);
        for (Index i = 0; i < samples_; ++i)
            if (const Index steps = window_steps(window, (*lengths)[i]); steps > 0)
                parts_.push_back({i, 1, (*lengths)[i], steps});
    }

    /// Whether there are no lengths.
    [[nodiscard]] bool whole() const noexcept { return whole_; }
    [[nodiscard]] const PoolVector<Part>& parts() const noexcept { return parts_; }
    /// Of the result, with its padding.
    [[nodiscard]] Index steps() const noexcept { return steps_; }
    [[nodiscard]] Index samples() const noexcept { return samples_; }
    [[nodiscard]] kernels::Window window_over(Index length) const noexcept { return window_.within({1, length}); }

    /// Zeros where parts leave something out, else memory that they fill.
    template <class Scalar>
    [[nodiscard]] Tensor<Scalar> target(const Shape& shape) const {
        return whole_ ? Tensor<Scalar>::empty(shape) : Tensor<Scalar>{shape};
    }
    /// Where a part begins in row t of T inputs or results, counted in steps.
    [[nodiscard]] Index input_at(const Part& part, Index t = 0) const noexcept { return (t * samples_ + part.first) * longest_; }
    [[nodiscard]] Index output_at(const Part& part, Index t = 0) const noexcept { return (t * samples_ + part.first) * steps_; }

    /// `body(part, t, rows)` for each part and `rows` rows from t on of T, row by row where a part has no place for several.
    template <class Body>
    void for_each(Index rows, const Body& body) const {
        for (Index t = 0; t < (whole_ ? 1 : rows); ++t)
            for (const Part& part : parts_)
                body(part, t, whole_ ? rows : 1);
    }

private:
    kernels::Window window_;
    bool whole_;
    Index samples_, longest_, steps_;
    PoolVector<Part> parts_;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
