// SPDX-License-Identifier: MIT
/// @file Average and max pooling of (N, H, W, C) images to a given size.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/kernels/adaptive_pooling.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

[[nodiscard]] inline kernels::AdaptivePoolShape adaptive_pool_shape(const char* operation, const Shape& x, Pair size) {
    require<ShapeError>(x.rank() == 4 && x[1] > 0 && x[2] > 0 && x[3] > 0, operation, "expected images (N, H, W, C), got input ", x);
    require<ValueError>(size.height > 0 && size.width > 0, operation, "expected a size of at least 1x1, got ", size);
    return {x[0], {x[1], x[2]}, size, x[3]};
}

}  // namespace detail

/// x (N, H, W, C) gives (N, h, w, C) for `size` h x w: the mean of rows floor(i H / h) to before ceil((i + 1) H / h) for row i, and
/// likewise of columns. Windows overlap where the sides do not divide; a size beyond the image's repeats pixels.
/// @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> adaptive_avg_pool2d(const Variable<Scalar>& x, Pair size) {
    const auto s = detail::adaptive_pool_shape("adaptive_avg_pool2d", x.shape(), size);
    auto y = Tensor<Scalar>::empty({s.batch, size.height, size.width, s.channels});
    kernels::adaptive_avg_pool2d_forward(s, x.value().data(), y.data());
    return record<Scalar>("adaptive_avg_pool2d", std::move(y), {x}, [s](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        kernels::adaptive_avg_pool2d_backward(s, g.rows() * s.batch, g.cotangent().data(), dx.data());
        g.add(0, std::move(dx));
    });
}

/// The largest value of the same windows; its gradient goes to the first of equals. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> adaptive_max_pool2d(const Variable<Scalar>& x, Pair size) {
    const auto s = detail::adaptive_pool_shape("adaptive_max_pool2d", x.shape(), size);
    auto y = Tensor<Scalar>::empty({s.batch, size.height, size.width, s.channels});
    auto winner = Tensor<Index>::empty(y.shape());
    kernels::adaptive_max_pool2d_forward(s, x.value().data(), y.data(), winner.data());
    return record<Scalar>("adaptive_max_pool2d", std::move(y), {x}, [s, winner = std::move(winner)](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        kernels::adaptive_max_pool2d_backward(s, g.rows() * s.batch, g.cotangent().data(), winner.data(), dx.data());
        g.add(0, std::move(dx));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
