// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/stch.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::differences;
using testing::Outcome;
using testing::outcome;
using testing::same;
using testing::started;
using testing::state_of;
using testing::step_context;

TEST_CASE("STCH is a smooth maximum, with its derivatives", "[mtl][balancing]") {
    mtl::STCH rule;
    CHECK(outcome(rule, {0, 0}).value == Approx(std::log(2.0)));
    mtl::STCH ones{{.weights = {1, 1}}};
    CHECK(outcome(ones, {1, 1}).value == Approx(1 + std::log(2.0)));
    CHECK(outcome(ones, {1, 1}).gradient == std::vector<double>{0.5, 0.5});
    mtl::STCH guarded{{.mu = 1e-10}};
    CHECK(outcome(guarded, {1e30, 2e30, 3e30}).value == Approx(1e30));
    CHECK(outcome(guarded, {1e30, 2e30, 3e30}).gradient == std::vector<double>{0, 0, 1.0 / 3});

    mtl::STCH full{{.mu = 0.5, .weights = {0.2, 0.5, 0.3}, .reference = {0.1, -1, 2}}};
    full.start(3);
    const double terms[] = {0.2 * 0.9, 0.5 * 3, 0.3 * 2};
    const double total = std::exp(terms[0] / 0.5) + std::exp(terms[1] / 0.5) + std::exp(terms[2] / 0.5);
    const auto result = outcome(full, {1, 2, 4});
    CHECK(result.value == Approx(0.5 * std::log(total)).epsilon(1e-12));
    CHECK(result.gradient[1] == Approx(0.5 * std::exp(terms[1] / 0.5) / total).epsilon(1e-12));
    CHECK(differences(full, {1, 2, 4}));
    CHECK(differences(rule, {-1, 2, 4}));
    const auto masked = outcome(full, step_context({2, 4}, {1, 2}, 3));
    CHECK(masked.gradient[0] == Approx(0.5 / (1 + std::exp((terms[2] - terms[1]) / 0.5))).epsilon(1e-12));
    CHECK(outcome(rule, {5}) == Outcome{5, {1}});
    CHECK(outcome<float>(rule, {5}) == Outcome{5, {1}});
}

TEST_CASE("STCH refuses options that fit no tasks", "[mtl][balancing]") {
    using mtl::STCH;
    CHECK_THROWS_WITH((STCH{{.mu = 0}}), "[STCH] expected a finite mu above 0, got 0");
    CHECK_THROWS_WITH((STCH{{.weights = {1, -1}}}), "[STCH] expected weights of at least 0, got -1 for task 1");
    CHECK_THROWS_WITH((STCH{{.reference = {NAN}}}), ContainsSubstring("[STCH] expected finite references, got"));
    STCH rule{{.weights = {1, 1}}};
    CHECK_THROWS_WITH(rule.start(3), "[STCH] expected 3 weights, one for each task, got 2");
    STCH shifted{{.reference = {1, 1}}};
    CHECK_THROWS_WITH(outcome(shifted, {1}), "[STCH] expected 1 references, one for each task, got 2");
}

TEST_CASE("NadirSTCH: logarithms, the mean losses of an epoch as the nadir, and the smooth maximum", "[mtl][balancing]") {
    auto rule = started(mtl::NadirSTCH{{.mu = 0.5, .warmup_epochs = 1}}, 2);
    const auto warm = outcome(rule, step_context({100, 100}, {0, 1}, 2, 0));
    CHECK(warm.value == Approx(2 * std::log(100.0)));
    CHECK(warm.gradient[0] == Approx(0.01));
    outcome(rule, step_context({1, 3}, {0, 1}, 2, 1));
    outcome(rule, step_context({3, 9}, {0, 1}, 2, 1));  // the nadir is (2, 6)
    const auto context = step_context({4, 3}, {0, 1}, 2, 2);
    const auto result = outcome(rule, context);
    const double ratios[] = {std::pow(2, 2), std::pow(0.5, 2)};
    CHECK(result.value == Approx(2 * 0.5 * std::log(ratios[0] + ratios[1])).epsilon(1e-12));
    CHECK(result.gradient[0] == Approx(2 * ratios[0] / (ratios[0] + ratios[1]) / 4).epsilon(1e-12));
    CHECK(result.gradient[1] == Approx(2 * ratios[1] / (ratios[0] + ratios[1]) / 3).epsilon(1e-12));
    CHECK(outcome(rule, context) == result);  // the nadir stays
    CHECK(outcome<float>(rule, context).value == Approx(result.value));
    CHECK(outcome(rule, step_context({5}, {1}, 2, 3)).gradient[0] == Approx(1.0 / 5));
}

TEST_CASE("NadirSTCH: a task that was masked when the nadir was taken has its first loss for it", "[mtl][balancing]") {
    auto rule = started(mtl::NadirSTCH{{.warmup_epochs = 0}}, 2);
    outcome(rule, step_context({2}, {0}, 2, 0));
    const auto first = outcome(rule, step_context({4, 7}, {0, 1}, 2, 1));
    CHECK(first.gradient[1] == Approx(2 * (1.0 / 3) / 7));
    const auto second = outcome(rule, step_context({4, 14}, {0, 1}, 2, 1));
    CHECK(second.gradient[1] == Approx(2 * 0.5 / 14));

    const auto before = state_of(rule);
    CHECK_THROWS_WITH(outcome(rule, step_context({4, 0}, {0, 1}, 2, 0)), "[NadirSTCH] expected losses above 0, got 0 for task 1");
    CHECK(same(state_of(rule), before));
    CHECK_THROWS_WITH((mtl::NadirSTCH{{.warmup_epochs = -1}}), "[NadirSTCH] expected at least 0 warm-up epochs, got -1");
    CHECK_THROWS_AS((mtl::NadirSTCH{{.mu = -1}}), ValueError);
}
