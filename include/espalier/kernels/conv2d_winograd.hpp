// SPDX-License-Identifier: MIT
/// @file Convolution of single precision by Winograd's way: its results, and the gradient of its input, which is a convolution too.
///
/// docs/architecture.md explains it. Squares of pixels and filters are transformed, and each of the numbers of a square, 36 or 25, is
/// multiplied for itself: tiles times packed filters (simd/winograd_products.ipp).
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/winograd_choice.hpp>
#include <espalier/kernels/winograd_panels.hpp>
#include <espalier/kernels/winograd_tiles.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::winograd {

/// What came of a block of tiles for some columns of the result: numbers of squares, `step` floats apart, for each tile `pitch` floats.
struct Sums {
    const float* data;
    Index step;
    Index pitch;
    Index first;  ///< of the tiles
    Index count;
    Index column;
    Index width;
};

/// All tiles times all filters. `read(tile, memory)` gives the square of pixels that a tile sums over, and `store(sums, scratch)` makes
/// results of a block of tiles, a multiple of `together` of them.
class Multiplication {
public:
    Multiplication(const Filters& filters, const Tiles& tiles, Index together, Index store_floats)
        : filters_{filters},
          kernels_{filters.kernels()},
          e_{filters.extents()},
          tiles_{tiles},
          columns_{e_.width, simd::table().tile_vectors},
          numbers_{kernels_.points * kernels_.points},
          pitch_{16 * detail::sixteens(e_.channels())},
          few_{few_tiles(tiles.size(), numbers_ * e_.depth * e_.width)},
          block_{few_ ? tiles.size() : tiles_of_block(tiles.size(), together, e_.channels())},
          v_step_{step_of(block_ * pitch_)},
          copied_{copied_square(kernels_.points, e_.channels())},
          store_floats_{store_floats} {}

    template <class Read, class Store>
    void run(const Read& read, const Store& store) const {
        few_ ? filters_one_by_one(read, store) : tiles_by_blocks(read, store);
    }

private:
    [[nodiscard]] Index most_columns() const noexcept { return simd::table().tile_vectors * simd::table().lanes; }

    /// Where there are many tiles: all filters are transformed, and stay where all threads read them.
    template <class Read, class Store>
    void tiles_by_blocks(const Read& read, const Store& store) const {
        using simd::Scratch;
        const Panels panels{filters_, columns_};
        const Index blocks = simd::ceil_div(tiles_.size(), block_), products = tiles_.size() * numbers_ * e_.channels() * e_.width;
        const Index parts = column_parts(blocks, columns_.blocks(), products);
        const std::size_t bytes = Scratch::bytes<float>(numbers_ * v_step_) +
                                  Scratch::bytes<float>(numbers_ * step_of(block_ * most_columns())) + Scratch::bytes<float>(copied_) +
                                  Scratch::bytes<float>(store_floats_);
        parallel_for(blocks * parts, 1, bytes, [&](Index i, Index, void* memory) {
            Scratch scratch{memory};
            auto* const v = scratch.take<float>(numbers_ * v_step_);
            auto* const m = scratch.take<float>(numbers_ * step_of(block_ * most_columns()));
            auto* const copy = scratch.take<float>(copied_);
            auto* const of_store = scratch.take<float>(store_floats_);
            const simd::Part tiles{i / parts * block_, std::min(block_, tiles_.size() - i / parts * block_)};
            for (Index t = 0; t < tiles.size; ++t)
                transform(tiles_[tiles.first + t], read, copy, v + t * pitch_);
            const simd::Part part = simd::even_part(columns_.blocks(), parts, i % parts);
            for (Index group = 0; group < e_.groups; ++group)
                for (Index b = part.first; b < part.first + part.size; ++b) {
                    multiply(group, columns_[b], tiles.size, {0, e_.depth}, v, panels(group, b), panels.step(b), m);
                    store(sums_of(group, columns_[b], tiles, m), of_store);
                }
        });
    }

