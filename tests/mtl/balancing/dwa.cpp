// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/dwa.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>

using namespace espalier;
using testing::Outcome;
using testing::outcome;
using testing::same;
using testing::started;
using testing::state_of;
using testing::step_context;

TEST_CASE("DWA: a plain sum for two epochs, then the softmax of the rates", "[mtl][balancing]") {
    auto rule = started(mtl::DWA{}, 2);
    CHECK(outcome(rule, {3, 4}) == Outcome{7, {1, 1}});
    CHECK(outcome<float>(rule, {3, 4}) == Outcome{7, {1, 1}});
    rule = started(mtl::DWA{}, 2);
    CHECK(outcome(rule, {0.5, 0.5}) == Outcome{1, {1, 1}});
    CHECK(outcome(rule, {1.5, 1.5}) == Outcome{3, {1, 1}});
    rule.end_epoch();  // (1, 1)
    CHECK(outcome(rule, {1, 3}) == Outcome{4, {1, 1}});
    CHECK(outcome(rule, {1, 5}) == Outcome{6, {1, 1}});
    rule.end_epoch();  // (1, 4)
    const double first = 2 / (1 + std::exp(1.5));
    const auto third = outcome(rule, {1, 1});
    CHECK(third.value == Approx(2));
    CHECK(third.gradient[0] == Approx(first).epsilon(1e-12));
    CHECK(third.gradient[1] == Approx(2 - first).epsilon(1e-12));

    outcome(rule, {3, 2});
    rule.end_epoch();  // (2, 1.5): the rates are 2 and 0.375
    auto warmer = outcome(rule, {1, 1});
    CHECK(warmer.gradient[0] == Approx(2 / (1 + std::exp((0.375 - 2) / 2))).epsilon(1e-12));
    mtl::DWA hot{{.temperature = 1e9}};
    hot.start(2);
    for (const double loss : {1.0, 100.0}) {
        outcome(hot, {1, loss});
        hot.end_epoch();
    }
    CHECK(outcome(hot, {1, 1}).gradient[1] == Approx(1).margin(1e-6));
}

TEST_CASE("DWA takes losses below 0, and calls one that was 0 unchanged", "[mtl][balancing]") {
    auto rule = started(mtl::DWA{}, 3);
    outcome(rule, {-1, 0, 0});
    rule.end_epoch();
    outcome(rule, {-2, 0, 5});
    rule.end_epoch();
    const auto weights = outcome(rule, {1, 1, 1}).gradient;
    const double total = std::exp(1) + 2 * std::exp(0.5);
    CHECK(weights[0] == Approx(3 * std::exp(1) / total));
    CHECK(weights[1] == Approx(3 * std::exp(0.5) / total));
    CHECK(weights[2] == weights[1]);
}

TEST_CASE("DWA: a masked task keeps its rate, and an empty epoch is none", "[mtl][balancing]") {
    auto rule = started(mtl::DWA{}, 3);
    outcome(rule, {1, 1, 1});
    rule.end_epoch();
    outcome(rule, step_context({3, 2}, {0, 2}, 3));
    rule.end_epoch();
    const auto before = state_of(rule);
    rule.end_epoch();
    CHECK(same(state_of(rule), before));
    const auto weights = outcome(rule, step_context({1, 1, 1}, {0, 1, 2}, 3)).gradient;
    const double total = std::exp(1.5) + std::exp(0.5) + std::exp(1);
    CHECK(weights[0] == Approx(3 * std::exp(1.5) / total));
    CHECK(weights[1] == Approx(3 * std::exp(0.5) / total));
    const auto two = outcome(rule, step_context({1, 1}, {1, 2}, 3)).gradient;
    CHECK(two[1] == Approx(2 * std::exp(1) / (std::exp(0.5) + std::exp(1))));
    CHECK(outcome(rule, step_context({5}, {2}, 3)) == Outcome{5, {1}});
}

TEST_CASE("DWA refuses a temperature that is none, and a step before it was started", "[mtl][balancing]") {
    CHECK_THROWS_WITH((mtl::DWA{{.temperature = -1}}), "[DWA] expected a finite temperature above 0, got -1");
    mtl::DWA fresh;
    CHECK_THROWS_WITH(outcome(fresh, {1, 2}), "[DWA] expected a rule that was started for 2 tasks, got one for 0");
}
