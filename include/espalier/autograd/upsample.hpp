// SPDX-License-Identifier: MIT
/// @file Resizing of (N, H, W, C) images by nearest neighbour and bilinear interpolation.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/kernels/resample.hpp>

#include <algorithm>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

template <class Scalar>
[[nodiscard]] kernels::Resampling<Scalar> nearest_axis(Index from, Index to) {
    return {from, to, [=](Index i, const auto& add) { add(i * from / to, 1.0); }};
}

template <class Scalar>
[[nodiscard]] kernels::Resampling<Scalar> linear_axis(Index from, Index to, bool align_corners) {
    return {from, to, [=](Index i, const auto& add) {
                const auto position = static_cast<double>(i);
                const double ratio = align_corners ? (to > 1 ? static_cast<double>(from - 1) / static_cast<double>(to - 1) : 0)
                                                   : static_cast<double>(from) / static_cast<double>(to);
                const double x = align_corners ? position * ratio : std::max(0.0, (position + 0.5) * ratio - 0.5);
                const Index low = std::min(static_cast<Index>(x), from - 1);
                const double weight = low + 1 < from ? x - static_cast<double>(low) : 0;
                add(low, 1 - weight);
                add(low + 1, weight);
            }};
}

/// Resized to `size`; `axis(from, to)` says how along one.
template <class Scalar, class Axis>
[[nodiscard]] Variable<Scalar> resample(const char* operation, const Variable<Scalar>& x, Pair size, const Axis& axis) {
    const Shape in = x.shape();
    // Before the axes: what cannot be held is refused before anything is made of it.
    auto y = Tensor<Scalar>::empty({in[0], size.height, size.width, in[3]});
    const bool empty = y.numel() == 0;
    const auto rows = axis(in[1], empty ? 0 : size.height), columns = axis(in[2], empty ? 0 : size.width);
    kernels::resample(in[0], {in[1], in[2]}, in[3], rows, columns, x.value().data(), y.data());
    return record<Scalar>(operation, std::move(y), {x},
                          [in, size, rows = rows.transposed(), columns = columns.transposed()](Gradients<Scalar>& g) {
                              auto dx = Tensor<Scalar>::empty(in.prepended(g.rows()));
                              kernels::resample_back(g.rows() * in[0], size, in[3], rows, columns, g.cotangent().data(), dx.data());
                              g.add(0, std::move(dx));
                          });
}

inline void require_resizable(const char* operation, const Shape& x, Pair size) {
    require<ShapeError>(x.rank() == 4 && x[1] > 0 && x[2] > 0 && x[3] > 0, operation, "expected images (N, H, W, C), got input ", x);
    require<ValueError>(size.height > 0 && size.width > 0, operation, "expected a size of at least 1x1, got ", size);
}

}  // namespace detail

/// Each output pixel is its nearest input pixel, as PyTorch's `nearest`. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> upsample_nearest2d(const Variable<Scalar>& x, Pair size) {
    detail::require_resizable("upsample_nearest2d", x.shape(), size);
    return detail::resample("upsample_nearest2d", x, size, detail::nearest_axis<Scalar>);
}

/// Bilinear interpolation; with `align_corners` the corner pixels of input and output coincide. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> upsample_bilinear2d(const Variable<Scalar>& x, Pair size, bool align_corners = false) {
    detail::require_resizable("upsample_bilinear2d", x.shape(), size);
    return detail::resample("upsample_bilinear2d", x, size,
                            [=](Index from, Index to) { return detail::linear_axis<Scalar>(from, to, align_corners); });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
