// SPDX-License-Identifier: MIT
/// @file The weights of a convolution as the tiles read them.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// A panel for each group of a convolution and each block of its columns: `depth` rows, as wide as the block's vectors, one behind the
/// other.
class WeightPanels {
public:
    WeightPanels(Index groups, Index depth, const simd::Columns& columns)
        : groups_{groups},
          depth_{depth},
          columns_{columns},
          memory_{static_cast<std::size_t>(groups * depth * columns.padded()) * sizeof(float)} {}

    [[nodiscard]] const simd::Columns& columns() const noexcept { return columns_; }
    [[nodiscard]] float* operator()(Index group, const simd::ColumnBlock& block) const noexcept {
        return static_cast<float*>(memory_.data()) + (group * columns_.padded() + block.column) * depth_;
    }

    /// Calls `pack(group, block, piece, to)` for each of `pieces` pieces of the rows of each panel, on all threads.
    template <class Pack>
    void fill(Index pieces, const Pack& pack) const {
        constexpr Index worth_a_thread = 16384;  // floats, counted as if all blocks were two vectors wide
        const Index rows = depth_ / pieces;
        const Index grain = worth_a_thread / std::max<Index>(rows * 2 * simd::table().lanes, 1);
        parallel_for(groups_ * columns_.blocks() * pieces, std::max<Index>(1, grain), [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i) {
                const Index group = i / pieces / columns_.blocks();
                const simd::ColumnBlock block = columns_[i / pieces % columns_.blocks()];
                const Index piece = i % pieces;
                pack(group, block, piece, (*this)(group, block) + piece * rows * block.padded());
            }
        });
    }

private:
    Index groups_;
    Index depth_;
    simd::Columns columns_;
    Buffer memory_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
