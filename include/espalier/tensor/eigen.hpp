// SPDX-License-Identifier: MIT
/// @file Tensors as Eigen maps, and Eigen expressions as tensors.
#pragma once

#include <espalier/tensor/tensor.hpp>

#include <Eigen/Core>

namespace espalier::inline ESPALIER_ABI {

/// An Eigen matrix with the layout of a tensor.
template <class Scalar>
using RowMajorMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The tensor as a matrix without copying: the last axis gives the columns, all others together the rows. A temporary has no
/// such view, which would outlive it.
template <class Scalar>
[[nodiscard]] Eigen::Map<RowMajorMatrix<Scalar>> as_matrix(Tensor<Scalar>& tensor) {
    const Index columns = tensor.rank() == 0 ? 1 : tensor.size(-1);
    return {tensor.data(), tensor.rank() == 0 ? 1 : tensor.shape().product(0, tensor.rank() - 1), columns};
}
template <class Scalar>
[[nodiscard]] Eigen::Map<const RowMajorMatrix<Scalar>> as_matrix(const Tensor<Scalar>& tensor) {
    const Index columns = tensor.rank() == 0 ? 1 : tensor.size(-1);
    return {tensor.data(), tensor.rank() == 0 ? 1 : tensor.shape().product(0, tensor.rank() - 1), columns};
}

template <class Scalar>
void as_matrix(const Tensor<Scalar>&&) = delete;

/// All elements in row-major order as one array without copying; not of a temporary.
template <class Scalar>
[[nodiscard]] Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>> as_array(Tensor<Scalar>& tensor) {
    return {tensor.data(), tensor.numel()};
}
template <class Scalar>
[[nodiscard]] Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>> as_array(const Tensor<Scalar>& tensor) {
    return {tensor.data(), tensor.numel()};
}

template <class Scalar>
void as_array(const Tensor<Scalar>&&) = delete;

/// A copy of any Eigen matrix or array expression: shape (rows, columns), or (size,) for a column vector type.
template <class Derived>
[[nodiscard]] Tensor<typename Derived::Scalar> from_eigen(const Eigen::DenseBase<Derived>& expression) {
    using Scalar = typename Derived::Scalar;
    auto result = Tensor<Scalar>::empty(Derived::ColsAtCompileTime == 1 ? Shape{expression.rows()}
                                                                        : Shape{expression.rows(), expression.cols()});
    Eigen::Map<RowMajorMatrix<Scalar>>{result.data(), expression.rows(), expression.cols()} = expression.derived().matrix();
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI
