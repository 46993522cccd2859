// SPDX-License-Identifier: MIT
/// @file The gradients of a convolution's weights and bias by Winograd's way: the transpose of what gives its results.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_sums.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/target.hpp>
#include <espalier/kernels/winograd_choice.hpp>
#include <espalier/kernels/winograd_panels.hpp>
#include <espalier/kernels/winograd_tiles.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels::winograd {

/// Pixels and cotangents of a group of tiles are transformed; then each number of the squares is multiplied for itself, channels times
/// filters, summed over the tiles. Where sums are small, the tiles are cut into chunks that depend on the problem alone, each of which
/// sums for itself on one thread; where they are large, threads share the numbers. The sums of a chunk are chains of `tiles_of_sum` tiles
/// that are added in order, however many make a group; those of a cotangent are (numbers, groups, depth, filters).
class WeightPass {
public:
    WeightPass(const simd::WinogradTable& kernels, const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent)
        : kernels_{kernels},
          s_{s},
          tasks_{tasks},
          x_{x},
          cotangent_{cotangent},
          tiles_{s.batch, s.output, kernels.outputs},
          columns_{s.filters(), simd::table().tile_vectors},
          row_{columns_.padded()},
          numbers_{kernels.points * kernels.points},
          x_pitch_{16 * detail::sixteens(s.in_channels)},
          dy_pitch_{16 * detail::sixteens(s.out_channels)},
          blocks_{simd::ceil_div(tiles_.size(), tiles_of_sum)},
          chunks_{weight_chunks(blocks_, numbers_ * s.in_channels * row_)},
          at_once_{sums_at_once(tiles_.size(), numbers_ * s.depth() * s.filters(), numbers_ * (x_pitch_ + tasks * dy_pitch_))},
          group_{at_once_ ? tiles_.size() : tiles_of_group(tiles_.size(), numbers_ * (x_pitch_ + dy_pitch_), chunks_)},
          tasks_at_once_{at_once_ ? tasks : std::clamp<Index>(most_transformed / (numbers_ * group_ * dy_pitch_), 1, tasks)},
          x_step_{step_of(group_ * x_pitch_)},
          dy_step_{step_of(group_ * dy_pitch_)},
          sums_{chunks_, tasks, at_once_ ? 0 : numbers_ * step(), s.out_channels} {}

    void run(const Target<float>& dw, const Target<float>& db) const {
        const std::size_t bytes = simd::Scratch::bytes<float>(numbers_ * x_step_) + simd::Scratch::bytes<float>(tasks_at_once_ * of_task());
        if (chunks_ > 1) {
            parallel_for(chunks_, 1, bytes, [&](Index i, Index, void* memory) { sum_chunk(i, db.wanted(), simd::Scratch{memory}); });
            write_chunks(dw);
        } else {
            const Buffer memory{bytes};
            if (at_once_) {
                write_at_once(dw, db.wanted(), simd::Scratch{memory.data()});
            } else {
                sum_chunk(0, db.wanted(), simd::Scratch{memory.data()});
                write_chunks(dw);
            }
        }
        if (db.wanted())
            sums_.write_bias(db);
    }

private:
    /// Transformed tiles of a group, and for some cotangents theirs and the sums of their squares.
    struct Group {
        float* v;
        float* d;
        Index first = 0;
        Index count = 0;
        simd::Part tasks = {0, 0};
    };

    [[nodiscard]] Index step() const noexcept { return step_of(s_.in_channels * row_); }  ///< floats from a number's sums to the next
    [[nodiscard]] Index of_task() const noexcept { return (numbers_ + 1) * dy_step_; }

    [[nodiscard]] Group memory_of(simd::Scratch scratch) const {
        return {scratch.take<float>(numbers_ * x_step_), scratch.take<float>(tasks_at_once_ * of_task())};
    }

    void sum_chunk(Index chunk, bool with_bias, simd::Scratch scratch) const {
        Group group = memory_of(scratch);
        if (with_bias)
            sums_.clear_bias(chunk);
        const simd::Part mine = simd::even_part(blocks_, chunks_, chunk);
        const Index begin = mine.first * tiles_of_sum, end = std::min(begin + mine.size * tiles_of_sum, tiles_.size());
        for (group.first = begin; group.first < end; group.first += group_) {
            group.count = std::min(group_, end - group.first);
            for (Index t = 0; t < tasks_; t += tasks_at_once_) {
                group.tasks = {t, std::min(tasks_at_once_, tasks_ - t)};
                transform(group, chunk, with_bias);
                const Index all = numbers_ * group.tasks.size, of_number = group.count * s_.in_channels * s_.filters();
                parallel_for(all, products_at_once(all, of_number), [&](Index from, Index to) {
                    for (Index i = from; i < to; ++i)
                        multiply(group, i / group.tasks.size, i % group.tasks.size, chunk, group.first > begin);
                });
            }
        }
    }

