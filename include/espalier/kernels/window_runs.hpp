// SPDX-License-Identifier: MIT
/// @file Which taps of a window lie in the image, for a whole run of pixels at once: what depthwise convolution and pooling
/// share. Taps outside are left out, so that no image needs a frame around it.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// Forwards a result is a window of the source; backwards it is a pixel, and its source the windows that hold it.
enum class Direction { forward, backward };

/// One side of the image: results `step` apart with the same taps inside are a run. Taps of a run are `tap_step` apart.
struct WindowAxis {
    struct Run {
        Index first;
        Index count;
        Index tap;  ///< the first one
        Index taps;
        Index source;  ///< of the first tap of the first result
    };
    Index step;
    Index source_step;      ///< from a result's source to that of the next result of its run
    Index tap_step;
    Index tap_source_step;  ///< from a tap's source to that of the next tap
    Index runs = 0;
    Index taps = 0;  ///< of all runs
    Buffer memory;

    ESPALIER_NOINLINE WindowAxis(Direction direction, Index results, Index sources, Index kernel, Index stride, Index padding,
                                 Index dilation)
        : step{1}, source_step{stride}, tap_step{1}, tap_source_step{dilation}, memory{static_cast<std::size_t>(results) * sizeof(Run)} {
        const bool backward = direction == Direction::backward;
        if (backward) {
            step = std::exchange(source_step, 1);
            tap_step = stride / std::gcd(stride, dilation);
            tap_source_step = -(dilation / std::gcd(stride, dilation));
        }
        for (Index phase = 0; phase < std::min(step, results); ++phase)
            for (Index i = phase; i < results; i += step) {
                Run run{i, 1, 0, 0, 0};
                for (Index k = 0; k < kernel; ++k) {
                    const Index at = backward ? i + padding - k * dilation : i * stride - padding + k * dilation;
                    if (at < 0 || at % step != 0 || at / step >= sources)
                        continue;
                    if (run.taps++ == 0) {
                        run.tap = k;
                        run.source = at / step;
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

/// The runs of an image: those of its rows, crossed once with those of its columns.
class WindowRuns {
public:
    /// Some rows of a run, with its first result at `to` and that one's first tap at `from` in the source.
    struct Piece {
        simd::WindowRun run;
        Index from;
        Index to;
        Index rows;

        /// Takes the longer side for that of the pixels: an edge of the image has few of them in a row, but many rows. The steps
        /// of the source's rows, and of the result's pixels and rows, follow.
        void turn(Index& source_row, Index& step, Index& row) noexcept {
            if (run.pixels >= rows)
                return;
            std::swap(run.pixels, rows);
            std::swap(run.step, source_row);
            std::swap(step, row);
        }
    };

    ESPALIER_NOINLINE WindowRuns(Direction direction, const Window& w, Pair result, Pair source, Index channels)
        : rows_{direction, result.height, source.height, w.kernel.height, w.stride.height, w.padding.height, w.dilation.height},
          columns_{direction, result.width, source.width, w.kernel.width, w.stride.width, w.padding.width, w.dilation.width},
          row_size_{source.width * channels},
          result_row_{result.width * channels},
          channels_{channels},
          memory_{static_cast<std::size_t>(rows_.taps * columns_.taps) * sizeof(simd::WindowTap)} {
        auto* tap = static_cast<simd::WindowTap*>(memory_.data());
        for (Index r = 0; r < rows_.runs; ++r)
            for (Index c = 0; c < columns_.runs; ++c)
                for (Index y = 0; y < rows_[r].taps; ++y)
                    for (Index x = 0; x < columns_[c].taps; ++x)
                        *tap++ = {y * rows_.tap_source_step * row_size_ + x * columns_.tap_source_step * channels,
                                  (rows_[r].tap + y * rows_.tap_step) * w.kernel.width + columns_[c].tap + x * columns_.tap_step};
    }

    [[nodiscard]] Index channels() const noexcept { return channels_; }
    [[nodiscard]] Index source_row() const noexcept { return rows_.source_step * row_size_; }  ///< from a row's source to the next one's
    [[nodiscard]] Index result_row() const noexcept { return rows_.step * result_row_; }       ///< from a row of results to the next
    [[nodiscard]] Index result_step() const noexcept { return columns_.step * channels_; }     ///< from a result to the next

    /// Calls `body(piece)` for pieces that cover the result's rows [first, last).
    template <class Body>
    void for_each(Index first, Index last, const Body& body) const {
        const auto* taps = static_cast<const simd::WindowTap*>(memory_.data());
        for (Index r = 0; r < rows_.runs; ++r)
            for (Index c = 0; c < columns_.runs; ++c) {
                const Piece piece = cut(r, c, first, last, taps);
                taps += piece.run.count;
                if (piece.rows > 0)
                    body(piece);
            }
    }

private:
    [[nodiscard]] ESPALIER_NOINLINE Piece cut(Index r, Index c, Index first, Index last, const simd::WindowTap* taps) const {
        const WindowAxis::Run& row = rows_[r];
        const WindowAxis::Run& column = columns_[c];
        const auto begin_at = [&](Index y) { return std::min(simd::ceil_div(std::max<Index>(y - row.first, 0), rows_.step), row.count); };
        const Index begin = begin_at(first);
        return {{taps, row.taps * column.taps, column.count, columns_.source_step * channels_, channels_},
                (row.source + begin * rows_.source_step) * row_size_ + column.source * channels_,
                (row.first + begin * rows_.step) * result_row_ + column.first * channels_,
                begin_at(last) - begin};
    }

    WindowAxis rows_;
    WindowAxis columns_;
    Index row_size_;
    Index result_row_;
    Index channels_;
    Buffer memory_;
};

/// Rows [first, last) of a result whose pixels are weighted sums over windows of `source`.
ESPALIER_NOINLINE inline void sum_windows(const WindowRuns& runs, Index first, Index last, const float* source,
                                          const simd::WindowWeights& weights, float* out) {
    constexpr Index block = 128;  // channels whose weights stay in cache
    for (Index column = 0; column < runs.channels(); column += block) {
        const float* const bias = weights.bias ? weights.bias + column : nullptr;
        const simd::WindowWeights mine{weights.weight + column, weights.pitch, bias, weights.relu};
        runs.for_each(first, last, [&](WindowRuns::Piece piece) {
            piece.run.channels = std::min(block, runs.channels() - column);
            Index x_row = runs.source_row();
            Index out_row = runs.result_row();
            Index out_step = runs.result_step();
            piece.turn(x_row, out_step, out_row);
            for (Index i = 0; i < piece.rows; ++i)
                simd::table().window_sums(piece.run, source + piece.from + i * x_row + column, mine, out + piece.to + i * out_row + column,
                                          out_step);
        });
    }
}

/// Images are cut into long strips of rows, whose windows share rows, and still enough for all threads.
struct Strips {
    Index rows;   ///< of a strip
    Index count;  ///< of an image

    Strips(Index images, Index height) noexcept
        : rows{std::max<Index>(simd::ceil_div(height, simd::ceil_div(16, std::max<Index>(images, 1))), 1)},
          count{simd::ceil_div(height, rows)} {}
};

/// All of some images, a window or pixel being the sum over `source`.
ESPALIER_NOINLINE inline void sum_windows(const WindowRuns& runs, Index images, Pair source_size, Pair size, const float* source,
                                          const simd::WindowWeights& weights, float* out) {
    const Strips strips{images, size.height};
    parallel_for(images * strips.count, 1, 0, [&](Index chunk, Index, void*) {
        const Index n = chunk / strips.count;
        const Index first = chunk % strips.count * strips.rows;
        sum_windows(runs, first, std::min(first + strips.rows, size.height),
                    source + n * source_size.height * source_size.width * runs.channels(), weights,
                    out + n * size.height * size.width * runs.channels());
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