    /// Where there are few, and filters that no cache holds when they are transformed: each of those is used at once for all tiles.
    template <class Read, class Store>
    void filters_one_by_one(const Read& read, const Store& store) const {
        using simd::Scratch;
        const Buffer v_memory{static_cast<std::size_t>(numbers_ * v_step_) * sizeof(float)};
        auto* const v = static_cast<float*>(v_memory.data());
        parallel_for(tiles_.size(), transforms_at_once(numbers_ * pitch_), Scratch::bytes<float>(copied_),
                     [&](Index begin, Index end, void* copy) {
                         for (Index t = begin; t < end; ++t)
                             transform(tiles_[t], read, static_cast<float*>(copy), v + t * pitch_);
                     });
        const Index u_floats = numbers_ * step_of(channels_of_chain * most_columns()),
                    m_floats = numbers_ * step_of(block_ * most_columns());
        const std::size_t bytes = Scratch::bytes<float>(u_floats) + Scratch::bytes<float>(m_floats) + Scratch::bytes<float>(store_floats_) +
                                  filters_.scratch_bytes();
        parallel_for(e_.groups * columns_.blocks(), 1, bytes, [&](Index i, Index, void* memory) {
            Scratch scratch{memory};
            auto* const u = scratch.take<float>(u_floats);
            auto* const m = scratch.take<float>(m_floats);
            auto* const of_store = scratch.take<float>(store_floats_);
            const Index group = i / columns_.blocks();
            const simd::ColumnBlock block = columns_[i % columns_.blocks()];
            const Index step = step_of(channels_of_chain * block.padded());
            for (Index k = 0; k < e_.depth; k += channels_of_chain) {
                const simd::Part rows{k, std::min(channels_of_chain, e_.depth - k)};
                filters_.transform(group, block, rows, u, step, scratch.take<std::byte>(0));
                multiply(group, block, tiles_.size(), rows, v, u, step, m);
            }
            store(sums_of(group, block, {0, tiles_.size()}, m), of_store);
        });
    }

    template <class Read>
    void transform(const Tile& tile, const Read& read, float* copy, float* v) const {
        kernels_.pixels(e_.channels(), read(tile, copy), v, v_step_);
    }

    /// The products of each number of the squares with some rows of the panels, in short chains that each begin with 0, added to those of
    /// the rows before: the error grows with the length of a chain, and what is lost in a sum of squares does not cancel out.
    void multiply(Index group, const simd::ColumnBlock& block, Index tiles, const simd::Part& rows, const float* v, const float* panel,
                  Index panel_step, float* m) const {
        const Index padded = block.padded();
        kernels_.products[block.vectors - 1]({.numbers = numbers_,
                                              .count = tiles,
                                              .depth = rows.size,
                                              .chain = channels_of_chain,
                                              .rows = v + group * e_.depth + rows.first,
                                              .rows_step = v_step_,
                                              .row = pitch_,
                                              .column = 1,
                                              .panel = panel,
                                              .panel_step = panel_step,
                                              .panel_row = padded,
                                              .out = m,
                                              .out_step = step_of(tiles * padded),
                                              .out_row = padded,
                                              .add = rows.first > 0});
    }

    [[nodiscard]] Sums sums_of(Index group, const simd::ColumnBlock& block, const simd::Part& tiles, const float* m) const {
        return {m,          step_of(tiles.size * block.padded()), block.padded(), tiles.first,
                tiles.size, group * e_.width + block.column,      block.width};
    }

    const Filters& filters_;
    const simd::WinogradTable& kernels_;
    Extents e_;
    const Tiles& tiles_;
    simd::Columns columns_;
    Index numbers_;  ///< of a square
    Index pitch_;  ///< floats of a transformed tile
    bool few_;
    Index block_;  ///< tiles of a block
    Index v_step_;
    Index copied_;
    Index store_floats_;
};

/// Writes the results of tiles to images (extent, channels).
class PlainResults {
public:
    PlainResults(const simd::WinogradTable& kernels, const Tiles& tiles, Pair extent, Index channels, const float* bias, bool relu,
                 float* y)
        : kernels_{kernels}, tiles_{tiles}, extent_{extent}, channels_{channels}, bias_{bias}, relu_{relu}, y_{y} {}

    void operator()(const Sums& sums, float*) const {
        for (Index i = 0; i < sums.count; ++i) {
            const Tile tile = tiles_[sums.first + i];
            float* const to = y_ + ((tile.image * extent_.height + tile.y) * extent_.width + tile.x) * channels_ + sums.column;
            kernels_.results(sums.width, sums.data + i * sums.pitch, sums.step,
                             {.y = to,
                              .row = extent_.width * channels_,
                              .column = channels_,
                              .rows = static_cast<int>(std::min(tiles_.side(), extent_.height - tile.y)),
                              .columns = static_cast<int>(std::min(tiles_.side(), extent_.width - tile.x)),
                              .bias = bias_ ? bias_ + sums.column : nullptr,
                              .relu = relu_});
        }
    }

private:
    const simd::WinogradTable& kernels_;
    const Tiles& tiles_;
    Pair extent_;
    Index channels_;
    const float* bias_;
    bool relu_;
    float* y_;
};

