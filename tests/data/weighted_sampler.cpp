// SPDX-License-Identifier: MIT
#include <espalier/data/weighted_sampler.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

using namespace espalier;
using data::WeightedSampler;

namespace {

double share(const std::vector<Index>& samples, Index first, Index last) {
    return static_cast<double>(std::count_if(samples.begin(), samples.end(), [&](Index i) { return first <= i && i < last; })) /
           static_cast<double>(samples.size());
}

}  // namespace

TEST_CASE("a weighted sampler draws in proportion to the weights", "[data][sampler]") {
    Random random{1};
    const WeightedSampler sampler{{1, 0, 3, 0}, {.samples = 20000}};
    CHECK(sampler.size() == 20000);
    CHECK(sampler.set_size() == 4);
    const auto samples = sampler(7, random);
    CHECK(samples.size() == 20000);
    CHECK(share(samples, 0, 1) == Approx(0.25).margin(0.015));
    CHECK(share(samples, 1, 2) == 0);
    CHECK(share(samples, 3, 4) == 0);
    CHECK(WeightedSampler{std::vector<double>(5, 1e300)}(1, random).size() == 5);  // whose sum is no number
    CHECK(WeightedSampler{{5e-324}}(1, random) == std::vector<Index>{0});
}

TEST_CASE("without replacement a sample comes once, and those of large weight come first", "[data][sampler]") {
    Random random{2};
    const WeightedSampler sampler{{1, 1, 0, 1e6}, {.samples = 3, .replacement = false}};
    int last_first = 0;
    for (int i = 0; i < 200; ++i) {
        const auto samples = sampler(1, random);
        CHECK(std::set<Index>(samples.begin(), samples.end()) == std::set<Index>{0, 1, 3});
        last_first += samples.front() == 3;
    }
    CHECK(last_first >= 198);
    // Of two draws, the first in proportion to the weights and the second to those that are left.
    int both = 0;
    const WeightedSampler pair{{1, 2, 3}, {.samples = 2, .replacement = false}};
    for (int i = 0; i < 6000; ++i)
        both += pair(1, random) == std::vector<Index>{2, 1};
    CHECK(both / 6000.0 == Approx(3.0 / 6 * 2 / 3).margin(0.03));
}

TEST_CASE("a weighted sampler refuses weights that say nothing", "[data][sampler]") {
    const double inf = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(WeightedSampler(std::vector<double>{}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({0, 0}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, -1}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, inf}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, std::nan("")}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, 1}, {.samples = -1}), ValueError);
    CHECK_THROWS_WITH(WeightedSampler({1, 0, 1}, {.replacement = false}), ContainsSubstring("expected at most 2 samples"));
}
