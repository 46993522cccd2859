// SPDX-License-Identifier: MIT
/// @file Between channels-first and channels-last: images here are (N, H, W, C), in PyTorch and ONNX (N, C, H, W).
#pragma once

#include <espalier/tensor/tensor.hpp>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

/// (outer, rows, columns) to (outer, columns, rows).
template <class Scalar>
void transpose_inner(const Scalar* from, Index outer, Index rows, Index columns, Scalar* to) {
    for (Index n = 0; n < outer; ++n, from += rows * columns, to += rows * columns)
        for (Index row = 0; row < rows; ++row)
            for (Index column = 0; column < columns; ++column)
                to[column * rows + row] = from[row * columns + column];
}

}  // namespace detail

/// (N, C, H, W) to (N, H, W, C); likewise weights of a convolution, (O, I, H, W) to (O, H, W, I).
/// @throws ShapeError unless there are four axes
template <class Scalar>
[[nodiscard]] Tensor<Scalar> from_nchw(const Tensor<Scalar>& tensor) {
    require<ShapeError>(tensor.rank() == 4, "from_nchw", "expected a shape (N, C, H, W), got ", tensor.shape());
    const Shape& s = tensor.shape();
    auto result = Tensor<Scalar>::empty({s[0], s[2], s[3], s[1]});
    detail::transpose_inner(tensor.data(), s[0], s[1], s[2] * s[3], result.data());
    return result;
}

/// (N, H, W, C) to (N, C, H, W), (O, H, W, I) to (O, I, H, W): undoes `from_nchw`.
/// @throws ShapeError unless there are four axes
template <class Scalar>
[[nodiscard]] Tensor<Scalar> to_nchw(const Tensor<Scalar>& tensor) {
    require<ShapeError>(tensor.rank() == 4, "to_nchw", "expected a shape (N, H, W, C), got ", tensor.shape());
    const Shape& s = tensor.shape();
    auto result = Tensor<Scalar>::empty({s[0], s[3], s[1], s[2]});
    detail::transpose_inner(tensor.data(), s[0], s[1] * s[2], s[3], result.data());
    return result;
}

/// The weight (out, C·H·W) of a linear layer that follows a flattened image, its columns from the order (c, h, w) to
/// the order (h, w, c). @throws ShapeError unless the weight has that shape
template <class Scalar>
[[nodiscard]] Tensor<Scalar> flatten_weight_from_nchw(const Tensor<Scalar>& weight, Index channels, Index height, Index width) {
    require<ShapeError>(
        channels >= 0 && height >= 0 && width >= 0 && weight.rank() == 2 && weight.size(1) == Shape{channels, height, width}.numel(),
        "flatten_weight_from_nchw", "expected a weight (out, ", channels, " * ", height, " * ", width, "), got ", weight.shape());
    auto result = Tensor<Scalar>::empty(weight.shape());
    detail::transpose_inner(weight.data(), weight.size(0), channels, height * width, result.data());
    return result;
}

/// Columns from the order (h, w, c) to the order (c, h, w): undoes `flatten_weight_from_nchw`.
/// @throws ShapeError unless the weight has the shape (out, C·H·W)
template <class Scalar>
[[nodiscard]] Tensor<Scalar> flatten_weight_to_nchw(const Tensor<Scalar>& weight, Index channels, Index height, Index width) {
    require<ShapeError>(
        channels >= 0 && height >= 0 && width >= 0 && weight.rank() == 2 && weight.size(1) == Shape{channels, height, width}.numel(),
        "flatten_weight_to_nchw", "expected a weight (out, ", channels, " * ", height, " * ", width, "), got ", weight.shape());
    auto result = Tensor<Scalar>::empty(weight.shape());
    detail::transpose_inner(weight.data(), weight.size(0), height * width, channels, result.data());
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::io
