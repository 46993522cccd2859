// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/loss_ratio.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::Outcome;
using testing::outcome;
using testing::same;
using testing::started;
using testing::state_of;
using testing::step_context;

TEST_CASE("LBTW: a power of the loss by that of the epoch's first batch", "[mtl][balancing]") {
    auto rule = started(mtl::LBTW{}, 2);
    CHECK(outcome(rule, {1, 1}) == Outcome{2, {1, 1}});
    const auto second = outcome(rule, {1, 2});
    CHECK(second.gradient[0] == 1);
    CHECK(second.gradient[1] == Approx(1.41421).margin(5e-6));
    CHECK(second.value == Approx(1 + 2 * std::sqrt(2.0)));
    rule.end_epoch();
    CHECK(outcome(rule, step_context({4}, {1}, 2)) == Outcome{4, {1}});  // the first of this epoch that has it
    CHECK(outcome(rule, {3, 1}).gradient == std::vector<double>{1, 0.5});
    mtl::LBTW whole{{.alpha = 1}};
    whole.start(1);
    outcome(whole, {2});
    CHECK(outcome(whole, {8}) == Outcome{32, {4}});
    CHECK(outcome<float>(whole, {8}) == Outcome{32, {4}});

    const auto before = state_of(rule);
    CHECK_THROWS_WITH(outcome(rule, {3, 0}), "[LBTW] expected losses above 0, got 0 for task 1");
    CHECK(same(state_of(rule), before));
    CHECK_THROWS_WITH((mtl::LBTW{{.alpha = -1}}), "[LBTW] expected a finite alpha of at least 0, got -1");
}

TEST_CASE("CoVWeighting: equal weights for two steps, then the coefficients of variation of the ratios", "[mtl][balancing]") {
    auto rule = started(mtl::CoVWeighting{}, 2);
    const std::vector<std::vector<double>> steps{{1, 2}, {2, 3}, {3, 1}, {1, 1}};
    CHECK(outcome(rule, steps[0]) == Outcome{1.5, {0.5, 0.5}});
    CHECK(outcome(rule, steps[1]).gradient == std::vector<double>{0.5, 0.5});
    for (std::size_t seen = 2; seen < steps.size(); ++seen) {
        std::vector<double> coefficients;
        for (std::size_t i = 0; i < 2; ++i) {  // as it is defined, over all steps before
            std::vector<double> ratios;
            double sum = 0;
            for (std::size_t t = 0; t < seen; ++t) {
                ratios.push_back(t ? steps[t][i] / (sum / static_cast<double>(t)) : 1);
                sum += steps[t][i];
            }
            double mean = 0;
            double variance = 0;
            for (const double ratio : ratios)
                mean += ratio / static_cast<double>(seen);
            for (const double ratio : ratios)
                variance += std::pow(ratio - mean, 2) / static_cast<double>(seen);
            coefficients.push_back(std::sqrt(variance + 1e-8) / mean);
        }
        const auto weights = outcome(rule, steps[seen]).gradient;
        CHECK(weights[0] == Approx(coefficients[0] / (coefficients[0] + coefficients[1])).epsilon(1e-12));
        CHECK(weights[0] + weights[1] == Approx(1).epsilon(1e-14));
    }
}

TEST_CASE("CoVWeighting: steps are counted for each task, and losses may be 0", "[mtl][balancing]") {
    auto rule = started(mtl::CoVWeighting{}, 3);
    for (const double loss : {1.0, 2.0, 0.0})
        outcome(rule, step_context({loss, 0}, {0, 2}, 3));
    const auto known = outcome(rule, step_context({1, 1}, {0, 2}, 3)).gradient;
    CHECK(known[0] > known[1]);
    CHECK(outcome(rule, {1, 1, 1}).gradient == std::vector<double>(3, 1.0 / 3));  // nothing is known of task 1
    CHECK(outcome(rule, step_context({5}, {0}, 3)) == Outcome{5, {1}});
    CHECK(outcome<float>(rule, step_context({5}, {0}, 3)) == Outcome{5, {1}});
    const auto before = state_of(rule);
    CHECK_THROWS_WITH(outcome(rule, {1, 1, -1}), "[CoVWeighting] expected losses of at least 0, got -1 for task 2");
    CHECK(same(state_of(rule), before));
}
