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

/// Work that is worth a thread of its own, in multiply-adds; fewer than 16 columns cost as much as 16.
inline constexpr Index gemm_grain = 262144;

/// c cut into `down` times `across` blocks of about one size: of whole units of 16 rows and `unit` columns, but for the last ones.
struct BlocksOfProduct {
    static constexpr Index row_unit = 16;

    Index m, n;
    Index unit;
    Index down, across;
    Index rows, columns;  ///< of a block, at most
    Index count;
    Index grain;  ///< of them that are worth a thread

    /// Fewer than `down` and `across` where there are not so many units.
    BlocksOfProduct(const Product& p, Index unit_columns, Index parts_down, Index parts_across) noexcept
        : m{p.m},
          n{p.n},
          unit{unit_columns},
          down{std::min(parts_down, simd::ceil_div(m, row_unit))},
          across{std::min(parts_across, simd::ceil_div(n, unit))},
          rows{largest(m, row_unit, down)},
          columns{largest(n, unit, across)},
          count{down * across},
          grain{std::max<Index>(1, gemm_grain / (rows * simd::ceil_div(columns, 16) * 16 * std::max<Index>(p.k, 1)))} {}

    struct Block {
        simd::Part rows;
        simd::Part columns;
    };
    [[nodiscard]] Block operator()(Index i) const noexcept {
        return {part(m, row_unit, down, i / across), part(n, unit, across, i % across)};
    }

    /// Blocks of at most `most_rows` and `most_columns`, `wanted` of them if there are so many units.
    [[nodiscard]] static BlocksOfProduct of(const Product& p, Index most_rows, Index most_columns, Index unit, Index wanted) noexcept {
        const Index down = simd::ceil_div(p.m, most_rows);
        return {p, unit, down, std::max(simd::ceil_div(p.n, most_columns), simd::ceil_div(wanted, down))};
    }

private:
    [[nodiscard]] static Index largest(Index extent, Index unit, Index parts) noexcept {
        return std::min(extent, unit * simd::ceil_div(simd::ceil_div(extent, unit), parts));
    }
    [[nodiscard]] static simd::Part part(Index extent, Index unit, Index parts, Index i) noexcept {
        const simd::Part units = simd::even_part(simd::ceil_div(extent, unit), parts, i);
        return {units.first * unit, std::min(units.size * unit, extent - units.first * unit)};
    }
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::kernels
