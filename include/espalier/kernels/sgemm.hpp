// SPDX-License-Identifier: MIT
/// @file Matrix products of single precision on the vector kernels, on all threads.
///
/// Each element of a product is one chain of fused multiply-adds over k, however the matrices are cut, or the sum of some, in
/// order: of eight for few rows of a, of sixteen over blocks of `dot_depth` for a small product with `b` transposed. All of that
/// depends on the extents alone, and is the same for AVX2 and AVX-512.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <array>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Element (i, j) at `data[i * row + j * column]`.
struct Strided {
    const float* data;
    Index row;
    Index column;
};

namespace detail {

inline constexpr Index panel_depth = 192;  ///< of k that a panel of b holds: with 32 or 48 columns it fits the first-level cache
inline constexpr Index block_columns = 384;
inline constexpr Index block_rows = 512;
inline constexpr Index dot_depth = 2048;
inline constexpr Index few = 64;  ///< rows of a, or columns of b: fewer are not worth turning columns of b into rows

/// Work that is worth a thread of its own, in multiply-adds.
inline constexpr Index gemm_grain = 262144;

/// c (m, n) = a (m, k) b (k, n), plus `bias` (n,) unless null or added to c if `accumulate`; with `relu`, what is negative
/// becomes 0. Blocks of c are independent; each packs the panels of b that it needs and reads a in place.
inline void sgemm_panels(Index m, Index n, Index k, const Strided& a, const Strided& b, const float* bias, bool relu, float* c,
                         Index c_stride, bool accumulate) {
    using simd::Scratch;
    const simd::Table& kernels = simd::table();
    const Index limit = (Index{1} << 31) / std::max<Index>(a.column, 1) - 1;  // offsets have 32 bits
    const Index depth = std::clamp<Index>(std::min(limit, k), 1, panel_depth);
    const Index rows = simd::ceil_div(m, simd::ceil_div(m, block_rows));
    // Narrow enough that there are some blocks for every thread, wide enough to be worth one.
    const Index wish = simd::ceil_div(n, std::max<Index>(1, 16 / simd::ceil_div(m, rows)));
    const Index columns = std::clamp<Index>(simd::ceil_div(wish, 48) * 48, 48, block_columns);
    const Index column_blocks = simd::ceil_div(n, columns);
    const Index grain = std::max<Index>(1, gemm_grain / (rows * std::min(n, columns) * std::max<Index>(k, 1)));
    const Index panel_size = depth * kernels.tile_vectors * kernels.lanes;
    const std::size_t bytes = Scratch::bytes<float>(panel_size) + 2 * Scratch::bytes<float*>(rows) + Scratch::bytes<std::int32_t>(depth);
    parallel_for(simd::ceil_div(m, rows) * column_blocks, grain, bytes, [&](Index begin, Index end, void* memory) {
        Scratch scratch{memory};
        auto* const panel = scratch.take<float>(panel_size);
        auto* const inputs = scratch.take<const float*>(rows);
        auto* const outputs = scratch.take<float*>(rows);
        auto* const offsets = scratch.take<std::int32_t>(depth);
        for (Index p = 0; p < depth; ++p)
            offsets[p] = static_cast<std::int32_t>(p * a.column);
        for (Index i = begin; i < end; ++i) {
            const Index row = i / column_blocks * rows;
            const Index row_count = std::min(rows, m - row);
            const Index column = i % column_blocks * columns;
            const simd::Columns parts{std::min(columns, n - column), kernels.tile_vectors};
            for (Index r = 0; r < row_count; ++r)
                outputs[r] = c + (row + r) * c_stride + column;
            for (Index from = 0; from == 0 || from < k; from += depth) {
                const Index products = std::min(depth, k - from);
                for (Index r = 0; r < row_count; ++r)
                    inputs[r] = a.data + (row + r) * a.row + from * a.column;
                for (Index j = 0; j < parts.blocks(); ++j) {
                    const simd::ColumnBlock block = parts[j];
                    const Index first = column + block.column;
                    const Index width = block.vectors * kernels.lanes;
                    if (b.column == 1)
                        kernels.copy_rows(products, block.width, b.data + from * b.row + first, b.row, panel, width, width);
                    else
                        simd::pack_transposed(products, block.width, b.data + from + first * b.column, b.column, panel, width);
                    const simd::Start start = accumulate || from > 0 ? simd::Start::accumulate
                                              : bias                 ? simd::Start::bias
                                                                     : simd::Start::zero;
                    simd::run_tiles({inputs, row_count, offsets, products, panel, width},
                                    {outputs, block.column, block.width, start, bias ? bias + first : nullptr, relu && from + depth >= k},
                                    block.vectors);
                }
            }
        }
    });
}

/// The same for few rows of a, which are not worth a panel: rows of b are added up as they lie in memory.
inline void sgemm_rows(Index m, Index n, Index k, const Strided& a, const float* b, Index b_stride, float* c, Index c_stride,
                       bool accumulate) {
    const Index columns = n > 8192 ? 2048 : 1024;  // long pieces are read faster, short ones are some for every thread
    parallel_for(simd::ceil_div(n, columns), std::max<Index>(1, gemm_grain / std::max<Index>(m * columns * k, 1)),
                 [&](Index begin, Index end) {
                     for (Index block = begin; block < end; ++block) {
                         const Index column = block * columns;
                         const Index width = std::min(columns, n - column);
                         for (Index i = 0; i < m; ++i) {
                             float* const row = c + i * c_stride + column;
                             if (!accumulate)
                                 std::fill_n(row, width, 0.0F);
                             simd::table().add_rows(width, k, a.data + i * a.row, a.column, b + column, b_stride, row);
                         }
                     }
                 });
}

/// Whether rows of b are shared out to the threads instead of columns: of a matrix that caches can hold, each then reads the
/// rows that it has computed, those of its part of a linear layer's outputs, and not half of what the others have.
[[nodiscard]] inline bool shares_rows(Index m, Index n, Index k) noexcept {
    return m <= 8 && k >= 128 && k * n >= 512 * 1024 && k * n <= 8 * 1024 * 1024;
}

/// The same for few rows of a, in eight parts of k that are added up.
inline void sgemm_parts(Index m, Index n, Index k, const Strided& a, const Strided& b, float* c, Index c_stride, bool accumulate) {
    constexpr Index parts = 8;
    const Buffer memory{static_cast<std::size_t>(parts * m * n) * sizeof(float)};
    auto* const sums = static_cast<float*>(memory.data());
    parallel_for(parts, 1, [&](Index i, Index) {
        const simd::Part part = simd::even_part(k, parts, i);
        const Strided left{a.data + part.first * a.column, a.row, a.column};
        const Strided right{b.data + part.first * b.row, b.row, 1};
        if (m <= 2)
            sgemm_rows(m, n, part.size, left, right.data, right.row, sums + i * m * n, n, false);
        else
            sgemm_panels(m, n, part.size, left, right, nullptr, false, sums + i * m * n, n, false);
    });
    const simd::Table& kernels = simd::table();
    for (Index i = 1; i < parts; ++i)
        kernels.add_to_rows(1, m * n, sums + i * m * n, 0, sums, 0);
    if (accumulate)
        kernels.add_to_rows(m, n, sums, n, c, c_stride);
    else
        kernels.copy_rows(m, n, sums, n, c, c_stride, n);
}

/// c (m, n) = a (m, k) times the transpose of b (n, k), whose rows are both in one piece, plus `bias` (n,) unless null; with
/// `relu`, what is negative becomes 0.
inline void sgemm_dots(Index m, Index n, Index k, const float* a, Index a_stride, const float* b, Index b_stride, const float* bias,
                       bool relu, float* c, Index c_stride, bool accumulate) {
    const simd::Table& kernels = simd::table();
    const Index rows = simd::ceil_div(m, simd::ceil_div(m, Index{64}));
    const Index wish = simd::ceil_div(n, std::max<Index>(1, 32 / simd::ceil_div(m, rows)));
    const Index columns = std::clamp<Index>(simd::ceil_div(wish, simd::max_dot) * simd::max_dot, simd::max_dot, 256);
    const Index column_blocks = simd::ceil_div(n, columns);
    const Index grain = std::max<Index>(1, gemm_grain / (rows * std::min(n, columns) * std::max<Index>(k, 1)));
    parallel_for(simd::ceil_div(m, rows) * column_blocks, grain, [&](Index begin, Index end) {
        std::array<float, simd::max_dot> spare;  // for rows past the last
        for (Index i = begin; i < end; ++i) {
            const Index row = i / column_blocks * rows;
            const Index row_end = std::min(row + rows, m);
            const Index column = i % column_blocks * columns;
            const Index column_end = std::min(column + columns, n);
            for (Index r = row; r < row_end && !accumulate; ++r)
                for (Index j = column; j < column_end; ++j)
                    c[r * c_stride + j] = bias ? bias[j] : 0.0F;
            for (Index from = 0; from == 0 || from < k; from += dot_depth)
                for (Index j = column; j < column_end; j += kernels.dot_columns) {
                    const float* right[simd::max_dot];
                    for (Index q = 0; q < kernels.dot_columns; ++q)
                        right[q] = b + std::min(j + q, column_end - 1) * b_stride + from;
                    const auto dots = [&](simd::Table::Dot dot, Index r, Index count) {
                        spare.fill(0);
                        const float* left[simd::max_dot];
                        float* out[simd::max_dot];
                        for (Index q = 0; q < count; ++q) {
                            left[q] = a + std::min(r + q, row_end - 1) * a_stride + from;
                            out[q] = r + q < row_end ? c + (r + q) * c_stride + j : spare.data();
                        }
                        dot({left, right, std::min(dot_depth, k - from), out, std::min(kernels.dot_columns, column_end - j),
                             relu && from + dot_depth >= k});
                    };
                    Index r = row;
                    for (; r + 1 < row_end; r += kernels.dot_rows)
                        dots(kernels.dot[1], r, kernels.dot_rows);
                    if (r < row_end)
                        dots(kernels.dot[0], r, 1);
                }
        }
    });
}

}  // namespace detail

/// c (m, n) = a (m, k) b (k, n), plus `bias` (n,) unless null or added to c if `accumulate`, on all threads; with `relu`, what is
/// negative becomes 0. Rows or columns of b are in one piece, and rows of both if those of b are not.
inline void sgemm(Index m, Index n, Index k, const Strided& a, const Strided& b, const float* bias, bool relu, float* c, Index c_stride,
                  bool accumulate) {
    if (m == 0 || n == 0)
        return;  // below, c is cut into parts of some of its rows and columns
    if (b.column != 1 && std::min(m, n) < detail::few)
        detail::sgemm_dots(m, n, k, a.data, a.row, b.data, b.column, bias, relu, c, c_stride, accumulate);
    else if (b.column == 1 && !bias && !relu && detail::shares_rows(m, n, k))
        detail::sgemm_parts(m, n, k, a, b, c, c_stride, accumulate);
    else if (m <= 2 && !bias && !relu)
        detail::sgemm_rows(m, n, k, a, b.data, b.row, c, c_stride, accumulate);
    else
        detail::sgemm_panels(m, n, k, a, b, bias, relu, c, c_stride, accumulate);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
