// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/famo.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::Outcome;
using testing::outcome;
using testing::same;
using testing::started;
using testing::State;
using testing::state_of;
using testing::step_context;

TEST_CASE("FAMO: the weights of the logarithms, with c constant", "[mtl][balancing]") {
    auto rule = started(mtl::FAMO{}, 2);
    const auto result = outcome(rule, {1, 2});
    const double c = 1 / (0.5 / 1 + 0.5 / 2);
    CHECK(result.value == Approx(c * 0.5 * std::log(2.0)).epsilon(1e-6));
    CHECK(result.gradient[0] == Approx(c * 0.5).epsilon(1e-6));
    CHECK(outcome<float>(rule, {1, 2}).gradient[0] == Approx(c * 0.5).epsilon(1e-6));
    CHECK(result.gradient[1] == Approx(c * 0.5 / 2).epsilon(1e-6));
    CHECK(result.gradient[0] + result.gradient[1] == Approx(1).epsilon(1e-14));

    mtl::FAMO shifted{{.min_losses = {0.5, -1}}};
    shifted.start(2);
    CHECK(outcome(shifted, {1.5, 1}).gradient[1] == Approx(1.0 / 3).epsilon(1e-6));
}

TEST_CASE("FAMO: what fell faster counts less; losses that stay change no logit", "[mtl][balancing]") {
    auto rule = started(mtl::FAMO{}, 2);
    outcome(rule, {1, 2});
    rule.after_step(std::vector<double>{1, 2});
    CHECK(state_of(rule).at("logits")[0] == 0);
    CHECK(state_of(rule).at("logits")[1] == 0);
    CHECK(state_of(rule).at("steps")[1] == 1);

    outcome(rule, {1, 2});
    rule.after_step(std::vector<double>{0.5, 2});
    State state = state_of(rule);
    CHECK(state.at("logits")[0] < 0);
    CHECK(state.at("logits")[1] > 0);
    // Adam's first moment after a gradient of 0 and one of z (falls - mean): its second step.
    const double gradient = 0.5 * (std::log(2.0) - 0.5 * std::log(2.0));
    const double mean = 0.1 * gradient / (1 - 0.81);
    const double root = std::sqrt(0.001 * gradient * gradient / (1 - 0.999 * 0.999));
    CHECK(state.at("logits")[0] == Approx(-0.025 * mean / root).epsilon(1e-6));
    CHECK(outcome(rule, {1, 1}).gradient[0] < 0.5);
}

TEST_CASE("FAMO: a masked task keeps its logit, and the steps it has learned are its own", "[mtl][balancing]") {
    auto rule = started(mtl::FAMO{}, 3);
    outcome(rule, {1, 2, 3});
    rule.after_step(std::vector<double>{0.5, 2, 3});
    const auto before = state_of(rule);
    outcome(rule, step_context({2, 3}, {1, 2}, 3));
    rule.after_step(std::vector<double>{2, 1});
    const auto after = state_of(rule);
    CHECK(after.at("logits")[0] == before.at("logits")[0]);
    CHECK(after.at("logits")[1] > before.at("logits")[1]);
    CHECK(after.at("steps")[0] == 1);
    CHECK(after.at("steps")[2] == 2);
    const auto single = outcome(rule, step_context({4}, {1}, 3));
    CHECK(single.gradient[0] == Approx(1).epsilon(1e-12));
    rule.after_step(std::vector<double>{3});  // of one task there is nothing to balance: the decay alone
    CHECK(state_of(rule).at("logits")[2] == after.at("logits")[2]);
}

TEST_CASE("FAMO refuses losses below their minimum and an after_step without a step, and stays as it was", "[mtl][balancing]") {
    auto rule = started(mtl::FAMO{{.min_losses = {0, 1}}}, 2);
    CHECK_THROWS_WITH(rule.after_step(std::vector<double>{1, 2}),
                      "[FAMO] expected a step before after_step, and a loss for each of its 0 tasks, got 2");
    outcome(rule, {1, 2});
    const auto before = state_of(rule);
    CHECK_THROWS_WITH(outcome(rule, {1, 0.5}), "[FAMO] expected losses of at least 1, got 0.5 for task 1");
    CHECK(same(state_of(rule), before));
    CHECK_THROWS_WITH(rule.after_step(std::vector<double>{-1, 2}), "[FAMO] expected losses of at least 0, got -1 for task 0");
    CHECK_THROWS_WITH(rule.after_step(std::vector<double>{1}),
                      "[FAMO] expected a step before after_step, and a loss for each of its 2 tasks, got 1");
    CHECK(same(state_of(rule), before));
    rule.after_step(std::vector<double>{0, 1});  // the least there is
    CHECK(std::isfinite(state_of(rule).at("logits")[0]));
    CHECK_THROWS_AS(rule.after_step(std::vector<double>{0, 1}), StateError);

    CHECK_THROWS_WITH((mtl::FAMO{{.learning_rate = -1}}), "[FAMO] expected a finite learning rate of at least 0, got -1");
    CHECK_THROWS_WITH((mtl::FAMO{{.weight_decay = -1}}), "[FAMO] expected a finite weight decay of at least 0, got -1");
    CHECK_THROWS_WITH((mtl::FAMO{{.min_losses = {1}}}.start(2)), "[FAMO] expected 2 min_losses, one for each task, got 1");
}
