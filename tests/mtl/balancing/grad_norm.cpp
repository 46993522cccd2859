// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/grad_norm.hpp>

using namespace espalier;
using namespace testing;
using mtl::GradNorm;
using mtl::Weights;

namespace {

mtl::Gramian lengths(double first, double second, double first_loss, double second_loss) {
    auto context = step_of({0, 1}, 2, 0);
    context.losses = {first_loss, second_loss};
    return {mtl::Matrix{{first * first, 0}, {0, second * second}}, context};
}

}  // namespace

TEST_CASE("GradNorm steps down along sign(G - target) |g|, and keeps the sum", "[mtl]") {
    GradNorm rule{{.learning_rate = 0.1, .adam = false}};
    rule.start(2);
    CHECK(rule(lengths(1, 3, 2, 5)) == Weights{1, 1});
    // All rates are 1 in the first step: targets of 2, slopes of -1 and 3, w = (1.1, 0.7) times 2 / 1.8.
    const Weights second = rule(lengths(1, 3, 2, 5));
    CHECK(second[0] == Approx(1.1 / 0.9));
    CHECK(second[1] == Approx(0.7 / 0.9));
}

TEST_CASE("GradNorm gives more to the task that lags behind", "[mtl]") {
    GradNorm rule{{.alpha = 1.5, .learning_rate = 0.1, .adam = false}};
    rule.start(2);
    (void)rule(lengths(1, 1, 4, 1));
    // Equal lengths: nothing moved. L / L(0) = (1/4, 1), rates (0.4, 1.6), targets 0.4^1.5 and 1.6^1.5 about 1.
    CHECK(rule(lengths(1, 1, 1, 1)) == Weights{1, 1});
    const Weights after = rule(lengths(1, 1, 1, 1));
    CHECK(after[0] == Approx(0.9));
    CHECK(after[1] == Approx(1.1));
}

TEST_CASE("GradNorm's first step by Adam is the learning rate, at any scale", "[mtl]") {
    for (const double scale : {1e-10, 1.0, 1e10}) {
        GradNorm rule;
        rule.start(2);
        (void)rule(lengths(scale, 3 * scale, 1, 1));
        const Weights after = rule(lengths(scale, 3 * scale, 1, 1));
        CHECK(after[0] == Approx(1.025));
        CHECK(after[1] == Approx(0.975));
    }
}

TEST_CASE("GradNorm begins a task when it is first active", "[mtl]") {
    GradNorm rule;
    rule.start(3);
    const auto two = gramian_of_rows(hashed_rows<double>(2, 5, 1), step_of({0, 2}, 3, 0));
    (void)rule(two);
    StateOf<double> state;
    rule.visit(state);
    CHECK(state.doubles.at("first_losses")[0] == two.losses()[0]);
    CHECK(state.doubles.at("first_losses")[1] == 0);
    CHECK(state.doubles.at("first_losses")[2] == two.losses()[1]);
    CHECK(state.doubles.at("weights")[0] + state.doubles.at("weights")[1] + state.doubles.at("weights")[2] == Approx(3));
    const auto all = gramian_of_rows(hashed_rows<double>(3, 5, 1), step_of({0, 1, 2}, 3, 1));
    (void)rule(all);
    StateOf<double> later;
    rule.visit(later);
    CHECK(later.doubles.at("first_losses")[1] == all.losses()[1]);
    CHECK(later.doubles.at("first_losses")[0] == two.losses()[0]);
}

TEST_CASE("GradNorm's weights may come to 0 and come back", "[mtl]") {
    GradNorm rule{{.learning_rate = 1, .adam = false}};
    rule.start(2);
    (void)rule(lengths(1, 3, 1, 1));  // slopes -1 and 3: (2, -2) becomes (2, 0)
    CHECK(rule(lengths(1, 3, 1, 1)) == Weights{2, 0});
    CHECK(rule(lengths(1, 3, 1, 1))[1] > 0);
}

TEST_CASE("GradNorm as a rule with state", "[mtl]") {
    const auto make = [adam = GENERATE(false, true), softmax = GENERATE(false, true)] {
        return GradNorm{{.adam = adam, .softmax = softmax}};
    };
    check_state<double>(make, gramian_of_rows<double>);
    check_finite<double>(make, gramian_of_rows<double>);
}

TEST_CASE("GradNorm refuses what it cannot use, and forgets nothing", "[mtl]") {
    GradNorm rule, other;
    REQUIRE_THROWS_WITH(rule(lengths(1, 1, 1, 1)), "[GradNorm] expected a step of 0 tasks, as told by start(), got one of 2");
    rule.start(2);
    other.start(2);
    CHECK(rule(lengths(1, 2, 1, 1)) == other(lengths(1, 2, 1, 1)));
    REQUIRE_THROWS_WITH(rule(lengths(1, 2, 1, -1)), "[GradNorm] expected losses of at least 0, got -1");
    CHECK(rule(lengths(2, 2, 1, 3)) == other(lengths(2, 2, 1, 3)));
    CHECK(rule(lengths(1, 2, 1, 1)) == other(lengths(1, 2, 1, 1)));
    REQUIRE_THROWS_WITH(GradNorm{{.alpha = -1}}, "[GradNorm] expected alpha of at least 0, got -1");
    REQUIRE_THROWS_WITH(GradNorm{{.learning_rate = -1}}, "[GradNorm] expected a learning rate of at least 0, got -1");
}
