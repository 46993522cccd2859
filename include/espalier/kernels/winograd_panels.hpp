// SPDX-License-Identifier: MIT
/// @file The filters of a convolution, transformed and packed for the products of Winograd's way.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/winograd_choice.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels::winograd {

/// What is multiplied: in each group, `depth` channels of what is read by as many columns as it has results.
struct Extents {
    Index groups;
    Index depth;
    Index width;

    [[nodiscard]] Index channels() const noexcept { return groups * depth; }
};

/// Floats from one number of a square to the next, if `size` of them lie between: a power of two would send all numbers of a square to the
/// same few lines of a cache.
[[nodiscard]] constexpr Index step_of(Index size) noexcept { return size + 16; }

/// Rows of the transformed filters of a block of columns: number n of the squares of row k goes to `to + n step + k padded`, as wide as the
/// block's vectors.
class Filters {
public:
    static constexpr Index rows_at_once = 16;  ///< that are turned over together

    /// Of the weights (results, taps, taps, depth) of a convolution: columns are its filters.
    Filters(const simd::WinogradTable& kernels, const Extents& e, const float* weight, bool turned)
        : kernels_{kernels}, e_{e}, weight_{weight}, turned_{turned} {}

    [[nodiscard]] const simd::WinogradTable& kernels() const noexcept { return kernels_; }
    [[nodiscard]] const Extents& extents() const noexcept { return e_; }

    /// Memory that `transform` needs for itself.
    [[nodiscard]] std::size_t scratch_bytes() const noexcept {
        const Index columns = simd::table().tile_vectors * simd::table().lanes;
        return simd::Scratch::bytes<float>(turned_ ? 0 : kernels_.taps * kernels_.taps * rows_at_once * columns);
    }

    void transform(Index group, const simd::ColumnBlock& block, const simd::Part& rows, float* to, Index step, void* scratch) const {
        for (Index done = 0; done < rows.size; done += rows_at_once) {
            const simd::Part some{rows.first + done, std::min(rows_at_once, rows.size - done)};
            if (turned_)
                transform_turned(group, block, some, to + done * block.padded(), step);
            else
                transform_plain(group, block, some, to + done * block.padded(), step, static_cast<float*>(scratch));
        }
    }

private:
    void transform_plain(Index group, const simd::ColumnBlock& block, const simd::Part& rows, float* to, Index step, float* packed) const {
        const Index taps = kernels_.taps, patch = taps * taps * e_.depth, padded = block.padded(), tap = rows_at_once * padded;
        const float* const from = weight_ + (group * e_.width + block.column) * patch + rows.first;
        for (Index i = 0; i < taps * taps; ++i)  // (taps, taps, rows, columns)
            simd::pack_transposed(rows.size, block.width, from + i * e_.depth, patch, packed + i * tap, padded);
        for (Index k = 0; k < rows.size; ++k)
            kernels_.weights(padded, packed + k * padded, taps * tap, tap, to + k * padded, step);
    }

    /// For the gradient of the input: columns are its channels, rows the filters, (depth, taps, taps, results), whose taps are turned.
    void transform_turned(Index group, const simd::ColumnBlock& block, const simd::Part& rows, float* to, Index step) const {
        const Index taps = kernels_.taps, padded = block.padded();
        const float* from = weight_ + ((group * e_.depth + rows.first + 1) * taps * taps - 1) * e_.width + block.column;
        for (Index k = 0; k < rows.size; ++k, from += taps * taps * e_.width)
            kernels_.weights(block.width, from, -taps * e_.width, -e_.width, to + k * padded, step);
    }

    const simd::WinogradTable& kernels_;
    Extents e_;
    const float* weight_;
    bool turned_;
};

/// All of them: for each group and each block of its columns as many panels as a square has numbers, `step` floats apart.
class Panels {
public:
    Panels(const Filters& filters, const simd::Columns& columns)
        : e_{filters.extents()},
          columns_{columns},
          numbers_{filters.kernels().points * filters.kernels().points},
          memory_{static_cast<std::size_t>(e_.groups * of_group()) * sizeof(float)} {
        constexpr Index rows_at_once = Filters::rows_at_once;
        const Index pieces = simd::ceil_div(e_.depth, rows_at_once);
        // A number of a filter costs four times one of a tile: filters are turned over first.
        const Index grain = transforms_at_once(4 * numbers_ * rows_at_once * columns_[0].padded());
        parallel_for(e_.groups * columns_.blocks() * pieces, grain, filters.scratch_bytes(), [&](Index begin, Index end, void* scratch) {
            for (Index i = begin; i < end; ++i) {
                const Index b = i / pieces % columns_.blocks(), group = i / pieces / columns_.blocks(), first = i % pieces * rows_at_once;
                const simd::ColumnBlock block = columns_[b];
                filters.transform(group, block, {first, std::min(rows_at_once, e_.depth - first)},
                                  (*this)(group, b) + first * block.padded(), step(b), scratch);
            }
        });
    }

    [[nodiscard]] Index step(Index block) const noexcept { return step_of(e_.depth * columns_[block].padded()); }
    [[nodiscard]] float* operator()(Index group, Index block) const noexcept {
        const Index before = e_.depth * columns_[block].column + step_of(0) * block;
        return static_cast<float*>(memory_.data()) + group * of_group() + numbers_ * before;
    }

private:
    [[nodiscard]] Index of_group() const noexcept { return numbers_ * (e_.depth * columns_.padded() + step_of(0) * columns_.blocks()); }

    Extents e_;
    simd::Columns columns_;
    Index numbers_;
    Buffer memory_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::winograd
