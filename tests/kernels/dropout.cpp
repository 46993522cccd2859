// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "kernels/sets.hpp"

#include <espalier/kernels/dropout.hpp>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

using namespace espalier;

TEST_CASE("the mask of dropout is that of the stream's numbers, draw by draw, with every instruction set", "[dropout]") {
    // Positions where a lane's number passes 2^32 or 2^64, and seeds and streams with all 64 bits.
    for (const std::uint64_t first :
         {std::uint64_t{0}, std::uint64_t{12345}, (std::uint64_t{1} << 32) - 5, (std::uint64_t{7} << 32) - 33, ~std::uint64_t{0} - 20})
        for (const double p : {1e-300, 0.1, 0.5, 0.7, 1 - 0x1p-53}) {
            const Random random{0x9E3779B97F4A7C15U + first, 0xD1B54A32D192ED03U, first};
            const auto bound = static_cast<std::uint64_t>(std::ceil(p * 0x1p53)) << 11;
            for (const Isa isa : testing::sets())
                for (const Index n : {1, 3, 16, 37, 100}) {
                    CAPTURE(first, p, isa_name(isa), n);
                    const std::vector<float> x(static_cast<std::size_t>(n), 3.0F);
                    std::vector<float> mask(x.size() + 1, 77), y = mask;
                    kernels::simd::kernels_of<kernels::Dropout>(isa).run(n, {random.seed(), random.stream(), first, bound, 1.25F}, x.data(),
                                                                         mask.data(), y.data());
                    for (std::size_t i = 0; i < x.size(); ++i) {
                        const bool dropped = Random::to_unit<double>(random.at(first + i)) < p;
                        REQUIRE(mask[i] == (dropped ? 0 : 1.25F));
                        REQUIRE(y[i] == 3 * mask[i]);
                    }
                    REQUIRE((mask.back() == 77 && y.back() == 77));
                }
        }
}

TEMPLATE_TEST_CASE("dropout takes one draw an element from the stream's position on, on all threads", "[dropout]", float, double) {
    const Index n = 2 * 32768 + 77;
    const Random random{5, 6, 1000};
    std::vector<TestType> x(static_cast<std::size_t>(n)), mask(x.size()), y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<TestType>(i);
    kernels::dropout<TestType>(n, random, 0.3, TestType(2), x.data(), mask.data(), y.data());
    std::size_t right = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        right += mask[i] == (Random::to_unit<double>(random.at(1000 + i)) < 0.3 ? TestType(0) : TestType(2)) && y[i] == x[i] * mask[i];
    CHECK(right == x.size());
}

TEST_CASE("a number at the bound itself is not dropped", "[dropout]") {
    const Random random{8};
    for (std::uint64_t i = 0; i < 50; ++i) {
        const double u = Random::to_unit<double>(random.at(i));
        const Random there{8, 0, i};
        for (const auto& [p, expected] : {std::pair{u, 2.0F}, std::pair{std::nextafter(u, 1.0), 0.0F}}) {
            const float x = 1;
            float mask = 0, y = 0;
            kernels::dropout<float>(1, there, p, 2.0F, &x, &mask, &y);
            REQUIRE(mask == expected);
        }
    }
}
