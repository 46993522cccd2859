// SPDX-License-Identifier: MIT
/// @file Matrix products of single precision in register tiles: rows of a times packed panels of b.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/product.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

inline constexpr Index panel_depth = 192;  ///< of k that a panel of b holds: with 32 or 48 columns it fits the first-level cache
inline constexpr Index block_columns = 384;
inline constexpr Index block_rows = 512;

/// Products of panels of b, for any shape: blocks of c are independent; each packs the panels of b that it needs and reads a in place.
class PanelProduct {
public:
    explicit PanelProduct(const Product& p) noexcept
        : p_{p},
          depth_{std::clamp<Index>(std::min(within_32_bits(p.a.column), p.k), 1, panel_depth)},
          panel_size_{depth_ * simd::table().tile_vectors * simd::table().lanes},
          blocks_{BlocksOfProduct::of(p, block_rows, block_columns, 48, 16)} {}

    void run() const {
        using simd::Scratch;
        const std::size_t bytes = Scratch::bytes<float>(panel_size_) + 2 * Scratch::bytes<float*>(blocks_.rows) +
                                  Scratch::bytes<std::int32_t>(depth_);
        parallel_for(blocks_.count, blocks_.grain, bytes, [&](Index begin, Index end, void* memory) {
            Scratch scratch{memory};
            const Space space{scratch.take<float>(panel_size_), scratch.take<const float*>(blocks_.rows),
                              scratch.take<float*>(blocks_.rows), scratch.take<std::int32_t>(depth_)};
            for (Index k = 0; k < depth_; ++k)
                space.offsets[k] = static_cast<std::int32_t>(k * p_.a.column);
            for (Index i = begin; i < end; ++i)
                multiply(blocks_(p_, i), space);
        });
    }

private:
    /// Steps that an offset of 32 bits reaches.
    [[nodiscard]] static constexpr Index within_32_bits(Index step) noexcept { return (Index{1} << 31) / std::max<Index>(step, 1) - 1; }

    struct Space {
        float* panel;
        const float** inputs;
        float** outputs;
        std::int32_t* offsets;
    };

    void multiply(const BlocksOfProduct::Block& block, const Space& space) const {
        const auto& [rows, columns] = block;
        const simd::Columns parts{columns.size, simd::table().tile_vectors};
        for (Index r = 0; r < rows.size; ++r)
            space.outputs[r] = p_.c + (rows.first + r) * p_.c_stride + columns.first;
        for (Index from = 0; from == 0 || from < p_.k; from += depth_) {
            const Index depth = std::min(depth_, p_.k - from);
            for (Index r = 0; r < rows.size; ++r)
                space.inputs[r] = p_.a.data + (rows.first + r) * p_.a.row + from * p_.a.column;
            for (Index j = 0; j < parts.blocks(); ++j) {
                const simd::ColumnBlock part = parts[j];
                const Index first = columns.first + part.column;
                pack(from, depth, first, part, space.panel);
                simd::run_tiles({.rows = space.inputs,
                                 .count = rows.size,
                                 .offsets = space.offsets,
                                 .depth = depth,
                                 .panel = space.panel,
                                 .panel_step = part.padded()},
                                {.rows = space.outputs,
                                 .column = part.column,
                                 .width = part.width,
                                 .start = p_.accumulate || from > 0 ? simd::Start::accumulate
                                          : p_.bias                 ? simd::Start::bias
                                                                    : simd::Start::zero,
                                 .bias = p_.bias ? p_.bias + first : nullptr,
                                 .relu = p_.relu && from + depth_ >= p_.k},
                                part.vectors);
            }
        }
    }

    /// Rows [from, from + depth) of b, its columns from `first` on.
    void pack(Index from, Index depth, Index first, const simd::ColumnBlock& part, float* panel) const {
        const Strided& b = p_.b;
        const float* const data = b.data + from * b.row + first * b.column;
        if (b.column == 1)
            simd::table().copy_rows(depth, part.width, data, b.row, panel, part.padded(), part.padded());
        else
            simd::pack_transposed(depth, part.width, data, b.column, panel, part.padded());
    }

    const Product& p_;
    Index depth_;
    Index panel_size_;
    BlocksOfProduct blocks_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
