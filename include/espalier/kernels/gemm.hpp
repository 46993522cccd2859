// SPDX-License-Identifier: MIT
/// @file Matrix products on raw row-major memory, to the same bits for any number of threads.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/dgemm.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/sgemm.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// A row-major matrix in memory: element (i, j) at `data[i * stride + j]`.
template <class Scalar>
struct MatrixView {
    Scalar* data;
    Index stride;
};

enum class Transpose { no, yes };

namespace detail {

template <class Scalar>
using MatrixMap = Eigen::Map<Eigen::Matrix<std::remove_const_t<Scalar>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, Eigen::Unaligned,
                             Eigen::OuterStride<>>;
template <class Scalar>
using ConstMatrixMap = Eigen::Map<const Eigen::Matrix<std::remove_const_t<Scalar>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                                  Eigen::Unaligned, Eigen::OuterStride<>>;

template <class Scalar, class Left, class Right>
void multiply(const Left& a, const Right& b, MatrixMap<Scalar>& c, bool accumulate) {
    if (accumulate)
        c.noalias() += a * b;
    else
        c.noalias() = a * b;
}

}  // namespace detail

/// C (m, n) = op(A) (m, k) op(B) (k, n), added to C if `accumulate`; at most one of A and B is transposed. One thread.
template <class Scalar>
void gemm(Transpose transpose_a, Transpose transpose_b, Index m, Index n, Index k, MatrixView<const Scalar> a, MatrixView<const Scalar> b,
          MatrixView<Scalar> c, bool accumulate) {
    const bool ta = transpose_a == Transpose::yes;
    const bool tb = transpose_b == Transpose::yes;
    if constexpr (std::is_same_v<Scalar, double>) {
        dgemm(m, n, k, {a.data, ta ? 1 : a.stride, ta ? a.stride : 1}, {b.data, tb ? 1 : b.stride, tb ? b.stride : 1}, c.data, c.stride,
              accumulate);
    } else {
        const detail::ConstMatrixMap<Scalar> left{a.data, ta ? k : m, ta ? m : k, Eigen::OuterStride<>{a.stride}};
        const detail::ConstMatrixMap<Scalar> right{b.data, tb ? n : k, tb ? k : n, Eigen::OuterStride<>{b.stride}};
        detail::MatrixMap<Scalar> result{c.data, m, n, Eigen::OuterStride<>{c.stride}};
        if (ta)
            detail::multiply<Scalar>(left.transpose(), right, result, accumulate);
        else if (tb)
            detail::multiply<Scalar>(left, right.transpose(), result, accumulate);
        else
            detail::multiply<Scalar>(left, right, result, accumulate);
    }
}

/// `gemm` on all threads: tiles of C are independent, so no sum is ever split between threads. Both precisions have kernels
/// of their own; for other scalars the work is Eigen's.
template <class Scalar>
void parallel_gemm(Transpose transpose_a, Transpose transpose_b, Index m, Index n, Index k, MatrixView<const Scalar> a,
                   MatrixView<const Scalar> b, MatrixView<Scalar> c, bool accumulate) {
    const bool ta = transpose_a == Transpose::yes;
    const bool tb = transpose_b == Transpose::yes;
    if constexpr (simd::vectorised<Scalar>) {
        sgemm({.m = m,
               .n = n,
               .k = k,
               .a = {a.data, ta ? 1 : a.stride, ta ? a.stride : 1},
               .b = {b.data, tb ? 1 : b.stride, tb ? b.stride : 1},
               .c = c.data,
               .c_stride = c.stride,
               .accumulate = accumulate});
    } else {
        const Index tile = 256;
        const Index row_tiles = (m + tile - 1) / tile;
        const Index column_tiles = (n + tile - 1) / tile;
        parallel_for(row_tiles * column_tiles, 1, [&](Index first, Index last) {
            for (Index i = first; i < last; ++i) {
                const Index row = i / column_tiles * tile;
                const Index column = i % column_tiles * tile;
                gemm<Scalar>(transpose_a, transpose_b, std::min(tile, m - row), std::min(tile, n - column), k,
                             {a.data + (ta ? row : row * a.stride), a.stride}, {b.data + (tb ? column * b.stride : column), b.stride},
                             {c.data + row * c.stride + column, c.stride}, accumulate);
            }
        });
    }
}

/// y (rows, out) = x (rows, in) times the transpose of w (out, in), plus `bias` (out,) unless null; with
/// `with_relu`, what is negative becomes 0. With `any_rows` a row comes to the same bits however many there are.
template <class Scalar>
void affine(Index rows, Index out, Index in, const Scalar* x, const Scalar* w, const Scalar* bias, bool with_relu, bool any_rows,
            Scalar* y) {
    if constexpr (simd::vectorised<Scalar>) {
        sgemm({.m = rows,
               .n = out,
               .k = in,
               .a = {x, in, 1},
               .b = {w, 1, in},
               .c = y,
               .c_stride = out,
               .bias = bias,
               .relu = with_relu,
               .any_rows = any_rows});
    } else {
        for (Index r = 0; r < rows && bias; ++r)
            std::copy_n(bias, out, y + r * out);
        parallel_gemm<Scalar>(Transpose::no, Transpose::yes, rows, out, in, {x, in}, {w, in}, {y, out}, bias != nullptr);
        if (with_relu)
            relu(rows * out, y, y);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