/// Writes the largest of each 2x2 window of the results, and which of the four it is. A window must not be cut: where the side of a tile
/// is odd, those of an image are laid together first.
class PooledResults {
public:
    PooledResults(const simd::WinogradTable& kernels, const Tiles& tiles, const ConvShape& s, const float* bias, float* y,
                  std::uint8_t* winners)
        : kernels_{kernels}, tiles_{tiles}, s_{s}, bias_{bias}, y_{y}, winners_{winners}, whole_{tiles.side() % 2 == 1} {}

    /// Tiles that are laid together.
    [[nodiscard]] Index together() const noexcept { return whole_ ? tiles_.of_image() : 1; }
    [[nodiscard]] Index floats() const noexcept {
        return together() * tiles_.side() * tiles_.side() * simd::table().tile_vectors * simd::table().lanes;
    }

    void operator()(const Sums& sums, float* memory) const {
        const Index side = tiles_.side(), row = (whole_ ? simd::ceil_div(s_.output.width, side) * side : side) * sums.pitch;
        for (Index i = 0; i < sums.count; i += together()) {
            const Tile first = tiles_[sums.first + i];
            for (Index k = i; k < i + together(); ++k) {
                const Tile tile = tiles_[sums.first + k];
                kernels_.results(sums.width, sums.data + k * sums.pitch, sums.step,
                                 {.y = memory + (tile.y - first.y) * row + (tile.x - first.x) * sums.pitch,
                                  .row = row,
                                  .column = sums.pitch,
                                  .rows = static_cast<int>(side),
                                  .columns = static_cast<int>(side),
                                  .bias = bias_ ? bias_ + sums.column : nullptr,
                                  .relu = false});
            }
            pool(first, memory, row, sums);
        }
    }

private:
    void pool(const Tile& first, const float* x, Index row, const Sums& sums) const {
        const Pair pooled = s_.pooled();
        const Index bottom = whole_ ? pooled.height : std::min(pooled.height, (first.y + tiles_.side()) / 2);
        const Index right = whole_ ? pooled.width : std::min(pooled.width, (first.x + tiles_.side()) / 2);
        for (Index y = first.y / 2; y < bottom; ++y) {
            const Index at = ((first.image * pooled.height + y) * pooled.width + first.x / 2) * s_.out_channels + sums.column;
            kernels_.pool(right - first.x / 2, sums.width, x + (2 * y - first.y) * row, row, sums.pitch, y_ + at, winners_ + at,
                          s_.out_channels);
        }
    }

    const simd::WinogradTable& kernels_;
    const Tiles& tiles_;
    const ConvShape& s_;
    const float* bias_;
    float* y_;
    std::uint8_t* winners_;
    bool whole_;
};

/// As tiled::forward.
inline void forward(const simd::WinogradTable& kernels, const ConvShape& s, const float* x, const float* weight, const float* bias,
                    ConvTail tail, float* y, std::uint8_t* winners) {
    const Tiles tiles{s.batch, s.output, kernels.outputs};
    const Filters filters{kernels, {s.groups, s.depth(), s.filters()}, weight, false};
    const Pair padding = s.window.padding;
    const auto read = [&](const Tile& tile, float*) {
        return square_of_image(tile.y - padding.height, tile.x - padding.width, kernels.points, s.input, s.in_channels,
                               x + tile.image * s.input_size());
    };
    if (tail == ConvTail::relu_max_pool) {
        const PooledResults results{kernels, tiles, s, bias, y, winners};
        Multiplication{filters, tiles, results.together(), results.floats()}.run(read, results);
    } else {
        const PlainResults results{kernels, tiles, s.output, s.out_channels, bias, tail == ConvTail::relu, y};
        Multiplication{filters, tiles, 1, 0}.run(read, results);
    }
}

/// As tiled::backward_input: a convolution of the cotangent with turned filters.
inline void backward_input(const simd::WinogradTable& kernels, const ConvShape& s, Index images, const ConvCotangent<float>& cotangent,
                           const float* weight, float* dx) {
    const Tiles tiles{images, s.input, kernels.outputs};
    const Filters filters{kernels, {s.groups, s.filters(), s.depth()}, weight, true};
    const Index points = kernels.points, top = s.window.padding.height - kernels.taps + 1, left = s.window.padding.width - kernels.taps + 1;
    const auto read = [&](const Tile& tile, float* memory) {
        return square_of_cotangent(tile.y + top, tile.x + left, points, s, cotangent, tile.image, memory);
    };
    const PlainResults results{kernels, tiles, s.input, s.in_channels, nullptr, false, dx};
    Multiplication{filters, tiles, 1, 0}.run(read, results);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::winograd
