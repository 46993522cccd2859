// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/conv_panels.hpp>

#include <algorithm>
#include <vector>

using namespace espalier;

TEST_CASE("panels lie side by side, group by group, and each piece of their rows is packed once", "[conv_panels]") {
    constexpr Index groups = 3, depth = 6, pieces = 2;
    for (const Index n : {1, 20, 100}) {
        const kernels::simd::Columns columns{n, 2};
        const kernels::detail::WeightPanels panels{groups, depth, columns};
        const Index size = groups * depth * columns.padded();
        float* const begin = panels(0, columns[0]);
        std::fill_n(begin, size, -1.0F);
        std::vector<int> times(static_cast<std::size_t>(groups * columns.blocks() * pieces));
        panels.fill(pieces, [&](Index group, const kernels::simd::ColumnBlock& block, Index piece, float* to) {
            Index b = 0;
            while (columns[b].column != block.column)
                ++b;
            ++times[static_cast<std::size_t>((group * columns.blocks() + b) * pieces + piece)];
            std::fill_n(to, depth / pieces * block.padded(), static_cast<float>((group * columns.blocks() + b) * pieces + piece));
        });
        CHECK(std::all_of(times.begin(), times.end(), [](int count) { return count == 1; }));
        CHECK(std::is_sorted(begin, begin + size));  // one behind the other, without a gap
        CHECK(begin[0] == 0);
        CHECK(begin[size - 1] == static_cast<float>(times.size() - 1));
        for (Index group = 0; group < groups; ++group)
            for (Index b = 0; b < columns.blocks(); ++b)
                CHECK(panels(group, columns[b])[0] == static_cast<float>((group * columns.blocks() + b) * pieces));
    }
}
