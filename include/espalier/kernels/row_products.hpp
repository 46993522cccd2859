// SPDX-License-Identifier: MIT
/// @file Products of a few rows with a matrix that many such blocks of rows meet and that is packed once for all of them. One thread.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/kernels/dgemm.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// A block of rows, element (i, k) at `data[i * row + k * column]`.
template <class Scalar>
struct RowBlock {
    const Scalar* data;
    Index row;
    Index column;
};

/// Memory for `RowMatrix::multiply`: pointers to the rows of both sides, and places within a row of the left one.
class RowPlaces {
public:
    /// For at most so many rows, and so many elements of a row.
    [[nodiscard]] static std::size_t bytes(Index rows, Index depth) noexcept {
        return 2 * simd::Scratch::bytes<float*>(rows) + simd::Scratch::bytes<std::int32_t>(depth);
    }
    RowPlaces(simd::Scratch& scratch, Index rows, Index depth) noexcept
        : inputs{scratch.take<const float*>(rows)}, outputs{scratch.take<float*>(rows)}, offsets{scratch.take<std::int32_t>(depth)} {}

    const float** inputs;
    float** outputs;
    std::int32_t* offsets;
};

/// A matrix (depth, n), packed; each element of a product with it is one chain of multiply-adds in the order of k, however many rows are
/// multiplied at once.
template <class Scalar>
class RowMatrix {
    static constexpr bool panels = simd::vectorised<Scalar>;
    static constexpr Index chunk = 192;  ///< of the depth: what of a panel stays in the first-level cache while rows pass by

public:
    [[nodiscard]] static std::size_t bytes(Index depth, Index n) noexcept {
        return simd::Scratch::bytes<Scalar>(depth * (panels ? simd::ceil_div(n, lanes()) * lanes() : n));
    }

    /// Of rows of b, `stride` apart.
    void pack_rows(Index depth, Index n, const Scalar* b, Index stride, Scalar* memory) noexcept {
        take(depth, n, memory);
        for_each_panel([&](Index column, Index width, Index padded, Scalar* panel) {
            if constexpr (panels)
                return simd::table().copy_rows(depth, width, b + column, stride, panel, padded, padded);
            for (Index k = 0; k < depth; ++k)
                std::fill(std::copy_n(b + k * stride + column, width, panel + k * padded), panel + (k + 1) * padded, Scalar(0));
        });
    }
    /// Of the transpose of n rows of b, `stride` apart.
    void pack_columns(Index depth, Index n, const Scalar* b, Index stride, Scalar* memory) noexcept {
        take(depth, n, memory);
        for_each_panel([&](Index column, Index width, Index padded, Scalar* panel) {
            if constexpr (panels)
                simd::pack_transposed(depth, width, b + column * stride, stride, panel, padded);
            else
                for (Index j = 0; j < width; ++j)
                    for (Index k = 0; k < depth; ++k)
                        panel[k * padded + j] = b[(column + j) * stride + k];
        });
    }

    /// c (m, first n) = a (m, first k) times the first k rows and n columns, or that added to c. Of the panel that column n - 1 is in, all
    /// columns are written.
    void multiply(Index m, Index n, Index depth, const RowBlock<Scalar>& a, Scalar* c, Index c_stride, bool accumulate,
                  const RowPlaces& places) const noexcept {
        if constexpr (panels) {
            for (Index i = 0; i < m; ++i)
                places.outputs[i] = c + i * c_stride;
            for (Index k = 0; k < std::min(chunk, depth); ++k)
                places.offsets[k] = static_cast<std::int32_t>(k * a.column);
            const simd::Columns parts{n_, simd::table().tile_vectors};
            for (Index first = 0; first == 0 || first < depth; first += chunk) {
                for (Index i = 0; i < m; ++i)
                    places.inputs[i] = a.data + i * a.row + first * a.column;
                for (Index j = 0; j < parts.blocks() && parts[j].column < n; ++j) {
                    const simd::ColumnBlock part = parts[j];
                    simd::run_tiles({.rows = places.inputs,
                                     .count = m,
                                     .offsets = places.offsets,
                                     .depth = std::min(chunk, depth - first),
                                     .panel = memory_ + part.column * depth_ + first * part.padded(),
                                     .panel_step = part.padded()},
                                    {.rows = places.outputs,
                                     .column = part.column,
                                     .width = part.width,
                                     .start = accumulate || first > 0 ? simd::Start::accumulate : simd::Start::zero},
                                    part.vectors);
                }
            }
        } else if constexpr (std::is_same_v<Scalar, double>) {
            dgemm(m, n, depth, {a.data, a.row, a.column}, {memory_, n_, 1}, c, c_stride, accumulate);
        } else {
            for (Index i = 0; i < m; ++i)
                for (Index j = 0; j < n; ++j) {
                    Scalar sum = accumulate ? c[i * c_stride + j] : Scalar(0);
                    for (Index k = 0; k < depth; ++k)
                        sum += a.data[i * a.row + k * a.column] * memory_[k * n_ + j];
                    c[i * c_stride + j] = sum;
                }
        }
    }

private:
    [[nodiscard]] static Index lanes() noexcept { return simd::table().lanes; }

    void take(Index depth, Index n, Scalar* memory) noexcept {
        depth_ = depth;
        n_ = n;
        memory_ = memory;
    }
    /// `body(column, width, padded, panel)`.
    template <class Body>
    void for_each_panel(const Body& body) noexcept {
        if constexpr (panels) {
            const simd::Columns parts{n_, simd::table().tile_vectors};
            for (Index j = 0; j < parts.blocks(); ++j)
                body(parts[j].column, parts[j].width, parts[j].padded(), memory_ + parts[j].column * depth_);
        } else {
            body(Index{0}, n_, n_, memory_);
        }
    }

    Index depth_ = 0, n_ = 0;
    Scalar* memory_ = nullptr;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
