// SPDX-License-Identifier: MIT
/// @file Two-dimensional convolution (cross-correlation) of channels-last images.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/pooling.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/kernels/conv2d.hpp>

#include <cstdint>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Of a convolution, operation or layer, by the names of PyTorch.
struct Conv2dOptions {
    Pair stride = 1;
    Pair padding = 0;  ///< zeros on every side
    Pair dilation = 1;
    Index groups = 1;  ///< channels are cut into so many parts, each with filters of its own
    bool bias = true;  ///< whether a layer has one; an operation adds the one that it is given
};

namespace detail {

[[nodiscard]] inline kernels::ConvShape conv_shape(const Shape& x, const Shape& weight, const Conv2dOptions& options) {
    require<ShapeError>(weight.rank() == 4, "conv2d", "expected weights (out, kernel_h, kernel_w, in / groups), got ", weight);
    require<ShapeError>(weight[0] > 0, "conv2d", "expected at least one output channel, got weights ", weight);
    require<ShapeError>(x.rank() == 4, "conv2d", "expected images (N, H, W, C), got input ", x);
    require<ShapeError>(x[1] > 0 && x[2] > 0, "conv2d", "expected images of at least 1x1, got input ", x);
    require<ValueError>(options.groups > 0 && weight[0] % options.groups == 0, "conv2d", "expected groups that divide ", weight[0],
                        " output channels, got ", options.groups);
    require<ShapeError>(x[3] == weight[3] * options.groups, "conv2d", "expected ", weight[3] * options.groups,
                        " input channels, got input ", x);
    const kernels::Window window{{weight[1], weight[2]}, options.stride, options.padding, options.dilation};
    const Pair output = window.output("conv2d", {x[1], x[2]});
    return {x[0], {x[1], x[2]}, output, x[3], weight[0], options.groups, window.within({x[1], x[2]})};
}

/// One pass each way over what would be up to three operations; the plain result of the convolution is never stored.
[[nodiscard]] inline Variable<float> conv2d_tiled(const Variable<float>& x, const Variable<float>& weight, const Variable<float>* bias,
                                                  const kernels::ConvShape& s, kernels::ConvTail tail) {
    const bool pool = tail == kernels::ConvTail::relu_max_pool;
    const Pair extent = pool ? s.pooled() : s.output;
    auto y = Tensor<float>::empty({s.batch, extent.height, extent.width, s.out_channels});
    auto winners = Tensor<std::uint8_t>::empty({pool ? y.numel() + kernels::winners_slack : 0});
    kernels::tiled::forward(s, x.value().data(), weight.value().data(), bias ? bias->value().data() : nullptr, tail, y.data(),
                            winners.data());
    const char* const name = pool ? "conv2d_relu_max_pool2d" : tail == kernels::ConvTail::relu ? "conv2d_relu" : "conv2d";
    const auto backward = [s, tail, winners = std::move(winners)](Gradients<float>& g) {
        const kernels::ConvCotangent<float> cotangent{tail, g.cotangent().data(), g.output().data(), winners.data()};
        if (g.needs(0)) {
            auto dx = Tensor<float>::empty(g.input(0).shape().prepended(g.rows()));
            kernels::tiled::backward_input(s, g.rows() * s.batch, cotangent, g.input(1).data(), dx.data());
            g.add(0, std::move(dx));
        }
        // Both gradients in one pass over the images, each where it belongs, if anybody wants it.
        const auto target_of = [&g](std::size_t i, const auto& write) {
            if (i < g.inputs() && g.needs(i))
                g.produce(i, write);
            else
                write(kernels::Target<float>{});
        };
        target_of(1, [&](const kernels::Target<float>& dw) {
            target_of(2, [&](const kernels::Target<float>& db) {
                kernels::tiled::backward_weight(s, g.rows(), g.input(0).data(), cotangent, dw, db);
            });
        });
    };
    if (bias)
        return record<float>(name, std::move(y), {x, weight, *bias}, std::move(backward));
    return record<float>(name, std::move(y), {x, weight}, std::move(backward));
}

template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>* bias,
                                      const Conv2dOptions& options, kernels::ConvTail tail = kernels::ConvTail::none) {
    const kernels::ConvShape s = conv_shape(x.shape(), weight.shape(), options);
    require<ShapeError>(!bias || bias->shape() == Shape{s.out_channels}, "conv2d", "expected a bias of shape (", s.out_channels, ",), got ",
                        bias ? bias->shape() : Shape{});
    if (tail == kernels::ConvTail::relu_max_pool)
        (void)kernels::Window{2, 2}.output("max_pool2d", s.output);
    if constexpr (kernels::has_tiled_conv2d<Scalar>)
        if (kernels::tiled::serves(s)) {
            if (s.depthwise() && tail == kernels::ConvTail::relu_max_pool)  // the tiles that pool multiply by many filters
                return max_pool2d(conv2d_tiled(x, weight, bias, s, kernels::ConvTail::relu), 2);
            return conv2d_tiled(x, weight, bias, s, tail);
        }
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
            g.produce(1,
                      [&](const kernels::Target<Scalar>& dw) { kernels::conv2d_backward_weight(s, g.rows(), g.input(0).data(), dy, dw); });
        if (g.inputs() == 3 && g.needs(2))
            add_bias_gradient(g, 2, dy, s.batch * s.output.height * s.output.width, s.out_channels);
    };
    auto plain = bias ? record<Scalar>("conv2d", std::move(y), {x, weight, *bias}, backward)
                      : record<Scalar>("conv2d", std::move(y), {x, weight}, backward);
    if (tail == kernels::ConvTail::none)
        return plain;
    return tail == kernels::ConvTail::relu ? relu(plain) : max_pool2d(relu(plain), 2);
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
[[nodiscard]] Variable<Scalar> conv2d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Conv2dOptions& options = {}) {
    return detail::conv2d<Scalar>(x, weight, nullptr, options);
}

/// `relu(conv2d(...))` with the same bits, in one pass each way. @throws as conv2d.
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d_relu(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                           const Conv2dOptions& options = {}) {
    return detail::conv2d(x, weight, &bias, options, kernels::ConvTail::relu);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d_relu(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Conv2dOptions& options = {}) {
    return detail::conv2d<Scalar>(x, weight, nullptr, options, kernels::ConvTail::relu);
}

/// `max_pool2d(relu(conv2d(...)), 2)` with the same bits, in one pass each way. @throws as conv2d and max_pool2d.
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d_relu_max_pool2d(const Variable<Scalar>& x, const Variable<Scalar>& weight,
                                                      const Variable<Scalar>& bias, const Conv2dOptions& options = {}) {
    return detail::conv2d(x, weight, &bias, options, kernels::ConvTail::relu_max_pool);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv2d_relu_max_pool2d(const Variable<Scalar>& x, const Variable<Scalar>& weight,
                                                      const Conv2dOptions& options = {}) {
    return detail::conv2d<Scalar>(x, weight, nullptr, options, kernels::ConvTail::relu_max_pool);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
