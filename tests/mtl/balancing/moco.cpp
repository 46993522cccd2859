// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/moco.hpp>

using namespace espalier;
using namespace testing;
using mtl::MoCo;

TEST_CASE("MoCo tracks gradients and moves the weights along", "[mtl]") {
    const Tensor<double> rows{{2, 3}, {-4, 1, 1, 6, 1, 1}};
    MoCo<double> rule{{.beta = 1, .gamma = 0.01}};
    const auto direction = rule(jacobian_of(rows, step_of({0, 1}, 2, 0)));
    // G (1/2, 1/2) = (-2, 8): lambda = (0.52, 0.42), of which the nearest point of the simplex is (0.55, 0.45)
    CHECK(direction[0] == Approx(-4 * 0.55 + 6 * 0.45));
    CHECK(direction[1] == Approx(1));

    MoCo<double> softmax{{.beta = 1, .gamma = 0.01, .softmax = true}};
    const double share = 1 / (1 + std::exp(0.42 - 0.52));
    CHECK(softmax(jacobian_of(rows, step_of({0, 1}, 2, 0)))[0] == Approx(-4 * share + 6 * (1 - share)));
}

TEST_CASE("MoCo's weights end at the shortest combination if the gradients stay", "[mtl]") {
    const Tensor<double> rows{{2, 3}, {-4, 1, 1, 6, 1, 1}};
    MoCo<double> rule{{.beta = 0.5, .beta_sigma = 0, .gamma = 0.01, .gamma_sigma = 0}};
    Tensor<double> direction;
    for (Index s = 0; s < 500; ++s)
        direction = rule(jacobian_of(rows, step_of({0, 1}, 2, s)));
    CHECK(direction[0] == Approx(0).margin(1e-9));  // MGDA's (0, 1, 1), by the weights 3/5 and 2/5
    CHECK(direction[1] == Approx(1));
}

TEST_CASE("tasks that are not active keep their share of MoCo's weights", "[mtl]") {
    MoCo<double> rule;
    (void)rule(jacobian_of(hashed_rows<double>(3, 9, 1), step_of({0, 1, 2}, 3, 0)));
    StateOf<double> before, after;
    rule.visit(before);
    (void)rule(jacobian_of(hashed_rows<double>(2, 9, 2), step_of({0, 2}, 3, 1)));
    rule.visit(after);
    const auto& w = before.doubles.at("weights");
    const auto& v = after.doubles.at("weights");
    CHECK(v[1] == w[1]);
    CHECK(v[0] != w[0]);
    CHECK(v[0] + v[1] + v[2] == Approx(1));
    for (Index p = 0; p < 9; ++p)
        CHECK(after.doubles.at("tracked").at(1, p) == before.doubles.at("tracked").at(1, p));
}

TEMPLATE_TEST_CASE("MoCo as a rule with state", "[mtl]", float, double) {
    const bool libmtl = GENERATE(false, true);
    const auto make = [libmtl] { return MoCo<TestType>{{.rho = 0.1, .normalised = libmtl, .softmax = libmtl}}; };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
    check_other_size<TestType>(make, "MoCo");
}

TEST_CASE("MoCo refuses settings out of range", "[mtl]") {
    REQUIRE_THROWS_WITH(MoCo{{.beta = 0}}, "[MoCo] expected beta in (0, 1], got 0");
    REQUIRE_THROWS_WITH((MoCo{{.gamma = -1, .rho = 2}}), "[MoCo] expected gamma and rho of at least 0, got -1 and 2");
    REQUIRE_THROWS_WITH((MoCo{{.beta_sigma = -1}}), "[MoCo] expected decays of at least 0, got -1 and 0.5");
}