    [[nodiscard]] float* of_sums(const Group& group, Index task) const noexcept { return group.d + task * of_task() + numbers_ * dy_step_; }

    void transform(const Group& group, Index chunk, bool with_bias) const {
        const Index grain = transforms_at_once(numbers_ * (x_pitch_ + group.tasks.size * dy_pitch_));
        const Index copied = copied_square(kernels_.outputs, s_.out_channels);
        parallel_for(group.count, grain, simd::Scratch::bytes<float>(copied), [&](Index begin, Index end, void* scratch) {
            auto* const copy = static_cast<float*>(scratch);
            for (Index i = begin; i < end; ++i) {
                if (group.tasks.first == 0)
                    transform_pixels(tiles_[group.first + i], group.v + i * x_pitch_);
                for (Index t = 0; t < group.tasks.size; ++t)
                    transform_cotangent(group, i, t, with_bias, copy);
            }
        });
        for (Index t = 0; t < group.tasks.size && with_bias; ++t)
            sums_.add_bias(chunk, group.tasks.first + t, group.count, of_sums(group, t), dy_pitch_);
        // The last panel of the last tile reads lanes behind it, if filters of a group do not fill theirs: they hold no rubbish.
        for (Index i = 0; i < group.tasks.size * (numbers_ + 1) && s_.groups > 1; ++i)
            std::fill_n(group.d + i * dy_step_ + group.count * dy_pitch_, step_of(0), 0.0F);
    }

    void transform_pixels(const Tile& tile, float* to) const {
        const Pair padding = s_.window.padding;
        kernels_.pixels(s_.in_channels,
                        square_of_image(tile.y - padding.height, tile.x - padding.width, kernels_.points, s_.input, s_.in_channels,
                                        x_ + tile.image * s_.input_size()),
                        to, x_step_);
    }

    void transform_cotangent(const Group& group, Index i, Index t, bool with_sums, float* copy) const {
        const Tile tile = tiles_[group.first + i];
        const Index n = (group.tasks.first + t) * s_.batch + tile.image;
        kernels_.cotangents(s_.out_channels, square_of_cotangent(tile.y, tile.x, kernels_.outputs, s_, cotangent_, n, copy),
                            group.d + t * of_task() + i * dy_pitch_, dy_step_, with_sums ? of_sums(group, t) + i * dy_pitch_ : nullptr);
    }

    /// Some rows, channels of a group, of the product of tiles from `first` on with a block of filters, `add`ed to what is there.
    [[nodiscard]] simd::WinogradProducts products(const Group& tiles, Index first, Index task, Index group, const simd::Part& rows,
                                                  Index column, bool add) const {
        const Index depth = std::min(tiles_of_sum, tiles.count - first);
        return {.numbers = numbers_,
                .count = rows.size,
                .depth = depth,
                .chain = depth,
                .rows = tiles.v + first * x_pitch_ + group * s_.depth() + rows.first,
                .rows_step = x_step_,
                .row = 1,
                .column = x_pitch_,
                .panel = tiles.d + task * of_task() + first * dy_pitch_ + group * s_.filters() + column,
                .panel_step = dy_step_,
                .panel_row = dy_pitch_,
                .out = nullptr,
                .out_step = 0,
                .out_row = 0,
                .add = add || first > 0};
    }

    /// Sums the products of a number of the squares over the tiles of a group, `add`ed to what earlier groups gave.
    void multiply(const Group& tiles, Index number, Index task, Index chunk, bool add) const {
        for (Index group = 0; group < s_.groups; ++group)
            for (Index b = 0; b < columns_.blocks(); ++b) {
                const simd::ColumnBlock block = columns_[b];
                for (Index first = 0; first < tiles.count; first += tiles_of_sum) {
                    simd::WinogradProducts of_number = products(tiles, first, task, group, {0, s_.depth()}, block.column, add);
                    of_number.numbers = 1;
                    of_number.rows += number * x_step_;
                    of_number.panel += number * dy_step_;
                    of_number.out = sums_.weights(chunk, tiles.tasks.first + task) + number * step() + group * s_.depth() * row_ +
                                    block.column;
                    of_number.out_row = row_;
                    kernels_.products[block.vectors - 1](of_number);
                }
            }
    }

    static constexpr Index rows_at_once = 16, columns_at_once = 16;

    /// Calls `body(task, group, rows, part, scratch)` for pieces of the rows of all sums, on all threads; `grain(pieces)` of them are worth
    /// one.
    template <class Grain, class Body>
    void for_rows(Index parts, const Grain& grain, std::size_t bytes, const Body& body) const {
        const Index pieces = simd::ceil_div(s_.depth(), rows_at_once), all = tasks_ * s_.groups * pieces * parts;
        parallel_for(all, grain(all), bytes, [&](Index begin, Index end, void* scratch) {
            for (Index i = begin; i < end; ++i) {
                const Index first = i / parts % pieces * rows_at_once, group = i / parts / pieces;
                body(group / s_.groups, group % s_.groups, simd::Part{first, std::min(rows_at_once, s_.depth() - first)}, i % parts,
                     simd::Scratch{scratch});
            }
        });
    }

