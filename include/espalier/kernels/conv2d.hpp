// SPDX-License-Identifier: MIT
/// @file Convolution of channels-last images in its three passes, for every stride, padding, dilation and grouping.
#pragma once

#include <espalier/kernels/conv2d_tiled_forward.hpp>
#include <espalier/kernels/conv2d_tiled_input.hpp>
#include <espalier/kernels/conv2d_tiled_weight.hpp>
#include <espalier/kernels/conv2d_unfold.hpp>

#include <algorithm>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Whether convolutions of this scalar can be joined with what follows them.
template <class Scalar>
inline constexpr bool has_tiled_conv2d = simd::vectorised<Scalar>;

namespace tiled {

/// Whether the tiles serve this geometry. They read the image through a copy of strips of it with the padding around, and by
/// offsets of 32 bits, and the runs of a depthwise one list the taps of every window that an edge cuts. Where the padding, and a
/// dilation with it, or the window is beyond all proportion, windows are unfolded instead: that costs what the products cost.
[[nodiscard]] inline bool serves(const ConvShape& s) noexcept {
    const auto area = [](Pair extent) { return static_cast<double>(extent.height) * static_cast<double>(extent.width); };
    const double padded = area(s.window.padded(s.input));
    return s.in_channels > 0 && (!s.depthwise() || s.window.taps() <= 1024) && padded <= 16 * (area(s.input) + area(s.output)) + 4096 &&
           padded * static_cast<double>(std::max(s.in_channels, s.out_channels)) < 2147483648.0;
}

}  // namespace tiled

/// y = x * w + bias; `bias` may be null.
template <class Scalar>
void conv2d_forward(const ConvShape& s, const Scalar* x, const Scalar* weight, const Scalar* bias, Scalar* y) {
    if constexpr (has_tiled_conv2d<Scalar>)
        if (tiled::serves(s))
            return tiled::forward(s, x, weight, bias, ConvTail::none, y, nullptr);
    unfolded::forward(s, x, weight, bias, y);
}

/// dx from dy; `s.batch` may count T batches laid one after the other.
template <class Scalar>
void conv2d_backward_input(const ConvShape& s, const Scalar* dy, const Scalar* weight, Scalar* dx) {
    if constexpr (has_tiled_conv2d<Scalar>)
        if (tiled::serves(s))
            return tiled::backward_input(s, s.batch, {.dy = dy}, weight, dx);
    unfolded::backward_input(s, dy, weight, dx);
}

/// The gradient of the weights for each of `tasks` cotangents: dy is (tasks, batch, output, out_channels), and row t of
/// the result starts at `dw + t * stride`.
template <class Scalar>
void conv2d_backward_weight(const ConvShape& s, Index tasks, const Scalar* x, const Scalar* dy, Scalar* dw, Index stride,
                            bool accumulate) {
    if constexpr (has_tiled_conv2d<Scalar>)
        if (tiled::serves(s))
            return tiled::backward_weight(s, tasks, x, {.dy = dy}, dw, stride, accumulate, nullptr, 0, false);
    unfolded::backward_weight(s, tasks, x, dy, dw, stride, accumulate);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
