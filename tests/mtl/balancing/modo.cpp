// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/modo.hpp>

using namespace espalier;
using namespace testing;
using mtl::CrossGramian;
using mtl::MoDo;

TEST_CASE("MoDo's step is a projection on the simplex", "[mtl]") {
    MoDo rule{{.gamma = 0.01, .rho = 0.5}};
    rule.start(2);
    // w - gamma (A w + rho w) = (1/2, 1/2) - 0.01 ((-2, 8) + (1/4, 1/4)) = (0.5175, 0.4175), plus 0.0325 for the sum.
    const auto w = rule(CrossGramian{{18, -22}, {-22, 38}});
    CHECK(w[0] == Approx(0.55));
    CHECK(w[1] == Approx(0.45));
    // A is not symmetric: A w, not A^T w. (0.55, 0.45) - 0.01 ((0.45, 0) + (0.275, 0.225)) = (0.54275, 0.44775), plus 0.00475.
    const auto v = rule(CrossGramian{{0, 1}, {0, 0}});
    CHECK(v[0] == Approx(0.5475));
    CHECK(v[1] == Approx(0.4525));
}

TEST_CASE("MoDo as a rule with state", "[mtl]") {
    const auto make = [] { return MoDo{}; };
    check_state<double>(make, cross_gramian_of_rows<double>);
    check_finite<double>(make, cross_gramian_of_rows<double>);
    MoDo rule;
    rule.start(2);
    CHECK(rule(CrossGramian{{2e30, 0}, {0, 1e30}}) == mtl::Weights{0, 1});
}

TEST_CASE("MoDo refuses what it cannot use", "[mtl]") {
    REQUIRE_THROWS_WITH(MoDo{{.gamma = 0}}, "[MoDo] expected gamma above 0, got 0");
    REQUIRE_THROWS_WITH(MoDo{{.rho = -1}}, "[MoDo] expected rho of at least 0, got -1");
    REQUIRE_THROWS_WITH(MoDo{}(CrossGramian{{1}}), "[MoDo] expected a step of 0 tasks, as told by start(), got one of 1");
}
