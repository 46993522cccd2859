// SPDX-License-Identifier: MIT
/// @file Single-precision matrix products on AVX2 and AVX-512, compiled by function attributes and chosen at run time.
///
/// One operand is packed into panels as wide as the vectors; the other is read in place, an element broadcast at a time.
/// Every element of the result is one chain of fused multiply-adds over k, cut at `depth_block`: the same bits for any
/// tiling, and for AVX2 and AVX-512 alike.
#pragma once

#include <espalier/core/isa.hpp>
#include <espalier/core/memory.hpp>

#include <algorithm>

#if ESPALIER_DISPATCH_X86
#include <immintrin.h>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Element (i, j) at `data[i * row + j * column]`.
struct Strided {
    const float* data;
    Index row;
    Index column;
};

namespace detail {

/// Elements of k that a panel holds: 256 x 32 floats are 32 KB.
inline constexpr Index depth_block = 256;

/// c (Rows, 16 Vectors) = a (Rows, k) b (k, 16 Vectors), added to c if `accumulate`; b is a packed panel.
template <int Rows, int Vectors>
__attribute__((target("avx512f"))) void tile_avx512(Index k, const float* a, Index row, Index column, const float* b, float* c,
                                                   Index stride, bool accumulate) {
    __m512 sum[Rows][Vectors];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v)
            sum[i][v] = _mm512_setzero_ps();
    for (Index p = 0; p < k; ++p, a += column, b += 16 * Vectors) {
        const float* const group[3] = {a, a + 4 * row, a + 8 * row};
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) {
            const __m512 left = _mm512_set1_ps(group[i / 4][i % 4 * row]);
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v)
                sum[i][v] = _mm512_fmadd_ps(left, _mm512_loadu_ps(b + 16 * v), sum[i][v]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
            float* const out = c + i * stride + 16 * v;
            _mm512_storeu_ps(out, accumulate ? _mm512_add_ps(_mm512_loadu_ps(out), sum[i][v]) : sum[i][v]);
        }
}

/// The same with vectors of eight.
template <int Rows, int Vectors>
__attribute__((target("avx2,fma"))) void tile_avx2(Index k, const float* a, Index row, Index column, const float* b, float* c,
                                                  Index stride, bool accumulate) {
    __m256 sum[Rows][Vectors];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v)
            sum[i][v] = _mm256_setzero_ps();
    for (Index p = 0; p < k; ++p, a += column, b += 8 * Vectors) {
        const float* const group[2] = {a, a + 4 * row};
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) {
            const __m256 left = _mm256_set1_ps(group[i / 4][i % 4 * row]);
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v)
                sum[i][v] = _mm256_fmadd_ps(left, _mm256_loadu_ps(b + 8 * v), sum[i][v]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
            float* const out = c + i * stride + 8 * v;
            _mm256_storeu_ps(out, accumulate ? _mm256_add_ps(_mm256_loadu_ps(out), sum[i][v]) : sum[i][v]);
        }
}

/// What differs between instruction sets: extents of a tile and the functions that compute tiles of 12 or 6, 4 or 2, and 1 rows.
struct TileKernels {
    using Tile = void (*)(Index, const float*, Index, Index, const float*, float*, Index, bool);
    Index rows[3];
    Index lanes;
    Tile tile[3][2];  ///< by rows, then by panels of one and of two vectors
};

[[nodiscard]] inline const TileKernels& tile_kernels() {
    static const TileKernels avx512{{12, 4, 1},
                                    16,
                                    {{tile_avx512<12, 1>, tile_avx512<12, 2>},
                                     {tile_avx512<4, 1>, tile_avx512<4, 2>},
                                     {tile_avx512<1, 1>, tile_avx512<1, 2>}}};
    static const TileKernels avx2{{6, 2, 1},
                                  8,
                                  {{tile_avx2<6, 1>, tile_avx2<6, 2>}, {tile_avx2<2, 1>, tile_avx2<2, 2>}, {tile_avx2<1, 1>, tile_avx2<1, 2>}}};
    return isa() == Isa::avx512 ? avx512 : avx2;
}

