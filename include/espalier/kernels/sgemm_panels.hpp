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

/// Of k and of columns, that the panels of a block hold: half of a second-level cache of 512 KB, from which rows of a tile read them.
inline constexpr Index block_depth = 384, block_columns = 192;
inline constexpr Index block_rows = 512;  ///< for which panels are packed once

/// How c is cut for so many threads; whichever way, to the same bits. Fewer blocks pack and copy less: in products, an element of b costs
/// 9, or 12 if it is turned, one of a strip of a 12, one that is read in place 2. Narrow tiles cost more than wide ones, and blocks that
/// can't be shared out evenly as much as the largest share; more of them make up for a thread that is slower. Measured one by one.
[[nodiscard]] inline BlocksOfProduct panel_blocks(const Product& p, bool strips, Index threads) noexcept {
    constexpr Index unit = 16, least = 2 * unit;
    const Index down = simd::ceil_div(p.m, block_rows), across = simd::ceil_div(p.n, block_columns);
    BlocksOfProduct best{p, unit, down, across};
    if (threads == 1)
        return best;
    if (p.m * simd::ceil_div(p.n, unit) * unit * p.k < 4 * threads * gemm_grain)
        return BlocksOfProduct::of(p, block_rows, block_columns, 3 * unit, 2 * threads);
    const auto cost = [&](const BlocksOfProduct& blocks) {
        const auto rows = static_cast<double>(blocks.rows), columns = static_cast<double>(blocks.columns);
        const simd::Columns tiles{blocks.columns, simd::table().tile_vectors};
        const double wide = static_cast<double>(tiles.blocks() * simd::table().tile_vectors * simd::table().lanes);
        const double moved = (p.b.column == 1 ? 9 : 12) / rows + (strips ? 12 : 2) / columns;
        return (1 + moved) * rows * (0.85 * columns + 0.15 * wide) * (static_cast<double>(simd::ceil_div(blocks.count, threads)) + 0.05);
    };
    double lowest = cost(best);
    for (Index parts = across; parts <= std::max(across, std::min(2 * threads, p.n / least)); ++parts)
        for (const Index rounds : {1, 2, 4}) {
            const BlocksOfProduct blocks{p, unit, std::clamp(simd::ceil_div(rounds * threads, parts), down, std::max(down, p.m / least)),
                                         parts};
            if (const double of_blocks = cost(blocks); of_blocks < lowest) {
                lowest = of_blocks;
                best = blocks;
            }
        }
    return best;
}

/// Products of panels of b, for any shape. Blocks of c are independent; each packs the panels of b that it needs, and passes them as a
/// whole for every few rows of a, which so stay in the first-level cache, as do the elements of c beside each other. Rows of a are read in
/// place; where its columns are in one piece instead, a strip of some rows is copied, for what lies beside an element then belongs to other
/// rows.
class PanelProduct {
public:
    /// @throws what `num_threads` throws
    explicit PanelProduct(const Product& p)
        : p_{p},
          strip_rows_{p.a.row == 1 && p.a.column != 1 ? 8 * simd::table().tile_rows : 0},
          step_{strip_rows_ > 0 ? strip_rows_ : p.a.column},
          depth_{std::clamp<Index>(std::min(within_32_bits(step_), p.k), 1, block_depth)},
          blocks_{panel_blocks(p, strip_rows_ > 0, espalier::detail::within_loop() ? 1 : num_threads())} {}

    void run() const {
        using simd::Scratch;
        const Index panels = depth_ * simd::Columns{blocks_.columns, simd::table().tile_vectors}.padded();
        const Index strip = depth_ * strip_rows_;
        const std::size_t bytes = Scratch::bytes<float>(panels) + Scratch::bytes<float>(strip) + Scratch::bytes<std::int32_t>(depth_);
        parallel_for(blocks_.count, blocks_.grain, bytes, [&](Index begin, Index end, void* memory) {
            Scratch scratch{memory};
            const Space space{scratch.take<float>(panels), scratch.take<float>(strip), scratch.take<std::int32_t>(depth_)};
            for (Index k = 0; k < depth_; ++k)
                space.offsets[k] = static_cast<std::int32_t>(k * step_);
            for (Index i = begin; i < end; ++i)
                multiply(blocks_(i), space);
        });
    }

private:
    /// Steps that an offset of 32 bits reaches.
    [[nodiscard]] static constexpr Index within_32_bits(Index step) noexcept { return (Index{1} << 31) / std::max<Index>(step, 1) - 1; }

