// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/excess_mtl.hpp>

using namespace espalier;
using namespace testing;
using mtl::ExcessMTL;

TEST_CASE("ExcessMTL weighs tasks alike in the warm-up, then the one that got worse more", "[mtl]") {
    ExcessMTL<double> rule{{.step = 1, .warmup = 2}};
    const Tensor<double> warm{{2, 2}, {1, 0, 1, 0}};
    for (Index s = 0; s < 2; ++s) {
        const auto direction = rule(jacobian_of(warm, step_of({0, 1}, 2, s)));
        CHECK(direction[0] == Approx(1));
        CHECK(direction[1] == 0);
    }
    const double w = rule(jacobian_of(Tensor<double>{{2, 2}, {2, 0, 0, 1}}, step_of({0, 1}, 2, 2)))[0] / 2;
    // Baselines (1 + 1/sqrt(2)) / 2; excesses 4 / sqrt(6) and 1 (in an element of its own)
    const double baseline = (1 + std::sqrt(0.5)) / 2;
    CHECK(w == Approx(1 / (1 + std::exp((1 - 4 / std::sqrt(6)) / baseline))).epsilon(1e-6));
    CHECK(w > 0.5);
}

TEST_CASE("ExcessMTL as in LibMTL sums its weights to the tasks", "[mtl]") {
    const auto jacobian = jacobian_of(Tensor<double>{{2, 2}, {2, 0, 0, 1}}, step_of({0, 1}, 2, 0));
    ExcessMTL<double> rule{{.warmup = 0, .sum_to_tasks = true}};
    const auto direction = rule(jacobian);
    CHECK(direction[0] / 2 + direction[1] == Approx(2));
    CHECK(direction[0] / 2 / direction[1] == Approx(std::exp(0.01 * (2 - 1))).epsilon(1e-6));
}

TEMPLATE_TEST_CASE("ExcessMTL as a rule with state", "[mtl]", float, double) {
    const Index warmup = GENERATE(0, 1);
    const auto make = [warmup] { return ExcessMTL<TestType>{{.step = 0.5, .warmup = warmup}}; };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
    check_other_size<TestType>(make, "ExcessMTL");
}

TEST_CASE("ExcessMTL refuses settings out of range", "[mtl]") {
    REQUIRE_THROWS_WITH(ExcessMTL{{.step = 0}}, "[ExcessMTL] expected a step above 0, got 0");
    REQUIRE_THROWS_WITH(ExcessMTL{{.warmup = -1}}, "[ExcessMTL] expected a warm-up of at least 0 steps, got -1");
}
