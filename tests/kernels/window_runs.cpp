// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/core/random.hpp>
#include <espalier/kernels/window_runs.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

using namespace espalier;
using kernels::Window;

using kernels::detail::Direction;
using kernels::detail::WindowRuns;

TEST_CASE("runs have every tap inside the image once, in the order of the window, and no other", "[window]") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Random random{seed};
        const auto pair = [&](Index low, Index count) {
            const Index height = low + random.below(count);
            return Pair{height, low + random.below(count)};
        };
        const Window w{pair(1, 5), pair(1, 4), pair(0, 5), pair(1, 4)};
        const Pair more = pair(1, 8);
        const Pair image{more.height + (w.kernel.height - 1) * w.dilation.height, more.width + (w.kernel.width - 1) * w.dilation.width};
        const Pair windows = w.output("test", image);
        const Index channels = 3;
        CAPTURE(seed, image, windows, w.kernel, w.stride, w.padding, w.dilation);
        for (const auto direction : {Direction::forward, Direction::backward}) {
            const bool forward = direction == Direction::forward;
            const Pair result = forward ? windows : image;
            const Pair source = forward ? image : windows;
            // (result, tap) and the source they meet at
            std::map<std::pair<Index, Index>, Index> expected;
            for (Index oy = 0; oy < windows.height; ++oy)
                for (Index ox = 0; ox < windows.width; ++ox)
                    for (Index k = 0; k < w.taps(); ++k) {
                        const Index y = oy * w.stride.height - w.padding.height + k / w.kernel.width * w.dilation.height;
                        const Index x = ox * w.stride.width - w.padding.width + k % w.kernel.width * w.dilation.width;
                        if (y < 0 || y >= image.height || x < 0 || x >= image.width)
                            continue;
                        const Index window = (oy * windows.width + ox) * channels;
                        const Index pixel = (y * image.width + x) * channels;
                        expected[{forward ? window : pixel, k}] = forward ? pixel : window;
                    }
            const WindowRuns runs{direction, w, result, source, channels};
            std::map<std::pair<Index, Index>, Index> actual;
            std::vector<int> times(static_cast<std::size_t>(result.height * result.width));
            const Index strip = 1 + random.below(result.height);
            for (Index first = 0; first < result.height; first += strip)
                runs.for_each(first, std::min(first + strip, result.height), [&](WindowRuns::Piece piece) {
                    if (random.below(2)) {  // the same pixels, seen the other way round
                        const Index longer = std::max(piece.rows, piece.run.pixels);
                        piece.turn();
                        REQUIRE(piece.run.pixels == longer);
                    }
                    for (Index r = 0; r < piece.rows; ++r)
                        for (Index p = 0; p < piece.run.pixels; ++p) {
                            const Index to = piece.to + r * piece.to_row + p * piece.to_step;
                            REQUIRE(to / channels / result.width >= first);
                            REQUIRE(to / channels / result.width < first + strip);
                            ++times.at(static_cast<std::size_t>(to / channels));
                            for (Index t = 0; t < piece.run.count; ++t) {
                                const auto& tap = piece.run.taps[t];
                                REQUIRE((t == 0 || tap.position > piece.run.taps[t - 1].position));
                                actual[{to, tap.position}] = piece.from + r * piece.from_row + p * piece.run.step + tap.offset;
                            }
                        }
                });
            CHECK(actual == expected);
            CHECK(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
        }
    }
}
