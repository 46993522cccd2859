// SPDX-License-Identifier: MIT
/// @file Which taps of a window lie in the image, for a whole run of pixels at once: what depthwise convolution and pooling
/// share. Taps outside are left out, so that no image needs a frame around it.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/strip_plan.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// Forwards a result is a window of the source; backwards it is a pixel, and its source the windows that hold it.
enum class Direction { forward, backward };

/// One side of an image. Results with the same taps inside, as far apart as is said below, make a run. A kernel of 3 with padding 1 over
/// 6 pixels, forwards with stride 1:
///
///     result           0 | 1   2   3   4 | 5
///     taps inside     12 | 012 012 012 012 | 01         three runs
///     first source     0 | 0   1   2   3 | 4
///
/// and backwards with stride 2, where results are the 6 pixels and sources the 3 windows. Every second pixel has the same taps, if
/// their windows are there (pixel + padding - k = 2 window, so that of two taps 2 apart the windows are neighbours, downwards):
///
///     result           0   2   4 | 1   3 | 5
///     taps inside      1   1   1 | 02  02 | 2          three runs
///     first source     0   1   2 | 1   2 | 2
struct WindowAxis {
    struct Run {
        Index first;   ///< result
        Index count;   ///< of results
        Index tap;     ///< the first one inside
        Index taps;    ///< inside
        Index source;  ///< that the first tap of the first result lies at
    };
    Index result_step;             ///< from a result to the next of its run
    Index source_step_of_result;   ///< and from its source to that one's
    Index tap_step;                ///< from a tap to the next one inside
    Index source_step_of_tap;      ///< and from its source to that one's
    Index runs = 0;
    Index taps = 0;  ///< of all runs
    Buffer memory;

    ESPALIER_NOINLINE WindowAxis(Direction direction, Index results, Index sources, Index kernel, Index stride, Index padding,
                                 Index dilation)
        : result_step{1},
          source_step_of_result{stride},
          tap_step{1},
          source_step_of_tap{dilation},
          memory{static_cast<std::size_t>(results) * sizeof(Run)} {
        const bool backward = direction == Direction::backward;
        if (backward) {
            result_step = std::exchange(source_step_of_result, 1);
            tap_step = stride / std::gcd(stride, dilation);
            source_step_of_tap = -(dilation / std::gcd(stride, dilation));
        }
        for (Index phase = 0; phase < std::min(result_step, results); ++phase)
            for (Index i = phase; i < results; i += result_step) {
                Run run{i, 1, 0, 0, 0};
                for (Index k = 0; k < kernel; ++k) {
                    const Index at = backward ? i + padding - k * dilation : i * stride - padding + k * dilation;
                    if (at < 0 || at % result_step != 0 || at / result_step >= sources)
                        continue;
                    if (run.taps++ == 0) {
                        run.tap = k;
                        run.source = at / result_step;
                    }
                }
                if (i > phase && (*this)[runs - 1].tap == run.tap && (*this)[runs - 1].taps == run.taps) {
                    ++(*this)[runs - 1].count;
                } else {
                    (*this)[runs++] = run;
                    taps += run.taps;
                }
            }
    }

    [[nodiscard]] Run& operator[](Index i) const noexcept { return static_cast<Run*>(memory.data())[i]; }
};

/// The runs of an image: those of its rows, crossed once with those of its columns. With padding 1 and a kernel of 3x3 these are its
/// four corners, its four edges, and all the rest.
class WindowRuns {
public:
    /// Rows of a run, as rectangles of results and of their sources: row r begins at `to + r * to_row` in the result, and its first
    /// tap lies at `from + r * from_row`. Within a row results are `to_step` apart, and their sources `run.step`.
    struct Piece {
        simd::WindowRun run;
        Index rows;
        Index from;
        Index from_row;
        Index to;
        Index to_row;
        Index to_step;

        /// Takes the longer side for that of the pixels: an edge of the image has few of them in a row, but many rows.
        void turn() noexcept {
            if (run.pixels >= rows)
                return;
            std::swap(run.pixels, rows);
            std::swap(run.step, from_row);
            std::swap(to_step, to_row);
        }
    };

