// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/elementwise.hpp>

#include <numeric>
#include <vector>

using namespace espalier;

TEST_CASE("every index is met once, for sizes around the grain", "[elementwise]") {
    for (const Index n : {Index{0}, Index{1}, Index{8191}, Index{8192}, Index{8193}, Index{150'000}, Index{3 * 32768 + 5}}) {
        CAPTURE(n);
        std::vector<int> met(static_cast<std::size_t>(n));
        kernels::for_each_index(n, [&](Index i) { ++met[static_cast<std::size_t>(i)]; });
        CHECK(met == std::vector<int>(static_cast<std::size_t>(n), 1));

        std::vector<float> x(static_cast<std::size_t>(n));
        std::iota(x.begin(), x.end(), 0.0f);
        std::vector<double> y(x.size());
        kernels::map(n, x.data(), y.data(), [](float v) { return 2.0 * static_cast<double>(v); });
        std::vector<float> z(x.size(), 1.0f);
        kernels::accumulate(n, x.data(), z.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
            REQUIRE(y[i] == 2.0 * static_cast<double>(i));
            REQUIRE(z[i] == static_cast<float>(i) + 1);
        }
    }
}

TEST_CASE("accumulate adds at any alignment", "[elementwise]") {
    std::vector<double> from(40);
    std::iota(from.begin(), from.end(), 0.0);
    for (std::size_t shift = 0; shift < 8; ++shift) {
        std::vector<double> to(40, 1);
        kernels::accumulate(20, from.data() + shift, to.data() + 3);
        for (std::size_t i = 0; i < to.size(); ++i)
            CHECK(to[i] == (i >= 3 && i < 23 ? 1 + static_cast<double>(i - 3 + shift) : 1));
    }
}

TEMPLATE_TEST_CASE("a row is added to each", "[elementwise]", float, double) {
    for (const Index columns : {Index{1}, Index{19}}) {
        std::vector<TestType> row(static_cast<std::size_t>(columns)), y(3 * row.size(), 1);
        std::iota(row.begin(), row.end(), TestType(0));
        kernels::add_to_each_row(Index{3}, columns, row.data(), y.data());
        for (std::size_t i = 0; i < y.size(); ++i)
            CHECK(y[i] == 1 + row[i % row.size()]);
    }
}