/// Panel of columns [first, first + width) and depth [from, from + k) of b: k rows of `padded` floats, zeros on the right.
inline void pack_panel(const Strided& b, Index from, Index k, Index first, Index width, Index padded, float* panel) {
    if (width < padded)
        std::fill_n(panel, k * padded, 0.0F);
    const float* const start = b.data + from * b.row + first * b.column;
    if (b.column == 1) {
        for (Index p = 0; p < k; ++p)
            std::copy_n(start + p * b.row, width, panel + p * padded);
    } else {
        constexpr Index run = 16;  // a cache line of each column at a time
        for (Index q = 0; q < k; q += run)
            for (Index j = 0; j < width; ++j)
                for (Index p = q; p < std::min(q + run, k); ++p)
                    panel[p * padded + j] = start[p * b.row + j * b.column];
    }
}

/// One panel against all rows of a.
inline void multiply_panel(Index m, Index k, const Strided& a, const float* panel, Index width, bool two, float* c, Index c_row,
                           Index c_column, bool accumulate) {
    const TileKernels& kernels = tile_kernels();
    const Index padded = kernels.lanes * (two ? 2 : 1);
    alignas(memory_alignment) float scratch[12 * 32];
    Index i = 0;
    for (int size = 0; size < 3; ++size) {
        const Index rows = kernels.rows[size];
        const auto tile = kernels.tile[size][two ? 1 : 0];
        for (; i + rows <= m; i += rows) {
            const float* const left = a.data + i * a.row;
            float* const out = c + i * c_row;
            if (c_column == 1 && width == padded) {
                tile(k, left, a.row, a.column, panel, out, c_row, accumulate);
                continue;
            }
            tile(k, left, a.row, a.column, panel, scratch, padded, false);
            for (Index r = 0; r < rows; ++r)
                for (Index j = 0; j < width; ++j) {
                    float& to = out[r * c_row + j * c_column];
                    to = scratch[r * padded + j] + (accumulate ? to : 0.0F);
                }
        }
    }
}

/// c = a b for any strides, b packed panel by panel.
inline void sgemm_strided(Index m, Index n, Index k, const Strided& a, const Strided& b, float* c, Index c_row, Index c_column,
                          bool accumulate) {
    const Index lanes = tile_kernels().lanes;
    const Buffer memory{static_cast<std::size_t>(depth_block * 2 * lanes) * sizeof(float)};
    auto* const panel = static_cast<float*>(memory.data());
    for (Index from = 0; from < k; from += depth_block) {
        const Index depth = std::min(depth_block, k - from);
        const Strided left{a.data + from * a.column, a.row, a.column};
        for (Index first = 0; first < n; first += 2 * lanes) {
            const Index width = std::min(2 * lanes, n - first);
            const bool two = width > lanes;
            pack_panel(b, from, depth, first, width, two ? 2 * lanes : lanes, panel);
            multiply_panel(m, depth, left, panel, width, two, c + first * c_column, c_row, c_column, accumulate || from > 0);
        }
    }
}

}  // namespace detail

/// c (m, n) = a (m, k) b (k, n), added to c if `accumulate`. One thread; needs `isa()` of AVX2 or better. The operand
/// that is cheaper to pack is packed.
inline void sgemm(Index m, Index n, Index k, const Strided& a, const Strided& b, float* c, Index c_stride, bool accumulate) {
    if (k == 0 && !accumulate)
        for (Index i = 0; i < m; ++i)
            std::fill_n(c + i * c_stride, n, 0.0F);
    const bool transpose = b.column != 1 && m < n;  // then c^T = b^T a^T, with b read in place
    if (transpose)
        detail::sgemm_strided(n, m, k, {b.data, b.column, b.row}, {a.data, a.column, a.row}, c, 1, c_stride, accumulate);
    else
        detail::sgemm_strided(m, n, k, a, b, c, c_stride, 1, accumulate);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
#endif
