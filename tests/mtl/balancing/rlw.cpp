// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/rlw.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace espalier;
using mtl::RandomWeights;
using testing::Outcome;
using testing::outcome;
using testing::State;
using testing::state_of;
using testing::StateVisitor;

TEST_CASE("RLW draws positive weights whose sum is 1, alike for all tasks", "[mtl][balancing]") {
    for (const auto distribution : {RandomWeights::normal, RandomWeights::dirichlet}) {
        mtl::RLW rule{{.distribution = distribution}};
        std::vector<double> mean(3);
        const int steps = 4000;
        for (int step = 0; step < steps; ++step) {
            const auto result = outcome(rule, {1, 1, 1});
            REQUIRE(result.value == Approx(1).epsilon(1e-12));
            for (std::size_t i = 0; i < 3; ++i) {
                REQUIRE((result.gradient[i] > 0 && result.gradient[i] < 1));
                mean[i] += result.gradient[i] / steps;
            }
        }
        for (const double weight : mean)
            CHECK(weight == Approx(1.0 / 3).margin(0.015));
        CHECK(outcome(rule, {7}) == Outcome{7, {1}});
        CHECK(outcome<float>(rule, {7}) == Outcome{7, {1}});
    }
}

TEST_CASE("RLW's Dirichlet weights have the variance of their concentration", "[mtl][balancing]") {
    for (const double concentration : {0.1, 1.0, 8.0}) {
        mtl::RLW rule{{.distribution = RandomWeights::dirichlet, .concentration = concentration}};
        double squares = 0;
        const int steps = 20000;
        for (int step = 0; step < steps; ++step)
            squares += std::pow(outcome(rule, {1, 1, 1, 1}).gradient[0] - 0.25, 2) / steps;
        CAPTURE(concentration);
        CHECK(squares == Approx(0.25 * 0.75 / (4 * concentration + 1)).epsilon(0.05));
    }
    mtl::RLW corners{{.distribution = RandomWeights::dirichlet, .concentration = 1e-9}};  // whose gamma numbers would all be 0
    for (int step = 0; step < 100; ++step) {
        const auto weights = outcome(corners, {1, 1, 1}).gradient;
        CHECK(*std::max_element(weights.begin(), weights.end()) == Approx(1));
    }
}

TEST_CASE("RLW's copies and restored states go on with the same weights; two rules draw others", "[mtl][balancing]") {
    manual_seed(5);
    mtl::RLW rule;
    outcome(rule, {1, 2});
    mtl::RLW copy = rule;
    State state = state_of(rule);
    const auto next = outcome(rule, {1, 2});
    CHECK(outcome(copy, {1, 2}) == next);
    mtl::RLW other;
    CHECK_FALSE(outcome(other, {1, 2}) == next);
    StateVisitor restore{state, true};
    other.visit(restore);
    CHECK(outcome(other, {1, 2}) == next);
    manual_seed(5);
    mtl::RLW again;
    outcome(again, {1, 2});
    CHECK(outcome(again, {1, 2}) == next);
    manual_seed(0);
    CHECK_THROWS_WITH((mtl::RLW{{.concentration = 0}}), "[RLW] expected a finite concentration above 0, got 0");
}
