// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/solvers/arrays.hpp>

#include "catch.hpp"

#include <vector>

using namespace espalier::mtl;

TEST_CASE("sums over short arrays are those of their elements") {
    for (std::size_t size = 0; size < 20; ++size) {
        std::vector<double> a(size), b(size);
        double expected = 0;
        for (std::size_t i = 0; i < size; ++i) {
            a[i] = static_cast<double>(i) + 1;
            b[i] = 2 - static_cast<double>(i * i);
            expected += a[i] * b[i];
        }
        CHECK(solvers::dot(a.data(), b.data(), size) == expected);
        const std::vector<float> single(a.begin(), a.end());
        CHECK(solvers::dot(single.data(), b.data(), size) == expected);
        auto sum = b;
        solvers::add_scaled(3, a.data(), sum.data(), size);
        for (std::size_t i = 0; i < size; ++i)
            CHECK(sum[i] == b[i] + 3 * a[i]);
    }
}
