// SPDX-License-Identifier: MIT
/// @file Two-dimensional convolution (cross-correlation) of channels-last images.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/kernels/conv2d.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

struct Conv2dOptions {
    Pair stride = 1;
    Pair padding = 0;  ///< zeros on every side
    Pair dilation = 1;
    Index groups = 1;  ///< channels are cut into so many parts, each with filters of its own
};

namespace detail {

[[nodiscard]] inline kernels::ConvShape conv_shape(const Shape& x, const Shape& weight, const Conv2dOptions& options) {
    require<ShapeError>(weight.rank() == 4, "conv2d", "expected weights (out, kernel_h, kernel_w, in / groups), got ", weight);
    require<ShapeError>(x.rank() == 4, "conv2d", "expected images (N, H, W, C), got input ", x);
    require<ValueError>(options.groups > 0 && weight[0] % options.groups == 0, "conv2d", "expected groups that divide ",
                        weight[0], " output channels, got ", options.groups);
    require<ShapeError>(x[3] == weight[3] * options.groups, "conv2d", "expected ", weight[3] * options.groups,
                        " input channels, got input ", x);
    const kernels::Window window{{weight[1], weight[2]}, options.stride, options.padding, options.dilation};
    return {x[0], {x[1], x[2]}, window.output("conv2d", {x[1], x[2]}), x[3], weight[0], options.groups, window};
}

template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>* bias,
                                      const Conv2dOptions& options) {
    const kernels::ConvShape s = conv_shape(x.shape(), weight.shape(), options);
    require<ShapeError>(!bias || bias->shape() == Shape{s.out_channels}, "conv2d", "expected a bias of shape (",
                        s.out_channels, ",), got ", bias ? bias->shape() : Shape{});
    auto y = Tensor<Scalar>::empty({s.batch, s.output.height, s.output.width, s.out_channels});
    kernels::conv2d_forward(s, x.value().data(), weight.value().data(), bias ? bias->value().data() : nullptr, y.data());
    const auto backward = [s](Gradients<Scalar>& g) {
        const Scalar* const dy = g.cotangent().data();
        if (g.needs(0)) {
            auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
            kernels::ConvShape stacked = s;
            stacked.batch *= g.rows();
            kernels::conv2d_backward_input(stacked, dy, g.input(1).data(), dx.data());
            g.add(0, std::move(dx));
        }
        if (g.needs(1))
            g.produce(1, [&](Scalar* dw, Index stride, bool accumulate) {
                kernels::conv2d_backward_weight(s, g.rows(), g.input(0).data(), dy, dw, stride, accumulate);
            });
        if (g.inputs() == 3 && g.needs(2))
            add_bias_gradient(g, 2, dy, s.batch * s.output.height * s.output.width, s.out_channels);
    };
    if (bias)
        return record<Scalar>("conv2d", std::move(y), {x, weight, *bias}, backward);
    return record<Scalar>("conv2d", std::move(y), {x, weight}, backward);
}

}  // namespace detail

/// x (N, H, W, C) with `weight` (O, KH, KW, C / groups) and `bias` (O,): gives (N, OH, OW, O).
/// @throws ShapeError, ValueError naming what does not fit.
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                      const Conv2dOptions& options = {}) {
    return detail::conv2d(x, weight, &bias, options);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d(const Variable<Scalar>& x, const Variable<Scalar>& weight,
                                      const Conv2dOptions& options = {}) {
    return detail::conv2d<Scalar>(x, weight, nullptr, options);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
