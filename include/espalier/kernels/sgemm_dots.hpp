// SPDX-License-Identifier: MIT
/// @file Matrix products of single precision as dots of rows with columns, which are read where they lie and not packed.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/product.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <array>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

inline constexpr Index dot_depth = 2048;

/// Dots of rows of a and columns of b that are each in one piece, of `dot_depth` elements at a time.
class DotProduct {
public:
    explicit DotProduct(const Product& p) noexcept : p_{p}, blocks_{BlocksOfProduct::of(p, 64, 256, simd::max_dot, 32)} {}

    void run() const {
        parallel_for(blocks_.count, blocks_.grain, [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i)
                multiply(blocks_(i));
        });
    }

private:
    /// Columns of b from element `from` on, `count` of them from `column` on; where there are fewer, the last one again.
    struct Right {
        Index from;
        Index column;
        Index count;
        const float* data[simd::max_dot];
    };

    void multiply(const BlocksOfProduct::Block& block) const {
        const simd::Table& table = simd::table();
        const auto& [rows, columns] = block;
        const Index row_end = rows.first + rows.size;
        const Index column_end = columns.first + columns.size;
        for (Index r = rows.first; r < row_end && !p_.accumulate; ++r)
            for (Index j = columns.first; j < column_end; ++j)
                p_.c[r * p_.c_stride + j] = p_.bias ? p_.bias[j] : 0.0F;
        for (Index from = 0; from == 0 || from < p_.k; from += dot_depth)
            for (Index j = columns.first; j < column_end; j += table.dot_columns) {
                Right right{.from = from, .column = j, .count = std::min(table.dot_columns, column_end - j), .data = {}};
                for (Index q = 0; q < table.dot_columns; ++q)
                    right.data[q] = p_.b.data + std::min(j + q, column_end - 1) * p_.b.column + from;
                const bool several = right.count > 1;
                Index r = rows.first;
                for (; r + 1 < row_end; r += table.dot_rows)
                    add_dots(table.dot[1][several], table.dot_rows, r, row_end, right);
                if (r < row_end)
                    add_dots(table.dot[0][several], 1, r, row_end, right);
            }
    }

    /// Adds the dots of `height` rows of a from r on, of which those before `row_end` are stored.
    void add_dots(simd::Table::Dot dot, Index height, Index r, Index row_end, const Right& right) const {
        std::array<float, simd::max_dot> spare{};  // for rows past the last
        const float* left[simd::max_dot];
        float* out[simd::max_dot];
        for (Index q = 0; q < height; ++q) {
            left[q] = p_.a.data + std::min(r + q, row_end - 1) * p_.a.row + right.from;
            out[q] = r + q < row_end ? p_.c + (r + q) * p_.c_stride + right.column : spare.data();
        }
        dot({.a = left,
             .b = right.data,
             .depth = std::min(dot_depth, p_.k - right.from),
             .out = out,
             .columns = right.count,
             .relu = p_.relu && right.from + dot_depth >= p_.k});
    }

    const Product& p_;
    BlocksOfProduct blocks_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
