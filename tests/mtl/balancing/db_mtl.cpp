// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/db_mtl.hpp>

using namespace espalier;
using namespace testing;
using mtl::DBMTL;

TEST_CASE("DBMTL brings gradients of logarithms to the longest one's length", "[mtl]") {
    const Tensor<double> rows{{2, 3}, {-4, 1, 1, 6, 1, 1}};
    mtl::StepContext context = step_of({0, 1}, 2, 0);
    context.losses = {1, 2};
    DBMTL<double> rule{{.beta = 0}};
    const auto direction = rule(jacobian_of(rows, context));
    // g = (-4, 1, 1) and (3, 0.5, 0.5), of the lengths sqrt(18) and sqrt(9.5)
    const double factor = std::sqrt(18 / 9.5);
    CHECK(direction[0] == Approx(-4 + 3 * factor));
    CHECK(direction[1] == Approx(1 + 0.5 * factor));
    CHECK(direction[2] == Approx(1 + 0.5 * factor));

    // The average begins at 0: a tenth of it.
    DBMTL<double> averaged;
    CHECK(averaged(jacobian_of(rows, context))[0] == Approx(0.1 * direction[0]));
}

TEMPLATE_TEST_CASE("DBMTL as a rule with state", "[mtl]", float, double) {
    const auto make = [] { return DBMTL<TestType>{}; };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
    check_other_size<TestType>(make, "DBMTL");
}

TEST_CASE("DBMTL refuses losses without a logarithm, and forgets nothing", "[mtl]") {
    const auto rows = hashed_rows<float>(2, 5, 1);
    DBMTL rule, other;
    auto context = step_of({0, 1}, 2, 0);
    const mtl::Jacobian<float> good{rows, context};
    context.losses[1] = 0;
    CHECK(rule(good) == other(good));
    REQUIRE_THROWS_WITH(rule(mtl::Jacobian<float>{rows, context}), "[DBMTL] expected positive losses, as it takes their logarithms, got 0");
    CHECK(rule(good) == other(good));
    REQUIRE_THROWS_WITH(DBMTL{{.beta = 1}}, "[DBMTL] expected beta in [0, 1), got 1");
    REQUIRE_THROWS_WITH(DBMTL{{.sigma = -1}}, "[DBMTL] expected sigma of at least 0, got -1");
}
