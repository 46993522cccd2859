// SPDX-License-Identifier: MIT
/// @file Which taps of a window lie in the image, for a whole run of pixels at once: what depthwise convolution and pooling
/// share. Taps outside are left out, so that no image needs a frame around it.
#pragma once

#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/window.hpp>

#if ESPALIER_SIMD
#include <algorithm>
#include <vector>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// Forwards a result is a window of the source; backwards it is a pixel, and its source the windows that hold it.
enum class Direction { forward, backward };

/// One side of the image. Results `step` apart with the same taps inside are a run; their sources are `source_step` apart.
struct WindowAxis {
    struct Tap {
        Index tap;
        Index source;  ///< of the first result
    };
    struct Run {
        Index first;
        Index count;
        Index taps;  ///< place of the first one in `taps`
        Index tap_count;
    };
    Index step;
    Index source_step;
    std::vector<Run> runs;
    std::vector<Tap> taps;

    WindowAxis(Direction direction, Index results, Index sources, Index kernel, Index stride, Index padding, Index dilation)
        : step{direction == Direction::forward ? 1 : stride}, source_step{direction == Direction::forward ? stride : 1} {
        for (Index phase = 0; phase < step; ++phase)
            for (Index i = phase; i < results; i += step) {
                const auto place = static_cast<Index>(taps.size());
                for (Index k = 0; k < kernel; ++k) {
                    const Index at = direction == Direction::forward ? i * stride + k * dilation - padding : i + padding - k * dilation;
                    if (at >= 0 && at % step == 0 && at / step < sources)
                        taps.push_back({k, at / step});
                }
                const Index count = static_cast<Index>(taps.size()) - place;
                const auto same = [](const Tap& a, const Tap& b) { return a.tap == b.tap; };
                if (i > phase && runs.back().tap_count == count &&
                    std::equal(taps.begin() + place, taps.end(), taps.begin() + runs.back().taps, same)) {
                    ++runs.back().count;
                    taps.resize(static_cast<std::size_t>(place));
                } else {
                    runs.push_back({i, 1, place, count});
                }
            }
    }
};

/// The runs of an image. Rows of runs and columns of runs are crossed once, before the threads start.
class WindowRuns {
public:
    WindowRuns(Direction direction, const Window& w, Pair result, Pair source, Index channels)
        : rows_{direction, result.height, source.height, w.kernel.height, w.stride.height, w.padding.height, w.dilation.height},
          columns_{direction, result.width, source.width, w.kernel.width, w.stride.width, w.padding.width, w.dilation.width},
          row_size_{source.width * channels},
          result_row_{result.width * channels},
          channels_{channels} {
        for (const auto& row : rows_.runs)
            for (const auto& column : columns_.runs) {
                const auto place = taps_.size();
                Index origin = 0;
                for (Index y = row.taps; y < row.taps + row.tap_count; ++y)
                    for (Index x = column.taps; x < column.taps + column.tap_count; ++x) {
                        const auto& [ky, from_y] = rows_.taps[static_cast<std::size_t>(y)];
                        const auto& [kx, from_x] = columns_.taps[static_cast<std::size_t>(x)];
                        const Index offset = from_y * row_size_ + from_x * channels;
                        if (taps_.size() == place)
                            origin = offset;
                        taps_.push_back({offset - origin, ky * w.kernel.width + kx});
                    }
                crossed_.push_back({place, static_cast<Index>(taps_.size() - place), origin});
            }
    }

    [[nodiscard]] Index channels() const noexcept { return channels_; }
    [[nodiscard]] Index source_row() const noexcept { return rows_.source_step * row_size_; }  ///< from a row's source to the next one's
    [[nodiscard]] Index step() const noexcept { return columns_.step * channels_; }            ///< from a result to the next

    [[nodiscard]] Index result_row() const noexcept { return rows_.step * result_row_; }       ///< from a row of results to the next

    /// Calls `body(run, from, to, rows)` for runs that cover the result's rows [first, last), up to `together` rows at a time:
    /// their first result is at `to`, and its first tap at `from` in the source.
    template <class Body>
    void for_each(Index first, Index last, Index together, const Body& body) const {
        const auto up = [&](Index to) { return std::max<Index>(simd::ceil_div(to, rows_.step), 0); };
        auto crossed = crossed_.begin();
        for (const auto& row : rows_.runs) {
            const Index end = std::min(row.count, last > row.first ? up(last - row.first) : 0);
            for (Index i = first > row.first ? up(first - row.first) : 0; i < end; i += together)
                for (std::size_t c = 0; c < columns_.runs.size(); ++c) {
                    const Crossed& cross = crossed[static_cast<std::ptrdiff_t>(c)];
                    const simd::WindowRun run{taps_.data() + cross.taps, cross.count, columns_.runs[c].count,
                                              columns_.source_step * channels_, channels_};
                    body(run, cross.origin + i * source_row(),
                         (row.first + i * rows_.step) * result_row_ + columns_.runs[c].first * channels_, std::min(together, end - i));
                }
            crossed += static_cast<std::ptrdiff_t>(columns_.runs.size());
        }
    }

private:
    struct Crossed {
        std::size_t taps;
        Index count;
        Index origin;
    };
    WindowAxis rows_;
    WindowAxis columns_;
    Index row_size_;
    Index result_row_;
    Index channels_;
    std::vector<simd::WindowTap> taps_;
    std::vector<Crossed> crossed_;
};

/// Rows [first, last) of a result whose pixels are weighted sums over windows of `source`.
inline void sum_windows(const WindowRuns& runs, Index first, Index last, const float* source, const simd::WindowWeights& weights, float* out) {
    // Channels whose weights stay in cache.
    constexpr Index block = 128;
    for (Index column = 0; column < runs.channels(); column += block) {
        const Index width = std::min(block, runs.channels() - column);
        const simd::WindowWeights mine{weights.weight + column, weights.pitch, weights.bias ? weights.bias + column : nullptr, weights.relu};
        runs.for_each(first, last, last - first, [&](simd::WindowRun run, Index from, Index to, Index rows) {
            run.channels = width;
            // Along the longer side of the run: an edge of the image has few pixels in a row, but many rows.
            Index across = rows, x_across = runs.source_row(), out_across = runs.result_row(), out_step = runs.step();
            if (run.pixels < rows) {
                std::swap(run.pixels, across);
                std::swap(run.step, x_across);
                std::swap(out_step, out_across);
            }
            for (Index i = 0; i < across; ++i)
                simd::table().window_sums(run, source + from + i * x_across + column, mine, out + to + i * out_across + column, out_step);
        });
    }
}

/// Rows of the strips that images are cut into: long ones, whose windows share rows, and still one for every thread.
[[nodiscard]] constexpr Index strip_rows(Index images, Index rows) noexcept {
    return std::max<Index>(simd::ceil_div(rows, simd::ceil_div(32, std::max<Index>(images, 1))), 1);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
#endif
