// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/igb.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>

using namespace espalier;
using testing::outcome;
using testing::same;
using testing::started;
using testing::state_of;
using testing::step_context;

TEST_CASE("IGBv1: logarithms up to the base epoch, then weighted by the gaps to it", "[mtl][balancing]") {
    auto rule = started(mtl::IGBv1{}, 2);
    const auto first = outcome(rule, step_context({1, 2}, {0, 1}, 2, 0));
    CHECK(first.value == Approx(std::log(2.0)));
    CHECK(first.gradient[1] == Approx(0.5));
    const auto base = outcome(rule, step_context({1, 3}, {0, 1}, 2, 1));
    CHECK(base.gradient[1] == Approx(1.0 / 3));
    outcome(rule, step_context({3, 1}, {0, 1}, 2, 1));  // the base is (2, 2)
    const auto context = step_context({1, 2}, {0, 1}, 2, 2);
    const auto result = outcome(rule, context);
    const double w = 2 / (1 + std::exp(0.5));
    CHECK(w == Approx(0.75508).margin(5e-6));
    CHECK(result.value == Approx((2 - w) * std::log(2.0)).epsilon(1e-12));
    CHECK(result.gradient[0] == Approx(w).epsilon(1e-12));
    CHECK(result.gradient[1] == Approx(0.62246).margin(5e-6));
    CHECK(outcome(rule, context) == result);
    CHECK(outcome<float>(rule, context).value == Approx(result.value));
    CHECK(outcome(rule, step_context({4}, {1}, 2, 2)).gradient[0] == Approx(0.25));
}

TEST_CASE("IGBv1: a task that was masked in the base epoch has its first loss for the base", "[mtl][balancing]") {
    auto rule = started(mtl::IGBv1{{.base_epoch = 0}}, 3);
    outcome(rule, step_context({1, 2}, {0, 2}, 3, 0));
    const auto result = outcome(rule, step_context({1, 5, 2}, {0, 1, 2}, 3, 1));
    CHECK(result.gradient[1] == Approx(1.0 / 5));
    const auto before = state_of(rule);
    CHECK_THROWS_WITH(outcome(rule, step_context({1, -5}, {0, 1}, 3, 0)), "[IGBv1] expected losses above 0, got -5 for task 1");
    CHECK(same(state_of(rule), before));
    CHECK_THROWS_WITH((mtl::IGBv1{{.base_epoch = -1}}), "[IGBv1] expected a base epoch of at least 0, got -1");
}
