// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/grad_drop.hpp>

using namespace espalier;
using namespace testing;
using mtl::GradDrop;

TEST_CASE("GradDrop keeps positive signs as often as they are pure", "[mtl]") {
    constexpr Index columns = 20000;
    Tensor<float> rows{Shape{2, columns}};
    for (Index p = 0; p < columns; ++p) {
        rows.at(0, p) = -1;
        rows.at(1, p) = 3;
    }
    manual_seed(3);
    GradDrop rule;
    const auto direction = rule(jacobian_of(rows, step_of({0, 1}, 2, 0)));
    Index positive = 0;
    for (const float value : direction) {
        REQUIRE((value == -1 || value == 3));
        positive += value == 3;
    }
    // P = (1 + 2 / 4) / 2 = 3/4, of which the deviation is sqrt(3/16/20000) = 0.003
    CHECK(static_cast<double>(positive) / columns == Approx(0.75).margin(0.015));
    CHECK(rule(jacobian_of(rows, step_of({0, 1}, 2, 1))) != direction);
}

TEST_CASE("GradDrop keeps pure signs and zeros, and what leaks", "[mtl]") {
    const auto context = step_of({0, 1}, 2, 0);
    GradDrop rule;
    const Tensor<double> pure{{2, 3}, {1, -2, 0, 3, -4, 0}};
    for (int i = 0; i < 100; ++i)
        REQUIRE(rule(jacobian_of(pure, context)) == Tensor<double>{{3}, {4, -6, 0}});

    const Tensor<double> rows{{2, 3}, {-4, 1, 1, 6, 1, 1}};
    GradDrop all_leaks{{.leak = {1, 1}}};
    CHECK(all_leaks(jacobian_of(rows, context)) == Tensor<double>{{3}, {2, 2, 2}});
    GradDrop one_leaks{{.leak = {1, 0}}};
    for (int i = 0; i < 20; ++i) {
        const double first = one_leaks(jacobian_of(rows, context))[0];
        REQUIRE((first == 2 || first == -4));
    }
    // The leak is that of the criterion's task, not of the row.
    const Tensor<double> opposite{{2, 1}, {-4, 4}};
    GradDrop last_leaks{{.leak = {0, 0, 1}}};
    bool kept = false;
    for (int i = 0; i < 50; ++i) {
        const double value = last_leaks(jacobian_of(opposite, step_of({1, 2}, 3, 0)))[0];
        REQUIRE((value == 4 || value == 0));
        kept = kept || value == 4;
    }
    CHECK(kept);
}

TEMPLATE_TEST_CASE("GradDrop as a rule with state", "[mtl]", float, double) {
    const auto make = [] {
        manual_seed(7);
        return GradDrop{};
    };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
}

TEST_CASE("GradDrop refuses leaks that do not fit", "[mtl]") {
    REQUIRE_THROWS_WITH((GradDrop{{.leak = {0.5, 1.5}}}), "[GradDrop] expected leaks in [0, 1], got 1.5");
    GradDrop rule{{.leak = {0.5}}};
    REQUIRE_THROWS_WITH(rule.start(2), "[GradDrop] expected a leak for each of 2 tasks, got 1");
    CHECK_THROWS_AS(rule(jacobian_of(hashed_rows<float>(2, 4, 1), step_of({0, 1}, 2, 0))), ValueError);
}
