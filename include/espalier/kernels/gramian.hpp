// SPDX-License-Identifier: MIT
/// @file Inner products of rows, and of the products that rows are made of: the Gramians of several tasks' gradients.
///
/// All is added up in double, in pieces that depend on the extents alone.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {
namespace detail {

inline constexpr Index row_product_depth = 512;  ///< columns that are converted at a time: rows of both sides stay in the cache
inline constexpr Index few_row_products = 64;    ///< rows of which all products are made at once

/// The first `depth` elements of rows that are `stride` apart.
template <class Scalar>
void convert_rows(Index rows, Index depth, const Scalar* from, Index stride, double* to) {
    for (Index r = 0; r < rows; ++r)
        for (Index p = 0; p < depth; ++p)
            to[r * depth + p] = static_cast<double>(from[r * stride + p]);
}

/// c (rows, rows) = a b^T over `columns`, of rows that are `stride` apart; `scratch` has room for 2 rows row_product_depth doubles.
template <class Scalar>
void row_products(Index rows, Index columns, const Scalar* a, const Scalar* b, Index stride, double* c, [[maybe_unused]] double* scratch) {
    if constexpr (std::is_same_v<Scalar, double>) {
        dgemm(rows, rows, columns, {a, stride, 1}, {b, 1, stride}, c, rows, false);
    } else {
        for (Index column = 0; column == 0 || column < columns; column += row_product_depth) {
            const Index depth = std::min(row_product_depth, columns - column);
            convert_rows(rows, depth, a + column, stride, scratch);
            double* const right = a == b ? scratch : scratch + rows * depth;
            if (right != scratch)
                convert_rows(rows, depth, b + column, stride, right);
            dgemm(rows, rows, depth, {scratch, depth, 1}, {right, 1, depth}, c, rows, column > 0);
        }
    }
}

/// The lower triangle of the same, of many rows on all threads.
template <class Scalar>
void many_row_products(Index rows, Index columns, const Scalar* a, const Scalar* b, double* c) {
    const auto multiply = [rows, c](Index depth, const double* left, const double* right, Index stride, bool accumulate) {
        const Index height = std::clamp<Index>(rows / 8, few_row_products / 2, 128);
        parallel_for((rows - 1) / height + 1, 1, [=](Index begin, Index end) {
            for (Index first = begin * height; first < std::min(rows, end * height); first += height) {
                const Index size = std::min(height, rows - first);
                dgemm(size, first + size, depth, {left + first * stride, stride, 1}, {right, 1, stride}, c + first * rows, rows,
                      accumulate);
            }
        });
    };
    if constexpr (std::is_same_v<Scalar, double>) {
        multiply(columns, a, b, columns, false);
    } else {
        PoolVector<double> scratch(static_cast<std::size_t>((a == b ? 1 : 2) * rows * row_product_depth));
        for (Index column = 0; column == 0 || column < columns; column += row_product_depth) {
            const Index depth = std::min(row_product_depth, columns - column);
            const auto convert = [=](const Scalar* from, double* to) {
                parallel_for(rows, few_row_products, [=](Index begin, Index end) {
                    convert_rows(end - begin, depth, from + begin * columns + column, columns, to + begin * depth);
                });
            };
            double* const left = scratch.data();
            double* const right = a == b ? left : left + rows * depth;
            convert(a, left);
            if (right != left)
                convert(b, right);
            multiply(depth, left, right, depth, column > 0);
        }
    }
}

/// `use(i, j)` for all elements of a square matrix, tile by tile: of another one that is symmetric, what lies in columns is then still in
/// the cache when its neighbour in the row is wanted.
template <class Use>
void for_each_in_tiles(Index size, const Use& use) {
    constexpr Index tile = 32;
    parallel_for((size - 1) / tile + 1, 1, [=](Index begin, Index end) {
        for (Index row = begin * tile; row < std::min(size, end * tile); row += tile)
            for (Index column = 0; column < size; column += tile)
                for (Index i = row; i < std::min(size, row + tile); ++i)
                    for (Index j = column; j < std::min(size, column + tile); ++j)
                        use(i, j);
    });
}

/// Where a symmetric matrix of which the lower triangle is known has an element.
[[nodiscard]] constexpr Index in_lower(Index size, Index i, Index j) noexcept { return std::max(i, j) * size + std::min(i, j); }

}  // namespace detail

/// Adds the inner product of row i of a and row j of b, both (rows, columns), to `products[i * rows + j]`. It has to be that of row j
/// of a and row i of b, but for rounding: as if b is a, or a times a symmetric matrix.
template <class Scalar>
void add_row_products(Index rows, Index columns, const Scalar* a, const Scalar* b, double* products) {
    constexpr Index least = 8192;      // columns that are worth a thread's while
    constexpr Index most_pieces = 16;  // of the columns where there are few rows
    if (rows > detail::few_row_products) {
        const Buffer memory{static_cast<std::size_t>(rows * rows) * sizeof(double)};
        auto* const lower = static_cast<double*>(memory.data());
        detail::many_row_products(rows, columns, a, b, lower);
        detail::for_each_in_tiles(rows, [=](Index i, Index j) { products[i * rows + j] += lower[detail::in_lower(rows, i, j)]; });
        return;
    }
    const auto scratch_bytes = static_cast<std::size_t>(2 * rows * detail::row_product_depth) * sizeof(double);
    const Index pieces = std::clamp<Index>(columns / least, 1, most_pieces);
    PoolVector<double> sums(static_cast<std::size_t>(pieces * rows * rows));
    parallel_for(pieces, 1, scratch_bytes, [&](Index begin, Index end, void* scratch) {
        for (Index piece = begin; piece < end; ++piece) {
            const Index first = columns * piece / pieces;
            detail::row_products(rows, columns * (piece + 1) / pieces - first, a + first, b + first, columns,
                                 sums.data() + piece * rows * rows, static_cast<double*>(scratch));
        }
    });
    for (Index piece = 0; piece < pieces; ++piece)
        for (Index i = 0; i < rows * rows; ++i)
            products[i] += sums[static_cast<std::size_t>(piece * rows * rows + i)];
}

