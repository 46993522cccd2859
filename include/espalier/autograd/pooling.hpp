// SPDX-License-Identifier: MIT
/// @file Max, average and global average pooling of (N, H, W, C) images.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/kernels/avg_pooling.hpp>
#include <espalier/kernels/pooling.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Of a pooling, by the names of PyTorch.
struct Pool2dOptions {
    std::optional<Pair> stride = {};  ///< the kernel's extents if absent
    Pair padding = 0;                 ///< at most half the kernel; minus infinity for max, zeros for average
    bool ceil_mode = false;           ///< a last window may reach over the end, if it begins in the image or the padding before it
};

/// Of an average pooling, by the names of PyTorch.
struct AvgPool2dOptions {
    std::optional<Pair> stride = {};
    Pair padding = 0;
    bool ceil_mode = false;
    bool count_include_pad = true;  ///< whether padding counts as zeros, or a mean is that of the pixels alone
};

namespace detail {

[[nodiscard]] inline kernels::PoolShape pool_shape(const char* operation, const Shape& x, Pair kernel, const Pool2dOptions& options) {
    require<ShapeError>(x.rank() == 4, operation, "expected images (N, H, W, C), got input ", x);
    require<ShapeError>(x[1] > 0 && x[2] > 0 && x[3] > 0, operation, "expected images of at least 1x1 and one channel, got input ", x);
    const kernels::Window window{kernel, options.stride.value_or(kernel), options.padding, 1, options.ceil_mode};
    const Pair output = window.output(operation, {x[1], x[2]});
    require<ValueError>(2 * options.padding.height <= kernel.height && 2 * options.padding.width <= kernel.width, operation,
                        "expected a padding of at most half the kernel ", kernel, ", got ", options.padding);
    require<ValueError>(window.taps() <= 65536, operation, "expected at most 65536 taps, got kernel ", kernel);
    return {x[0], {x[1], x[2]}, output, x[3], window.within({x[1], x[2]})};
}

[[nodiscard]] inline Shape pooled(const kernels::PoolShape& s) { return {s.batch, s.output.height, s.output.width, s.channels}; }

}  // namespace detail

/// Largest value of each window; its gradient goes to the first of equals. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> max_pool2d(const Variable<Scalar>& x, Pair kernel, const Pool2dOptions& options = {}) {
    const auto s = detail::pool_shape("max_pool2d", x.shape(), kernel, options);
    auto y = Tensor<Scalar>::empty(detail::pooled(s));
    auto winner = Tensor<std::uint16_t>::empty(y.shape());
    kernels::max_pool2d_forward(s, x.value().data(), y.data(), winner.data());
    return record<Scalar>("max_pool2d", std::move(y), {x}, [s, winner = std::move(winner)](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        kernels::max_pool2d_backward(s, g.rows() * s.batch, g.cotangent().data(), winner.data(), dx.data());
        g.add(0, std::move(dx));
    });
}

/// Mean of each window, padding included unless the options say otherwise. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> avg_pool2d(const Variable<Scalar>& x, Pair kernel, const AvgPool2dOptions& options = {}) {
    auto s = detail::pool_shape("avg_pool2d", x.shape(), kernel, {options.stride, options.padding, options.ceil_mode});
    s.count_include_pad = options.count_include_pad;
    auto y = Tensor<Scalar>::empty(detail::pooled(s));
    kernels::avg_pool2d_forward(s, x.value().data(), y.data());
    return record<Scalar>("avg_pool2d", std::move(y), {x}, [s](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        kernels::avg_pool2d_backward(s, g.rows() * s.batch, g.cotangent().data(), dx.data());
        g.add(0, std::move(dx));
    });
}

/// Mean over the whole image: (N, H, W, C) gives (N, C). @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> global_avg_pool2d(const Variable<Scalar>& x) {
    require<ShapeError>(x.rank() == 4 && (x.size(1) * x.size(2) > 0 || x.size(0) * x.size(3) == 0), "global_avg_pool2d",
                        "expected images (N, H, W, C), got input ", x.shape());
    return mean(reshape(x, {x.size(0), x.size(1) * x.size(2), x.size(3)}), 1);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