    ESPALIER_NOINLINE WindowRuns(Direction direction, const Window& w, Pair result, Pair source, Index channels)
        : rows_{direction, result.height, source.height, w.kernel.height, w.stride.height, w.padding.height, w.dilation.height},
          columns_{direction, result.width, source.width, w.kernel.width, w.stride.width, w.padding.width, w.dilation.width},
          source_row_{source.width * channels},
          result_row_{result.width * channels},
          channels_{channels},
          memory_{static_cast<std::size_t>(rows_.taps * columns_.taps) * sizeof(simd::WindowTap)} {
        auto* tap = static_cast<simd::WindowTap*>(memory_.data());
        for (Index r = 0; r < rows_.runs; ++r)
            for (Index c = 0; c < columns_.runs; ++c)
                for (Index y = 0; y < rows_[r].taps; ++y)
                    for (Index x = 0; x < columns_[c].taps; ++x)
                        *tap++ = {y * rows_.source_step_of_tap * source_row_ + x * columns_.source_step_of_tap * channels,
                                  (rows_[r].tap + y * rows_.tap_step) * w.kernel.width + columns_[c].tap + x * columns_.tap_step};
    }

    [[nodiscard]] Index channels() const noexcept { return channels_; }
    [[nodiscard]] Index result_row() const noexcept { return result_row_; }  ///< floats of a row of the result

    /// Calls `body(piece)` for pieces that cover the result's rows [first, last).
    template <class Body>
    void for_each(Index first, Index last, const Body& body) const {
        const auto* taps = static_cast<const simd::WindowTap*>(memory_.data());
        for (Index r = 0; r < rows_.runs; ++r)
            for (Index c = 0; c < columns_.runs; ++c) {
                const Piece piece = cut(rows_[r], columns_[c], first, last, taps);
                taps += piece.run.count;
                if (piece.rows > 0)
                    body(piece);
            }
    }

private:
    /// Of the run of rows `row` those in [first, last), with the run of columns `column`.
    [[nodiscard]] ESPALIER_NOINLINE Piece cut(const WindowAxis::Run& row, const WindowAxis::Run& column, Index first, Index last,
                                              const simd::WindowTap* taps) const {
        const auto results_before = [&](Index y) {
            return std::min(simd::ceil_div(std::max<Index>(y - row.first, 0), rows_.result_step), row.count);
        };
        const Index begin = results_before(first);
        return {.run = {taps, row.taps * column.taps, column.count, columns_.source_step_of_result * channels_, channels_},
                .rows = results_before(last) - begin,
                .from = (row.source + begin * rows_.source_step_of_result) * source_row_ + column.source * channels_,
                .from_row = rows_.source_step_of_result * source_row_,
                .to = (row.first + begin * rows_.result_step) * result_row_ + column.first * channels_,
                .to_row = rows_.result_step * result_row_,
                .to_step = columns_.result_step * channels_};
    }

    WindowAxis rows_;
    WindowAxis columns_;
    Index source_row_;  ///< floats of a row
    Index result_row_;
    Index channels_;
    Buffer memory_;
};

/// Rows [first, last) of a result whose pixels are weighted sums over windows of `source`.
ESPALIER_NOINLINE inline void sum_rows(const WindowRuns& runs, Index first, Index last, const float* source,
                                       const simd::WindowWeights& weights, float* out) {
    constexpr Index block = 128;  // channels whose weights stay in cache
    for (Index column = 0; column < runs.channels(); column += block) {
        const float* const bias = weights.bias ? weights.bias + column : nullptr;
        const simd::WindowWeights mine{weights.weight + column, weights.pitch, bias, weights.relu};
        runs.for_each(first, last, [&](WindowRuns::Piece piece) {
            piece.run.channels = std::min(block, runs.channels() - column);
            piece.turn();
            for (Index i = 0; i < piece.rows; ++i)
                simd::table().window_sums(piece.run, source + piece.from + i * piece.from_row + column, mine,
                                          out + piece.to + i * piece.to_row + column, piece.to_step);
        });
    }
}

/// All of some images.
ESPALIER_NOINLINE inline void sum_images(const WindowRuns& runs, Index images, Pair source_size, Pair size, const float* source,
                                         const simd::WindowWeights& weights, float* out) {
    long_strips(images, size.height).for_each(1, 0, [&](const Strip& strip, Index, void*) {
        sum_rows(runs, strip.first, strip.end(), source + strip.image * source_size.height * source_size.width * runs.channels(), weights,
                 out + strip.image * size.height * size.width * runs.channels());
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
