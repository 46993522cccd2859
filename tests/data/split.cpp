// SPDX-License-Identifier: MIT
#include <espalier/data/split.hpp>

#include "catch.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

data::Dataset<float> numbered(Index n) { return {Tensor<float>::arange(n), "same", Tensor<Index>::arange(n)}; }

}  // namespace

TEST_CASE("parts are disjoint, cover the set and keep samples with their targets", "[data][split]") {
    const auto parts = data::split(numbered(103), {0.7, 0.2, 0.1}, 5);
    REQUIRE(parts.size() == 3);
    CHECK(parts[0].size() == 72);
    CHECK(parts[1].size() == 21);
    CHECK(parts[2].size() == 10);
    std::vector<Index> seen;
    for (const auto& part : parts)
        for (Index i = 0; i < part.size(); ++i) {
            CHECK(part.inputs()[i] == static_cast<float>(part.target("same").labels()[i]));
            seen.push_back(part.target("same").labels()[i]);
        }
    CHECK_FALSE(std::is_sorted(seen.begin(), seen.end()));
    std::sort(seen.begin(), seen.end());
    for (Index i = 0; i < 103; ++i)
        CHECK(seen[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a split depends on its seed alone", "[data][split]") {
    const auto set = numbered(50);
    const auto inputs = [&](std::uint64_t seed) { return data::split(set, {0.5, 0.5}, seed)[0].inputs(); };
    CHECK(inputs(1) == inputs(1));
    CHECK_FALSE(inputs(1) == inputs(2));
    CHECK(data::split_sizes(set, {25, 25}, 1)[0].inputs() == inputs(1));
    CHECK(data::split_sizes(set, {25, 5, 20}, 1)[0].inputs() == inputs(1));
    CHECK(data::split(set, {1.0}).at(0).size() == 50);
    CHECK(data::split(numbered(10), {0.1, 0.2, 0.3, 0.4})[3].size() == 4);
}

TEST_CASE("fractions need to sum to 1 up to rounding alone", "[data][split]") {
    const auto sizes = [](Index n, const std::vector<double>& fractions) {
        std::vector<Index> result;
        for (const auto& part : data::split(numbered(n), fractions))
            result.push_back(part.size());
        return result;
    };
    CHECK(sizes(10, std::vector<double>(10, 0.1)) == std::vector<Index>(10, 1));
    CHECK(sizes(7, {1.0 / 3, 1.0 / 3, 1.0 / 3}) == std::vector<Index>{2, 3, 2});
    CHECK(sizes(3, {0.333333, 0.333333, 0.333334}) == std::vector<Index>{1, 1, 1});
    CHECK(sizes(1, {1.0}) == std::vector<Index>{1});
    CHECK(sizes(1000, {1 - 0.3, 0.3}) == std::vector<Index>{700, 300});
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(sizes(10, {nan, 1.0}), ValueError);
    CHECK_THROWS_AS(sizes(10, {inf}), ValueError);
    CHECK_THROWS_AS(sizes(1, {0.5, 0.5}), ValueError);
    CHECK_THROWS_AS(data::split_sizes(numbered(3), {std::numeric_limits<Index>::max(), std::numeric_limits<Index>::max()}), ValueError);
}

TEST_CASE("parts own their samples: the set may go, and so may the others", "[data][split]") {
    auto parts = data::split_sizes(numbered(6), {2, 4}, 1);
    const auto kept = parts[0];
    const data::Dataset<float> taken = std::move(parts[1]);
    parts.clear();
    CHECK(kept.size() == 2);
    CHECK(taken.size() == 4);
    CHECK(taken.inputs()[0] == static_cast<float>(taken.target("same").labels()[0]));
}

TEST_CASE("fractions and sizes that make no split are refused", "[data][split]") {
    const auto set = numbered(10);
    CHECK_THROWS_AS(data::split(set, {0.8, 0.3}), ValueError);
    CHECK_THROWS_WITH(data::split(set, {0.8, 0.3}), ContainsSubstring("[split] expected fractions whose sum is 1, got 1.1"));
    CHECK_THROWS_WITH(data::split(set, {0.8}), ContainsSubstring("got 0.8"));
    CHECK_THROWS_WITH(data::split(set, {}), ContainsSubstring("whose sum is 1, got 0"));
    CHECK_THROWS_WITH(data::split(set, {1.5, -0.5}), ContainsSubstring("expected fractions in (0, 1], got 1.5"));
    CHECK_THROWS_WITH(data::split(set, {1.0, 0.0}), ContainsSubstring("expected fractions in (0, 1], got 0"));
    CHECK_THROWS_WITH(data::split(set, {0.99, 0.01}), ContainsSubstring("got none for fraction 0.01 of 10 samples"));
    CHECK_THROWS_WITH(data::split_sizes(set, {10, 0}), ContainsSubstring("got one of 0"));
    CHECK_THROWS_WITH(data::split_sizes(set, {8, 3}), ContainsSubstring("expected sizes whose sum is 10, got more"));
    CHECK_THROWS_WITH(data::split_sizes(set, {8, 1}), ContainsSubstring("expected sizes whose sum is 10, got 9"));
}

TEST_CASE("inputs by name are split together", "[data][split]") {
    const data::Dataset set{data::Inputs<>{{"x", Tensor<float>::arange(20)}, {"code", Tensor<Index>::arange(20)}}, "same",
                            Tensor<Index>::arange(20)};
    const auto parts = data::split(set, {0.7, 0.3}, 5);
    const auto numbers = data::split(numbered(20), {0.7, 0.3}, 5);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(data::values_of(parts[i].named_inputs(), "x") == numbers[i].inputs());  // the parts of one tensor
        CHECK(data::indices_of(parts[i].named_inputs(), "code") == parts[i].target("same").labels());
    }
}
