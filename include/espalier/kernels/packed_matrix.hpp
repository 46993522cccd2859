// SPDX-License-Identifier: MIT
/// @file A matrix that is packed once, for many products of a few rows.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/kernels/dgemm.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace espalier::inline ESPALIER_ABI::kernels {

/// b (k, n), by which rows are multiplied that lie anywhere. A row comes to the same bits whatever others are multiplied beside it, which
/// products whose way depends on the number of rows do not promise. For float and double.
template <class Scalar>
class PackedMatrix {
public:
    /// Element (i, j) at `b[i * row + j * column]`, one of which is 1.
    PackedMatrix(Index k, Index n, const Scalar* b, Index row, Index column) : k_{k}, n_{n} {
        if constexpr (simd::vectorised<Scalar>) {
            offsets_.resize(static_cast<std::size_t>(k));
            std::iota(offsets_.begin(), offsets_.end(), 0);
            const simd::Columns parts{n, simd::table().tile_vectors};
            panels_ = Buffer{static_cast<std::size_t>(k * parts.padded()) * sizeof(float)};
            for_each_panel([&](Index from, Index depth, const simd::ColumnBlock& part, float* panel) {
                const float* const at = b + from * row + part.column * column;
                if (column == 1)
                    simd::table().copy_rows(depth, part.width, at, row, panel, part.padded(), part.padded());
                else
                    simd::pack_transposed(depth, part.width, at, column, panel, part.padded());
            });
        } else {
            panels_ = Buffer{static_cast<std::size_t>(k * n) * sizeof(Scalar)};
            for (Index i = 0; i < k; ++i)
                for (Index j = 0; j < n; ++j)
                    data()[i * n + j] = b[i * row + j * column];
        }
    }

    /// `out[i]` becomes, of n elements, `rows[i]` times the matrix plus what `start` says, for i < count. On this thread.
    void multiply(Index count, const Scalar* const* rows, Scalar* const* out, simd::Start start, const Scalar* bias = nullptr) const {
        if constexpr (simd::vectorised<Scalar>) {
            if (k_ == 0)
                return begin(count, out, start, bias);
            for_each_panel([&](Index from, Index depth, const simd::ColumnBlock& part, const float* panel) {
                simd::run_tiles({.rows = rows,
                                 .count = count,
                                 .offsets = offsets_.data() + from,
                                 .depth = depth,
                                 .panel = panel,
                                 .panel_step = part.padded()},
                                {.rows = out,
                                 .column = part.column,
                                 .width = part.width,
                                 .start = from > 0 ? simd::Start::accumulate : start,
                                 .bias = bias ? bias + part.column : nullptr},
                                part.vectors);
            });
        } else {
            begin(count, out, start, bias);
            for (Index i = 0; i < count; ++i)  // one by one: how dgemm adds depends on the number of rows
                dgemm(1, n_, k_, {rows[i], k_, 1}, {data(), n_, 1}, out[i], n_, true);
        }
    }

private:
    [[nodiscard]] Scalar* data() const noexcept { return static_cast<Scalar*>(panels_.data()); }

    /// `body(from, depth, columns, panel)` for each panel of the matrix.
    template <class Body>
    void for_each_panel(const Body& body) const {
        const simd::Columns parts{n_, simd::table().tile_vectors};
        for (Index from = 0; from < k_; from += panel_depth) {
            const Index depth = std::min(panel_depth, k_ - from);
            for (Index j = 0; j < parts.blocks(); ++j)
                body(from, depth, parts[j], data() + from * parts.padded() + depth * parts[j].column);
        }
    }
    void begin(Index count, Scalar* const* out, simd::Start start, const Scalar* bias) const {
        for (Index i = 0; i < count && start != simd::Start::accumulate; ++i)
            if (start == simd::Start::bias)
                std::copy_n(bias, n_, out[i]);
            else
                std::fill_n(out[i], n_, Scalar(0));
    }

    static constexpr Index panel_depth = 192;  ///< with 32 or 48 columns a panel fits the first-level cache, where few rows pass it

    Index k_, n_;
    PoolVector<std::int32_t> offsets_;
    Buffer panels_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
