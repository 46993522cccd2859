// SPDX-License-Identifier: MIT
#include <espalier/core/random.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

using namespace espalier;

TEST_CASE("Philox gives the known answers of its authors", "[core][random]") {
    using Block = std::array<std::uint32_t, 4>;
    CHECK(Random::philox(0, {0, 0, 0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    const std::uint32_t ones = 0xffffffff;
    CHECK(Random::philox(~std::uint64_t{0}, {ones, ones, ones, ones}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(Random::philox(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}) ==
          Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a draw depends on seed, stream and position alone", "[core][random]") {
    Random random{3, 4};
    std::vector<std::uint64_t> draws;
    for (int i = 0; i < 10; ++i)
        draws.push_back(random.next());
    CHECK(random.position() == 10);
    CHECK(Random{3, 4}.at(7) == draws[7]);
    Random resumed{3, 4, 5};
    CHECK(resumed.next() == draws[5]);
    resumed.skip(2);
    CHECK(resumed.next() == draws[8]);
    CHECK(Random{3, 5}.at(7) != draws[7]);
    CHECK(Random{4, 4}.at(7) != draws[7]);
    CHECK((random.seed() == 3 && random.stream() == 4));
}

TEST_CASE("the ends of the unit interval: 0 is reached, 1 is not", "[core][random]") {
    CHECK(Random::to_unit<float>(0) == 0.0f);
    CHECK(Random::to_unit<double>(0) == 0.0);
    CHECK(Random::to_unit<float>(~std::uint64_t{0}) < 1.0f);
    CHECK(Random::to_unit<double>(~std::uint64_t{0}) < 1.0);
}

TEMPLATE_TEST_CASE("uniform numbers have the mean and the variance they should", "[core][random]", float, double) {
    Random random{1};
    const int n = 100000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < n; ++i) {
        const auto value = random.uniform<TestType>(TestType(-1), TestType(3));
        REQUIRE((value >= -1 && value < 3));
        sum += static_cast<double>(value);
        squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const double mean = sum / n;
    CHECK(mean == Approx(1.0).margin(0.02));
    CHECK(squares / n - mean * mean == Approx(16.0 / 12).epsilon(0.02));
}

TEMPLATE_TEST_CASE("normal numbers have the moments and the tails they should", "[core][random]", float, double) {
    Random random{2};
    const int n = 200000;
    std::array<double, 5> moment{};
    int beyond_two = 0;
    for (int i = 0; i < n; ++i) {
        const auto value = static_cast<double>(random.normal<TestType>());
        REQUIRE(std::isfinite(value));
        beyond_two += std::abs(value) > 2;
        for (int power = 1; power < 5; ++power)
            moment[static_cast<std::size_t>(power)] += std::pow(value, power) / n;
    }
    CHECK(random.position() == 2 * n);
    CHECK(moment[1] == Approx(0.0).margin(0.01));
    CHECK(moment[2] == Approx(1.0).margin(0.02));
    CHECK(moment[3] == Approx(0.0).margin(0.04));
    CHECK(moment[4] == Approx(3.0).margin(0.1));
    CHECK(beyond_two / double(n) == Approx(0.0455).margin(0.003));
}

TEMPLATE_TEST_CASE("gamma numbers have the moments of their shape", "[core][random]", float, double) {
    for (const double shape : {0.3, 1.0, 2.5, 40.0}) {
        CAPTURE(shape);
        Random random{3};
        const int n = 200000;
        std::array<double, 4> moment{};
        for (int i = 0; i < n; ++i) {
            const auto value = static_cast<double>(random.gamma<TestType>(shape));
            REQUIRE((value >= 0 && std::isfinite(value)));
            for (int power = 1; power < 4; ++power)
                moment[static_cast<std::size_t>(power)] += std::pow(value, power) / n;
        }
        CHECK(moment[1] == Approx(shape).epsilon(0.02));
        CHECK(moment[2] == Approx(shape * (shape + 1)).epsilon(0.03));
        CHECK(moment[3] == Approx(shape * (shape + 1) * (shape + 2)).epsilon(0.06));
    }
}

TEST_CASE("gamma of shape 1 is the exponential distribution", "[core][random]") {
    Random random{4};
    std::array<int, 3> beyond{};  // 0.5, 1, 3
    for (int i = 0; i < 100000; ++i) {
        const double value = random.gamma(1);
        beyond[0] += value > 0.5;
        beyond[1] += value > 1;
        beyond[2] += value > 3;
    }
    CHECK(beyond[0] / 1e5 == Approx(std::exp(-0.5)).margin(0.006));
    CHECK(beyond[1] / 1e5 == Approx(std::exp(-1.0)).margin(0.006));
    CHECK(beyond[2] / 1e5 == Approx(std::exp(-3.0)).margin(0.003));
    CHECK(Random{4}.gamma(1) == Random{4}.gamma(1));

    CHECK_THROWS_WITH(random.gamma(0), "[gamma] expected a finite shape above 0, got 0");
    CHECK_THROWS_AS(random.gamma(-1), ValueError);
    CHECK_THROWS_AS(random.gamma(INFINITY), ValueError);
    CHECK_THROWS_AS(random.gamma(NAN), ValueError);
}

TEST_CASE("below is uniform over [0, n)", "[core][random]") {
    Random random{5};
    std::array<int, 6> counts{};
    for (int i = 0; i < 60000; ++i)
        ++counts.at(static_cast<std::size_t>(random.below(6)));
    for (const int count : counts)
        CHECK(count == Approx(10000).margin(500));
    CHECK(random.below(1) == 0);
    CHECK_THROWS_WITH(random.below(0), "[random] expected an upper bound above 0, got 0");
    CHECK_THROWS_AS(random.below(-3), ValueError);
}

TEST_CASE("a permutation holds each index once, and every order is as likely", "[core][random]") {
    Random random{6};
    auto order = random.permutation(1000);
    CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
    CHECK(order == Random{6}.permutation(1000));
    CHECK(order != Random{7}.permutation(1000));
    CHECK(std::set<Index>(order.begin(), order.end()).size() == 1000);
    CHECK((*std::min_element(order.begin(), order.end()) == 0 && *std::max_element(order.begin(), order.end()) == 999));

    std::array<int, 27> seen{};
    for (int i = 0; i < 12000; ++i) {
        const auto p = random.permutation(3);
        ++seen.at(static_cast<std::size_t>(p[0] * 9 + p[1] * 3 + p[2]));
    }
    for (const int count : seen)
        CHECK((count == 0 || std::abs(count - 2000) < 200));
    CHECK(std::count(seen.begin(), seen.end(), 0) == 21);

    CHECK(random.permutation(0).empty());
    CHECK_THROWS_WITH(random.permutation(-1), "[permutation] expected a length of at least 0, got -1");
}

TEST_CASE("manual_seed fixes the streams handed out after it", "[core][random]") {
    manual_seed(9);
    const auto first = new_random().at(0);
    const auto second = new_random().at(0);
    CHECK(first != second);
    manual_seed(9);
    CHECK(new_random().at(0) == first);
    CHECK(new_random().at(0) == second);
    manual_seed(10);
    CHECK(new_random().at(0) != first);
    manual_seed(0);
}
