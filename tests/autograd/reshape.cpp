// SPDX-License-Identifier: MIT
/// @file Joining and cutting of runs of any length: short ones, and such as are moved in pieces.
#include "catch.hpp"

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>

#include <array>
#include <span>
#include <vector>

using namespace espalier;

TEMPLATE_TEST_CASE("cat and narrow are each other's inverse for runs of any length", "[reshape]", float, double) {
    using S = TestType;
    Random random{5};
    for (const auto& [outer, inner] :
         {std::array<Index, 2>{1, 20'000}, {1, 8193}, {3, 8192}, {2, 9000}, {700, 5}, {40, 300}, {3, 1}, {0, 4}}) {
        CAPTURE(outer, inner);
        const std::vector<Index> sizes{2, 1, 0, 3};
        std::vector<Variable<S>> parts;
        for (const Index size : sizes)
            parts.emplace_back(Tensor<S>::normal({outer, size, inner}, random), true);
        const auto joined = autograd::cat<S>(parts, 1);
        REQUIRE(joined.shape() == Shape{outer, 6, inner});
        const auto weight = Tensor<S>::normal(joined.shape(), random);
        Index start = 0;
        for (std::size_t i = 0; i < sizes.size(); start += sizes[i++])
            REQUIRE(autograd::narrow(joined, 1, start, sizes[i]).value() == parts[i].value());

        // What comes back to a part is what comes back to its place, once from the product and once more from each cut.
        auto total = autograd::sum(joined * Variable<S>{weight});
        total = total + autograd::sum(autograd::narrow(joined, 1, 1, 3)) + autograd::sum(autograd::narrow(joined, 1, 3, 3));
        total.backward();
        start = 0;
        for (std::size_t i = 0; i < sizes.size(); start += sizes[i++]) {
            if (parts[i].numel() == 0)
                continue;
            const Tensor<S>& gradient = parts[i].grad();
            for (Index o = 0; o < outer; ++o)
                for (Index e = 0; e < sizes[i]; ++e)
                    for (Index j = 0; j < inner; ++j) {
                        const Index place = start + e;
                        const S cuts = static_cast<S>((place >= 1 && place < 4) + (place >= 3 ? 1 : 0));
                        REQUIRE(gradient[(o * sizes[i] + e) * inner + j] ==
                                Approx(weight[(o * 6 + place) * inner + j] + cuts).margin(1e-6));
                    }
        }
    }
}
