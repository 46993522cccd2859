// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/core/random.hpp>
#include <espalier/kernels/conv_phases.hpp>

#include <map>
#include <utility>
#include <vector>

using namespace espalier;
using kernels::ConvShape;
using kernels::Window;

using kernels::detail::Phases;

TEST_CASE("a phase's first pixel is the first that the padding and the stride give it", "[conv_phases]") {
    for (Index stride = 1; stride < 5; ++stride)
        for (Index padding = 0; padding < 6; ++padding)
            for (Index phase = 0; phase < stride; ++phase)
                for (Index from = 0; from < 7; ++from) {
                    Index expected = from;
                    while ((expected + padding) % stride != phase)
                        ++expected;
                    CHECK(Phases::first_pixel(from, phase, padding, stride) == expected);
                }
}

TEST_CASE("the pixels of a phase have its taps and no other, with their windows at its offsets", "[conv_phases]") {
    Random random{1};
    const auto pair = [&](Index low, Index count) {
        const Index height = low + random.below(count);
        return Pair{height, low + random.below(count)};
    };
    for (int round = 0; round < 100; ++round) {
        const Window w{pair(1, 5), pair(1, 4), pair(0, 4), pair(1, 3)};
        const Index filters = 1 + random.below(3);
        const ConvShape s{1, 30, w.output("test", 30), 1, filters, 1, w};
        constexpr Index row_size = 1000;
        const Phases phases{s, row_size};
        CAPTURE(w.kernel, w.stride, w.padding, w.dilation, filters);
        std::vector<int> times(static_cast<std::size_t>(w.taps()));
        for (Index place = 0; place < w.taps(); ++place)
            ++times.at(static_cast<std::size_t>(phases.tap(place)));
        CHECK(times == std::vector<int>(times.size(), 1));
        for (Index y = 12; y < 12 + w.stride.height; ++y)  // where no edge is near
            for (Index x = 12; x < 12 + w.stride.width; ++x) {
                // Each tap that reaches the pixel, and the window through which it does.
                std::map<Index, std::pair<Index, Index>> expected;
                for (Index tap = 0; tap < w.taps(); ++tap) {
                    const Index oy = y + w.padding.height - tap / w.kernel.width * w.dilation.height;
                    const Index ox = x + w.padding.width - tap % w.kernel.width * w.dilation.width;
                    if (oy % w.stride.height == 0 && ox % w.stride.width == 0)
                        expected[tap] = {oy / w.stride.height, ox / w.stride.width};
                }
                const auto& phase = phases.at({(y + w.padding.height) % w.stride.height, (x + w.padding.width) % w.stride.width});
                REQUIRE(phase.taps == static_cast<Index>(expected.size()));
                if (expected.empty())
                    continue;
                const auto [first_tap, first_window] = *expected.begin();
                CHECK(phase.tap == Pair{first_tap / w.kernel.width, first_tap % w.kernel.width});
                const std::int32_t* const offsets = phases.offsets(phase, filters);
                for (Index i = 0; i < phase.taps; ++i) {
                    const auto& window = expected.at(phases.tap(phase.first + i));
                    for (Index f = 0; f < filters; ++f)
                        CHECK(offsets[i * filters + f] ==
                              (window.first - first_window.first) * row_size + (window.second - first_window.second) * filters + f);
                }
            }
    }
}
