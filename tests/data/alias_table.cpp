// SPDX-License-Identifier: MIT
#include <espalier/data/alias_table.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;

namespace {

/// The largest distance of a frequency from its probability, in standard deviations.
double farthest(const std::vector<double>& weights, int draws) {
    const data::AliasTable table{weights};
    std::vector<int> counts(weights.size(), 0);
    Random random{7};
    for (int i = 0; i < draws; ++i)
        ++counts[static_cast<std::size_t>(table(random))];
    double worst = 0, sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const double p = table.probability(static_cast<Index>(i));
        sum += p;
        if (weights[i] == 0)
            CHECK(counts[i] == 0);
        else
            worst = std::max(worst, std::abs(counts[i] - draws * p) / std::sqrt(draws * p * (1 - p) + 1e-9));
    }
    CHECK(sum == Approx(1));
    return worst;
}

}  // namespace

TEST_CASE("things come as often as their weights say", "[data][alias_table]") {
    CHECK(farthest({1, 2, 3, 4}, 40'000) < 4);
    CHECK(farthest({0, 5, 0, 0.1, 0.1, 100}, 40'000) < 4);
    CHECK(farthest({1e300, 1e300, 5e299}, 20'000) < 4);  // whose sum is finite only in parts
    CHECK(farthest({3}, 10) == 0);
    CHECK(farthest({0, 0, 1}, 100) == 0);
    std::vector<double> many;
    for (int i = 1; i <= 300; ++i)
        many.push_back(1.0 / i);
    CHECK(farthest(many, 200'000) < 5);
    const data::AliasTable table{std::vector<double>{1, 3}};
    CHECK(table.probability(1) == 0.75);
    CHECK(table.size() == 2);
}

TEST_CASE("weights that cannot be are refused", "[data][alias_table]") {
    CHECK_THROWS_WITH(data::AliasTable{std::vector<double>{}}, "[AliasTable] expected a weight above 0, got none");
    CHECK_THROWS_AS((data::AliasTable{std::vector<double>{0, 0}}), ValueError);
    CHECK_THROWS_WITH((data::AliasTable{std::vector<double>{1, -1}}), "[AliasTable] expected finite weights of at least 0, got another");
    CHECK_THROWS_AS((data::AliasTable{std::vector<double>{1, std::numeric_limits<double>::infinity()}}), ValueError);
    CHECK_THROWS_AS((data::AliasTable{std::vector<double>{1, std::nan("")}}), ValueError);
    CHECK_THROWS_WITH(data::AliasTable{std::vector<double>{1}}.probability(1), "[AliasTable] expected an index in [0, 1), got 1");
}
