// SPDX-License-Identifier: MIT
/// @file Matrix products of double precision on the vector kernels, on one thread.
///
/// Eigen's would do as well, but are functions of Eigen's names: the linker may take those that a unit of other flags has, and with
/// them instructions that a processor does not have. Each element is one chain of multiply-adds over k, whatever the tiles.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels {

/// A matrix with element (i, j) at `data[i * row + j * column]`.
struct DoubleMatrix {
    const double* data;
    Index row;
    Index column;
};

namespace detail {

inline constexpr Index double_depth = 192;   ///< of k that a panel of b holds
inline constexpr Index double_columns = 24;  ///< at most, of any instruction set
inline constexpr Index few_rows = 4;         ///< rows of a that are multiplied by columns of b one by one
inline constexpr Index worth_packing = 16;   ///< for fewer rows, b is read in place where it can be

/// Multiplies all rows by one panel, by tiles as high as there are rows for.
inline void run_double_tiles(Index m, simd::DoubleTile tile, Index vectors) noexcept {
    const simd::DoubleTable& kernels = simd::double_table();
    for (Index rest = m, height = 0, rows = kernels.rows; rest > 0; rows /= 2, ++height)
        for (; rest >= rows; rest -= rows) {
            kernels.tile[height][vectors - 1](tile);
            tile.a += rows * tile.a_row;
            tile.c += rows * tile.c_stride;
        }
}

/// Copies columns of b from `in_place` on to a panel (depth, padded), with zeros after the last. What is in one piece is read so: the
/// panel stays in the first cache, b may not.
inline void pack_double_panel(Index depth, Index width, Index padded, const double* in_place, const DoubleMatrix& b,
                              double* panel) noexcept {
    if (b.column == 1) {
        for (Index p = 0; p < depth; ++p)
            std::fill(std::copy_n(in_place + p * b.row, width, panel + p * padded), panel + (p + 1) * padded, 0.0);
        return;
    }
    for (Index j = 0; j < padded; ++j)
        for (Index p = 0; p < depth; ++p)
            panel[p * padded + j] = j < width ? in_place[p * b.row + j * b.column] : 0;
}

/// The same for a few rows of a and columns of b that are each in one piece, with element (i, j) of c at `c[i * c_row + j * c_column]`.
inline void dgemm_dots(Index m, Index n, Index k, const DoubleMatrix& a, const DoubleMatrix& b, double* c, Index c_row, Index c_column,
                       bool accumulate) noexcept {
    constexpr Index depth = 1024, columns = 64;
    std::array<double, depth> row;
    std::array<double, columns> sums;
    for (Index i = 0; i < m; ++i)
        for (Index from = 0; from < k; from += depth) {
            const Index size = std::min(depth, k - from);
            const double* left = a.data + i * a.row + from * a.column;
            if (a.column != 1) {
                for (Index p = 0; p < size; ++p)
                    row[static_cast<std::size_t>(p)] = left[p * a.column];
                left = row.data();
            }
            for (Index first = 0; first < n; first += columns) {
                const Index count = std::min(columns, n - first);
                simd::double_table().dots(count, size, left, b.data + first * b.column + from, b.column, sums.data());
                for (Index j = 0; j < count; ++j) {
                    double& to = c[i * c_row + (first + j) * c_column];
                    to = (accumulate || from > 0 ? to : 0) + sums[static_cast<std::size_t>(j)];
                }
            }
        }
}

}  // namespace detail

/// c (m, n) = a (m, k) b (k, n), added to c if `accumulate`. Of a and of b, rows or columns are in one piece.
ESPALIER_NOINLINE inline void dgemm(Index m, Index n, Index k, const DoubleMatrix& a, const DoubleMatrix& b, double* c, Index c_stride,
                                    bool accumulate) noexcept {
    if (k == 0) {  // a and b have no elements, and perhaps no memory
        for (Index i = 0; !accumulate && i < m; ++i)
            std::fill_n(c + i * c_stride, n, 0.0);
        return;
    }
    if (m <= detail::few_rows && b.row == 1)
        return detail::dgemm_dots(m, n, k, a, b, c, c_stride, 1, accumulate);
    if (n <= detail::few_rows && a.column == 1)
        return detail::dgemm_dots(n, m, k, {b.data, b.column, b.row}, {a.data, a.column, a.row}, c, 1, c_stride, accumulate);
    if (n == 1 && m > 1 && c_stride == 1)  // a column of sums is a row of sums
        return dgemm(1, m, k, {b.data, b.column, b.row}, {a.data, a.column, a.row}, c, m, accumulate);
    const simd::DoubleTable& kernels = simd::double_table();
    const Index lanes = kernels.lanes, panel_columns = lanes * kernels.vectors;
    alignas(memory_alignment) std::array<double, detail::double_depth * detail::double_columns> panel;
    for (Index from = 0; from < k; from += detail::double_depth) {
        const Index depth = std::min(detail::double_depth, k - from);
        for (Index first = 0; first < n; first += panel_columns) {
            const Index width = std::min(panel_columns, n - first), vectors = (width - 1) / lanes + 1, padded = vectors * lanes;
            const double* const in_place = b.data + from * b.row + first * b.column;
            const bool packs = m >= detail::worth_packing || b.column != 1 || width < padded;
            if (packs)
                detail::pack_double_panel(depth, width, padded, in_place, b, panel.data());
            detail::run_double_tiles(m,
                                     {a.data + from * a.column, a.row, a.column, depth, packs ? panel.data() : in_place,
                                      packs ? padded : b.row, c + first, c_stride, width, accumulate || from > 0},
                                     vectors);
        }
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
