// SPDX-License-Identifier: MIT
/// @file Two-dimensional transposed convolution of channels-last images: what carries gradients of a convolution back, as a layer.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/kernels/conv2d.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Of a transposed convolution, operation or layer, by the names of PyTorch.
struct ConvTranspose2dOptions {
    Pair stride = 1;
    Pair padding = 0;         ///< rows and columns that are left out on every side of the result
    Pair output_padding = 0;  ///< rows and columns more at its end; less than the larger one of stride and dilation
    Pair dilation = 1;
    Index groups = 1;
    bool bias = true;  ///< whether a layer has one; an operation adds the one that it is given
};

namespace detail {

/// Of the convolution whose input is the result, and whose output is x.
[[nodiscard]] inline kernels::ConvShape conv_transpose_shape(const Shape& x, const Shape& weight, const ConvTranspose2dOptions& options) {
    constexpr const char* name = "conv_transpose2d";
    constexpr Index most = kernels::Window::most;
    require<ShapeError>(weight.rank() == 4, name, "expected weights (in, kernel_h, kernel_w, out / groups), got ", weight);
    require<ShapeError>(weight[0] > 0 && weight[3] > 0, name, "expected at least one input and output channel, got weights ", weight);
    require<ShapeError>(x.rank() == 4, name, "expected images (N, H, W, C), got input ", x);
    require<ShapeError>(x[1] > 0 && x[2] > 0 && x[1] <= most && x[2] <= most, name, "expected images of at least 1x1 and at most ", most,
                        " pixels a side, got input ", x);
    require<ValueError>(options.groups > 0 && weight[0] % options.groups == 0, name, "expected groups that divide ", weight[0],
                        " input channels, got ", options.groups);
    require<ShapeError>(x[3] == weight[0], name, "expected ", weight[0], " input channels, got input ", x);
    const kernels::Window window{{weight[1], weight[2]}, options.stride, options.padding, options.dilation};
    window.require_valid(name);
    const Pair& more = options.output_padding;
    require<ValueError>(more.height >= 0 && more.width >= 0 && more.height < std::max(window.stride.height, window.dilation.height) &&
                            more.width < std::max(window.stride.width, window.dilation.width),
                        name, "expected an output padding of at least 0 and less than stride ", window.stride, " or dilation ",
                        window.dilation, ", got ", more);
    const Pair reach = window.reach();
    const Pair result{(x[1] - 1) * window.stride.height + reach.height + more.height - 2 * window.padding.height,
                      (x[2] - 1) * window.stride.width + reach.width + more.width - 2 * window.padding.width};
    require<ShapeError>(result.height > 0 && result.width > 0, name, "expected a result of at least 1x1, got ", result, " of input ", x,
                        " with padding ", window.padding);
    return {x[0], result, {x[1], x[2]}, weight[3] * options.groups, weight[0], options.groups, window.within(result)};
}

template <class Scalar>
[[nodiscard]] Variable<Scalar> conv_transpose2d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>* bias,
                                                const ConvTranspose2dOptions& options) {
    const kernels::ConvShape s = conv_transpose_shape(x.shape(), weight.shape(), options);
    const Index channels = s.in_channels, pixels = s.batch * s.input.height * s.input.width;
    require<ShapeError>(!bias || bias->shape() == Shape{channels}, "conv_transpose2d", "expected a bias of shape (", channels, ",), got ",
                        bias ? bias->shape() : Shape{});
    auto y = Tensor<Scalar>::empty({s.batch, s.input.height, s.input.width, channels});
    kernels::conv2d_backward_input(s, x.value().data(), weight.value().data(), y.data());
    if (bias)
        kernels::add_to_each_row(pixels, channels, bias->value().data(), y.data());
    const auto backward = [s, channels, pixels](Gradients<Scalar>& g) {
        const Scalar* const dy = g.cotangent().data();
        if (g.needs(0)) {
            auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
            kernels::ConvShape stacked = s;
            stacked.batch *= g.rows();
            kernels::conv2d_forward<Scalar>(stacked, dy, g.input(1).data(), nullptr, dx.data());
            g.add(0, std::move(dx));
        }
        if (g.needs(1))  // what differs from task to task is the convolution's input, of which its kernels take one at a time
            g.produce(1, [&](const kernels::Target<Scalar>& dw) {
                for (Index t = 0; t < g.rows(); ++t)
                    kernels::conv2d_backward_weight<Scalar>(s, 1, dy + t * pixels * channels, g.input(0).data(),
                                                            {dw.row(t), dw.stride, dw.accumulate});
            });
        if (g.inputs() == 3 && g.needs(2))
            add_bias_gradient(g, 2, dy, pixels, channels);
    };
    return bias ? record<Scalar>("conv_transpose2d", std::move(y), {x, weight, *bias}, backward)
                : record<Scalar>("conv_transpose2d", std::move(y), {x, weight}, backward);
}

}  // namespace detail

/// x (N, H, W, C) with `weight` (C, KH, KW, O / groups) and `bias` (O,) gives (N, OH, OW, O), where
/// OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1: each pixel of x times the weights is added to the window
/// of the result that a convolution would read for it. Up to the order of axes PyTorch's ConvTranspose2d (Zeiler et al., Deconvolutional
/// Networks, CVPR 2010). @throws ShapeError, ValueError naming what does not fit.
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv_transpose2d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                                const ConvTranspose2dOptions& options = {}) {
    return detail::conv_transpose2d(x, weight, &bias, options);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv_transpose2d(const Variable<Scalar>& x, const Variable<Scalar>& weight,
                                                const ConvTranspose2dOptions& options = {}) {
    return detail::conv_transpose2d<Scalar>(x, weight, nullptr, options);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
