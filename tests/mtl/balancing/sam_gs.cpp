// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/sam_gs.hpp>

using namespace espalier;
using mtl::SAMGS;

namespace {

mtl::Jacobian<double> conflicting() {
    return testing::jacobian_of(Tensor<double>{{2, 3}, {-4, 1, 1, 6, 1, 1}}, testing::step_of({0, 1}, 2, 0));
}

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
    const double spread = std::sqrt(std::pow(1 - 0.9670239, 2) + 1e-6) + 1e-8;
    CHECK(direction[0] == Approx((-16 + 36) / spread).epsilon(1e-5));
    CHECK(direction[1] == Approx(2 / spread).epsilon(1e-5));
}

TEMPLATE_TEST_CASE("SAMGS as a rule with state", "[mtl]", float, double) {
    const bool distinct = GENERATE(false, true);
    const auto make = [distinct] { return SAMGS<TestType>{{.gamma = 0.9, .distinct_pairs = distinct}}; };
    testing::check_state<TestType>(make, testing::jacobian_of<TestType>);
    testing::check_finite<TestType>(make, testing::jacobian_of<TestType>);
    testing::check_threads<TestType>(make);
    testing::check_other_size<TestType>(make, "SAMGS");
}

TEST_CASE("SAMGS refuses settings out of range", "[mtl]") {
    REQUIRE_THROWS_WITH(SAMGS{{.beta2 = 1}}, "[SAMGS] expected betas in [0, 1), got 0.9 and 1");
    REQUIRE_THROWS_WITH(SAMGS{{.gamma = 2}}, "[SAMGS] expected gamma in [0, 1], got 2");
    REQUIRE_THROWS_WITH(SAMGS{{.eps = 0}}, "[SAMGS] expected eps above 0, got 0");
}
