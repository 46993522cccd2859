// SPDX-License-Identifier: MIT
/// @file Convolution of channels-last images in its three passes, for every stride, padding, dilation and grouping.
#pragma once

#include <espalier/kernels/conv2d_tiled_forward.hpp>
#include <espalier/kernels/conv2d_tiled_input.hpp>
#include <espalier/kernels/conv2d_tiled_weight.hpp>
#include <espalier/kernels/conv2d_unfold.hpp>
#include <espalier/kernels/target.hpp>

#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Whether convolutions of this scalar can be joined with what follows them.
template <class Scalar>
inline constexpr bool has_tiled_conv2d = simd::vectorised<Scalar>;

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

/// The gradient of the weights for each of `tasks` cotangents: dy is (tasks, batch, output, out_channels).
template <class Scalar>
void conv2d_backward_weight(const ConvShape& s, Index tasks, const Scalar* x, const Scalar* dy, const Target<Scalar>& dw) {
    if constexpr (has_tiled_conv2d<Scalar>)
        if (tiled::serves(s))
            return tiled::backward_weight(s, tasks, x, {.dy = dy}, dw, {});
    unfolded::backward_weight(s, tasks, x, dy, dw);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
