// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/sam_gs.hpp>

using namespace espalier;
using namespace testing;
using mtl::SAMGS;

namespace {

mtl::Jacobian<double> conflicting() { return jacobian_of(Tensor<double>{{2, 3}, {-4, 1, 1, 6, 1, 1}}, step_of({0, 1}, 2, 0)); }

}  // namespace

TEST_CASE("SAMGS equalises lengths below its similarity", "[mtl]") {
    // psi = .93405, and with the pairs of a task with itself .96702
    SAMGS<double> above{{.gamma = 0.96703}}, distinct{{.gamma = 0.93406, .distinct_pairs = true}};
    for (const auto& direction : {above(conflicting()), distinct(conflicting())}) {
        CHECK(direction[0] == Approx(0.15881).margin(1e-5));
        CHECK(direction[1] == Approx(2.07061).margin(1e-5));
        CHECK(direction[2] == Approx(2.07061).margin(1e-5));
    }
    CHECK(SAMGS<double>{{.gamma = 0.96702}}(conflicting())[0] != Approx(0.15881).margin(1e-5));
    CHECK(SAMGS<double>{{.gamma = 0.93404, .distinct_pairs = true}}(conflicting())[0] != Approx(0.15881).margin(1e-5));
}

TEST_CASE("SAMGS modulates similar gradients by their momentum", "[mtl]") {
    const auto direction = SAMGS<double>{}(conflicting());
    // In the first step the momentum is g itself, and h = (1 - S)^2 + 100 eps: |g| g / h^(1/2).
    const double similarity = (2 + 2 * (2 * std::sqrt(18.0 * 38) / (18 + 38))) / 4;
    const double spread = std::sqrt(std::pow(1 - similarity, 2) + 1e-6) + 1e-8;
    CHECK(direction[0] == Approx((-16 + 36) / spread).epsilon(1e-9));
    CHECK(direction[1] == Approx(2 / spread).epsilon(1e-9));
}

TEMPLATE_TEST_CASE("SAMGS as a rule with state", "[mtl]", float, double) {
    const bool distinct = GENERATE(false, true);
    const auto make = [distinct] { return SAMGS<TestType>{{.gamma = 0.9, .distinct_pairs = distinct}}; };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
    check_other_size<TestType>(make, "SAMGS");
}

TEST_CASE("SAMGS refuses settings out of range", "[mtl]") {
    REQUIRE_THROWS_WITH(SAMGS{{.beta2 = 1}}, "[SAMGS] expected betas in [0, 1), got 0.9 and 1");
    REQUIRE_THROWS_WITH(SAMGS{{.gamma = 2}}, "[SAMGS] expected gamma in [0, 1], got 2");
    REQUIRE_THROWS_WITH(SAMGS{{.eps = 0}}, "[SAMGS] expected eps above 0, got 0");
}