/// Adds <A_i, A_j> to `gramian[i * tasks + j]`, of matrices A_i (n, m) that are not made: each is the sum of the outer products of rows
/// `first[i]` to `first[i + 1]` of `left`, (first[tasks], n), with those of `right`, (first[tasks], m). Inner products of outer
/// products are products of inner products, so that is first[tasks]^2 (n + m) / 2 multiply-adds.
template <class Scalar>
void add_outer_product_gramian(Index tasks, const Index* first, Index n, const Scalar* left, Index m, const Scalar* right,
                               double* gramian) {
    const Index count = first[tasks];
    const Buffer memory{static_cast<std::size_t>(2 * count * count) * sizeof(double)};
    auto* const of_left = static_cast<double*>(memory.data());
    double* const of_right = of_left + count * count;
    const auto lower_row_products = [count](Index columns, const Scalar* a, double* to) {
        if (count > detail::few_row_products)
            return detail::many_row_products(count, columns, a, a, to);
        std::fill_n(to, count * count, 0.0);
        add_row_products(count, columns, a, a, to);
    };
    lower_row_products(n, left, of_left);
    lower_row_products(m, right, of_right);
    detail::for_each_in_tiles(tasks, [=](Index i, Index j) {
        double sum = 0;
        for (Index a = first[i]; a < first[i + 1]; ++a)
            for (Index b = first[j]; b < first[j + 1]; ++b) {
                const Index at = detail::in_lower(count, a, b);
                sum += of_left[at] * of_right[at];
            }
        gramian[i * tasks + j] += sum;
    });
}

/// The sum of the rows of a, (rows, columns), each times its weight, written or added to `to`.
template <class Scalar>
void weighted_row_sum(Index rows, Index columns, const Scalar* a, const double* weights, const Target<Scalar>& to) {
    constexpr Index width = 512;
    parallel_for((columns - 1) / width + 1, 16, [=](Index begin, Index end) {
        for (Index piece = begin; piece < end; ++piece) {
            const Index first = piece * width, size = std::min(width, columns - first);
            std::array<Scalar, width> sum;
            const auto add = [&sum, size](Scalar weight, const Scalar* row) {
                for (Index p = 0; p < size; ++p)
                    sum[static_cast<std::size_t>(p)] += weight * row[p];
            };
            if (to.accumulate)
                std::copy_n(to.data + first, size, sum.data());
            else
                std::fill_n(sum.data(), size, Scalar(0));
            for (Index t = 0; t < rows; ++t)
                add(static_cast<Scalar>(weights[t]), a + t * columns + first);
            std::copy_n(sum.data(), size, to.data + first);
        }
    });
}

/// Whether `add_product_gramian` needs less work than to make the products D_t^T X and then their inner products. Of the latter
/// a multiply-add, in double, counts as three.
[[nodiscard]] inline bool product_gramian_pays(Index tasks, Index n, Index out, Index in) noexcept {
    const auto T = static_cast<double>(tasks), N = static_cast<double>(n), b = static_cast<double>(out), a = static_cast<double>(in);
    return N * N * (a + T * b) + 3 * T * T * N * b < T * N * a * b + 3 * T * T * a * b;
}

/// Adds <D_i^T X, D_j^T X> to `gramian[i * tasks + j]`, of X (n, in) and the cotangents D (tasks, n, out) of a linear map: the
/// gradients of its weights, which are not made. With K = X X^T it is <D_i, K D_j>, and so n n (in + tasks out) +
/// tasks tasks n out multiply-adds.
template <class Scalar>
void add_product_gramian(Index tasks, Index n, Index out, Index in, const Scalar* d, const Scalar* x, double* gramian) {
    using enum Transpose;
    const Buffer memory{static_cast<std::size_t>(n * n + tasks * n * out) * sizeof(Scalar)};
    auto* const inner = static_cast<Scalar*>(memory.data());
    Scalar* const mixed = inner + n * n;
    parallel_gemm<Scalar>(no, yes, n, n, in, {x, in}, {x, in}, {inner, n}, false);
    for (Index t = 0; t < tasks; ++t)
        parallel_gemm<Scalar>(no, no, n, out, n, {inner, n}, {d + t * n * out, out}, {mixed + t * n * out, out}, false);
    PoolVector<double> products(static_cast<std::size_t>(tasks * tasks));
    add_row_products<Scalar>(tasks, n * out, d, mixed, products.data());
    for (Index i = 0; i < tasks; ++i)  // rounding alone tells both sides of the diagonal apart
        for (Index j = 0; j < tasks; ++j)
            gramian[i * tasks + j] +=
                (products[static_cast<std::size_t>(i * tasks + j)] + products[static_cast<std::size_t>(j * tasks + i)]) / 2;
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