    /// The sums of all chunks, added up.
    void write_chunks(const Target<float>& dw) const {
        for_rows(
            simd::ceil_div(s_.filters(), columns_at_once),
            [&](Index) { return additions_at_once(chunks_ * numbers_ * rows_at_once * columns_at_once); },
            simd::Scratch::bytes<float>(turned_floats(columns_at_once)),
            [&](Index t, Index group, const simd::Part& rows, Index part, simd::Scratch scratch) {
                const Index column = part * columns_at_once, at = (group * s_.depth() + rows.first) * row_ + column;
                const Index width = std::min(columns_at_once, s_.filters() - column), padded = std::min(columns_at_once, row_ - column);
                for (Index number = 0; number < numbers_; ++number)
                    sums_.added_up(t, number * step() + at, rows.size, padded, row_);
                write_rows(dw, t, group, rows, {column, width, 0}, padded, sums_.weights(0, t) + at, row_, step(),
                           scratch.take<float>(turned_floats(padded)));
            });
    }

    /// Where all tiles are of one group, and sums would fill a cache: those of some rows and a block of columns at a time.
    void write_at_once(const Target<float>& dw, bool with_bias, simd::Scratch scratch) const {
        Group tiles = memory_of(scratch);
        tiles.count = tiles_.size();
        tiles.tasks = {0, tasks_};
        if (with_bias)
            sums_.clear_bias(0);
        transform(tiles, 0, with_bias);
        const Index most = simd::table().tile_vectors * simd::table().lanes, of_sums = numbers_ * step_of(rows_at_once * most);
        for_rows(
            columns_.blocks(), [&](Index pieces) { return products_at_once(pieces, numbers_ * tiles.count * rows_at_once * most); },
            simd::Scratch::bytes<float>(of_sums) + simd::Scratch::bytes<float>(turned_floats(most)),
            [&](Index t, Index group, const simd::Part& rows, Index b, simd::Scratch memory) {
                const simd::ColumnBlock block = columns_[b];
                auto* const sums = memory.take<float>(of_sums);
                const Index row = block.padded(), step_of_sums = step_of(rows_at_once * row);
                for (Index first = 0; first < tiles.count; first += tiles_of_sum) {
                    simd::WinogradProducts all = products(tiles, first, t, group, rows, block.column, false);
                    all.out = sums;
                    all.out_step = step_of_sums;
                    all.out_row = row;
                    kernels_.products[block.vectors - 1](all);
                }
                write_rows(dw, t, group, rows, block, row, sums, row, step_of_sums, memory.take<float>(turned_floats(row)));
            });
    }

    [[nodiscard]] Index turned_floats(Index row) const noexcept { return kernels_.taps * kernels_.taps * rows_at_once * row; }

    /// Sums transformed and turned over: (rows, columns), rows `sums_row` apart, becomes (filters, taps, taps, depth). `row` is the block's
    /// width in whole vectors.
    void write_rows(const Target<float>& dw, Index task, Index group, const simd::Part& rows, const simd::ColumnBlock& block, Index row,
                    const float* sums, Index sums_row, Index sums_step, float* turned) const {
        const Index taps = kernels_.taps * kernels_.taps, tap = rows_at_once * row;
        for (Index k = 0; k < rows.size; ++k)  // (taps, taps, rows, columns)
            kernels_.weight_gradients(row, sums + k * sums_row, sums_step, turned + k * row, kernels_.taps * tap, tap);
        float* const to = dw.row(task) + (group * s_.filters() + block.column) * s_.patch() + rows.first;
        for (Index i = 0; i < taps; ++i) {
            const float* const from = turned + i * tap;
            float* const of_tap = to + i * s_.depth();
            if (!dw.accumulate)
                simd::transpose(rows.size, block.width, from, row, of_tap, s_.patch());
            else
                for (Index f = 0; f < block.width; ++f)
                    for (Index r = 0; r < rows.size; ++r)
                        of_tap[f * s_.patch() + r] += from[r * row + f];
        }
    }

    const simd::WinogradTable& kernels_;
    const ConvShape& s_;
    Index tasks_;
    const float* x_;
    const ConvCotangent<float>& cotangent_;
    Tiles tiles_;
    simd::Columns columns_;
    Index row_;  ///< floats of a row of sums
    Index numbers_;  ///< of a square
    Index x_pitch_;  ///< floats of a transformed tile
    Index dy_pitch_;  ///< the same of the cotangent
    Index blocks_;  ///< of `tiles_of_sum` tiles
    Index chunks_;
    bool at_once_;
    Index group_;  ///< tiles that are transformed before they are multiplied
    Index tasks_at_once_;  ///< the same of cotangents
    Index x_step_;
    Index dy_step_;
    detail::ChunkSums sums_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::winograd
