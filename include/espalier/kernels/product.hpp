// SPDX-License-Identifier: MIT
/// @file A matrix product of single precision, and how its result is cut into blocks for the threads.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Element (i, j) at `data[i * row + j * column]`.
struct Strided {
    const float* data;
    Index row;
    Index column;
};

/// c (m, n) = a (m, k) b (k, n). Row i of c begins at `c + i * c_stride`. Rows of b are in one piece (`b.column == 1`), or its columns are
/// (`b.row == 1`); a may lie in any way.
struct Product {
    Index m, n, k;
    Strided a;
    Strided b;
    float* c;
    Index c_stride;
    const float* bias = nullptr;  ///< (n,), added to each row of c
    bool relu = false;            ///< at the end, what is negative becomes 0
    bool accumulate = false;      ///< added to what is in c, instead of the bias
    bool any_rows = false;        ///< a row of c comes to the same bits however many there are
};

namespace detail {

/// Work that is worth a thread of its own, in multiply-adds.
inline constexpr Index gemm_grain = 262144;

/// c cut into blocks of `rows` rows and `columns` columns, the last ones smaller.
struct BlocksOfProduct {
    Index rows;
    Index columns;
    Index across;  ///< blocks side by side
    Index count;
    Index grain;   ///< of them that are worth a thread

    BlocksOfProduct(const Product& p, Index rows_of_block, Index columns_of_block) noexcept
        : rows{rows_of_block},
          columns{columns_of_block},
          across{simd::ceil_div(p.n, columns)},
          count{simd::ceil_div(p.m, rows) * across},
          grain{std::max<Index>(1, gemm_grain / (rows * std::min(p.n, columns) * std::max<Index>(p.k, 1)))} {}

    struct Block {
        simd::Part rows;
        simd::Part columns;
    };
    [[nodiscard]] Block operator()(const Product& p, Index i) const noexcept {
        const Index row = i / across * rows, column = i % across * columns;
        return {{row, std::min(rows, p.m - row)}, {column, std::min(columns, p.n - column)}};
    }

    /// Blocks of at most `most_rows` and `most_columns`: as wide as there are then `wanted` of them, of a multiple of `unit` columns.
    [[nodiscard]] static BlocksOfProduct of(const Product& p, Index most_rows, Index most_columns, Index unit, Index wanted) noexcept {
        const Index rows = simd::ceil_div(p.m, simd::ceil_div(p.m, most_rows));
        const Index width = simd::ceil_div(p.n, std::max<Index>(1, wanted / simd::ceil_div(p.m, rows)));
        return {p, rows, std::clamp<Index>(simd::ceil_div(width, unit) * unit, unit, most_columns)};
    }
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::kernels
