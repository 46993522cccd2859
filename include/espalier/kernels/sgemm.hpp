// SPDX-License-Identifier: MIT
/// @file Matrix products of single precision on the vector kernels, on all threads.
///
/// Each element of a product is one chain of fused multiply-adds over k, however the matrices are cut, or the sum of sixteen over blocks of
/// `dot_depth` for a small product with `b` transposed. All of that depends on the extents alone, and is the same for AVX2 and AVX-512.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/product.hpp>
#include <espalier/kernels/sgemm_dots.hpp>
#include <espalier/kernels/sgemm_panels.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels {
namespace detail {

/// Whether columns of b are worth turning into rows of panels. Dots read them where they lie, but each has a vector to add up in the end;
/// panels are filled once, and compute whole vectors of columns. Both in multiply-adds, fitted to Zen 4's times over m from 1 to 2048, n
/// from 1 to 1000 and k from 4 to 1024. Of few columns, those of heads, the rows do not matter: a sample has the same bits alone.
[[nodiscard]] inline bool worth_turning(Index rows, Index columns, Index depth) noexcept {
    constexpr double summed = 70, multiplied = 0.8, turned = 5.4, called = 2500;
    const auto m = static_cast<double>(rows), n = static_cast<double>(columns), k = static_cast<double>(depth);
    if (columns < 16)
        return false;
    if (columns < 64)
        return n * (k + summed) > 16 * static_cast<double>(simd::ceil_div(columns, 16)) * k * multiplied;
    return rows >= 64 || m * n * (k + summed) > m * n * k * multiplied + n * k * turned + called;
}

/// For few rows of a, which are not worth a panel: rows of b, each in one piece, are added up as they lie in memory.
inline void multiply_rows(const Product& p) {
    const Index most = p.n > 8192 ? 2048 : p.n > 2048 ? 512 : 128;  // long pieces are read faster, short ones are some for every thread
    const Index columns = simd::ceil_div(simd::ceil_div(p.n, simd::ceil_div(p.n, most)), 16) * 16;
    const Index grain = gemm_grain / std::max<Index>(p.m * columns * p.k, 1);
    parallel_for(simd::ceil_div(p.n, columns), std::max<Index>(1, grain), [&](Index begin, Index end) {
        for (Index block = begin; block < end; ++block) {
            const Index column = block * columns;
            const Index width = std::min(columns, p.n - column);
            for (Index i = 0; i < p.m; ++i) {
                float* const row = p.c + i * p.c_stride + column;
                if (!p.accumulate)
                    std::fill_n(row, width, 0.0F);
                simd::table().add_rows(width, p.k, p.a.data + i * p.a.row, p.a.column, p.b.data + column, p.b.row, row);
            }
        }
    });
}

/// The ways to multiply, each with what it asks for.
enum class Way {
    dots,  ///< rows of a and columns of b in one piece
    rows,  ///< rows of b in one piece; neither bias nor ReLU
    panels,  ///< nothing
};

/// By the extents alone, as are the bits of the result.
[[nodiscard]] inline Way way_of(const Product& p) noexcept {
    constexpr Index many = 1 << 16;
    if (p.b.column != 1)
        return p.a.column == 1 && !worth_turning(p.any_rows ? many : p.m, p.n, p.k) ? Way::dots : Way::panels;
    return p.m <= 2 && !p.bias && !p.relu ? Way::rows : Way::panels;  // to the same bits
}

}  // namespace detail

/// On all threads. @throws ShapeError if neither rows nor columns of b are in one piece
inline void sgemm(const Product& p) {
    require<ShapeError>(p.b.row == 1 || p.b.column == 1, "sgemm", "expected rows or columns of b in one piece, got elements ", p.b.row,
                        " and ", p.b.column, " apart");
    if (p.m == 0 || p.n == 0)
        return;  // below, c is cut into parts of some of its rows and columns
    switch (detail::way_of(p)) {
        case detail::Way::dots: return detail::DotProduct{p}.run();
        case detail::Way::rows: return detail::multiply_rows(p);
        case detail::Way::panels: return detail::PanelProduct{p}.run();
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