    struct Space {
        float* panels;
        float* strip;
        std::int32_t* offsets;
    };

    void multiply(const BlocksOfProduct::Block& block, const Space& space) const {
        const auto& [rows, columns] = block;
        const simd::Columns parts{columns.size, simd::table().tile_vectors};
        const Index height = simd::table().tile_rows;
        for (Index from = 0; from == 0 || from < p_.k; from += depth_) {
            const Index depth = std::min(depth_, p_.k - from);
            for (Index j = 0; j < parts.blocks(); ++j)
                if (!read_in_place(rows.size, parts[j]))
                    pack(from, depth, columns.first + parts[j].column, parts[j], space.panels + parts[j].column * depth);
            for (Index r = 0; r < rows.size; r += height) {
                const float* a = p_.a.data + (rows.first + r) * p_.a.row + from * p_.a.column;
                if (strip_rows_ > 0) {
                    const Index within = r % strip_rows_, count = std::min(strip_rows_, rows.size - r);
                    if (within == 0)
                        simd::table().copy_rows(depth, count, a, p_.a.column, space.strip, strip_rows_, count);
                    a = space.strip + within;
                }
                multiply_rows(block, {r, std::min(height, rows.size - r)}, a, parts, {from, depth}, space);
            }
        }
    }

    /// A few rows are not worth that panels are filled for them, unless every row of b is on another page.
    [[nodiscard]] bool read_in_place(Index rows, const simd::ColumnBlock& part) const noexcept {
        return rows <= 64 && p_.b.column == 1 && p_.b.row < 1024 && part.width == part.padded();
    }

    /// Adds to `few` rows of a block of c what a part of k gives, of the elements of a from `a` on.
    void multiply_rows(const BlocksOfProduct::Block& block, const simd::Part& few, const float* a, const simd::Columns& parts,
                       const simd::Part& of_k, const Space& space) const {
        const Index first = block.columns.first;
        const float* inputs[simd::max_tile_rows];
        float* outputs[simd::max_tile_rows];
        for (Index i = 0; i < few.size; ++i) {
            inputs[i] = a + i * p_.a.row;
            outputs[i] = p_.c + (block.rows.first + few.first + i) * p_.c_stride + first;
        }
        for (Index j = 0; j < parts.blocks(); ++j) {
            const simd::ColumnBlock part = parts[j];
            const bool in_place = read_in_place(block.rows.size, part);
            const float* const panel = in_place ? p_.b.data + of_k.first * p_.b.row + first + part.column
                                                : space.panels + part.column * of_k.size;
            simd::run_tiles({.rows = inputs,
                             .count = few.size,
                             .offsets = space.offsets,
                             .depth = of_k.size,
                             .panel = panel,
                             .panel_step = in_place ? p_.b.row : part.padded()},
                            {.rows = outputs,
                             .column = part.column,
                             .width = part.width,
                             .start = p_.accumulate || of_k.first > 0 ? simd::Start::accumulate
                                      : p_.bias                       ? simd::Start::bias
                                                                      : simd::Start::zero,
                             .bias = p_.bias ? p_.bias + first + part.column : nullptr,
                             .relu = p_.relu && of_k.first + depth_ >= p_.k},
                            part.vectors);
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
    Index strip_rows_;  ///< of a that are copied at once, or 0
    Index step_;  ///< between elements of a row of a, where tiles read it
    Index depth_;
    BlocksOfProduct blocks_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
