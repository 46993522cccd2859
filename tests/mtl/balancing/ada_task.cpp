// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/ada_task.hpp>
#include <espalier/optim/adam.hpp>

using namespace espalier;
using namespace testing;
using mtl::AdaTask;

TEST_CASE("AdaTask begins with the sum of the signs", "[mtl]") {
    AdaTask<double> rule{{.eps = 1e-300}};
    const auto direction = rule(jacobian_of(Tensor<double>{{2, 3}, {-4, 1, 1, 6, 1, 1}}, step_of({0, 1}, 2, 0)));
    CHECK(direction[0] == Approx(0).margin(1e-12));
    CHECK(direction[1] == Approx(2));
    CHECK(direction[2] == Approx(2));
}

TEST_CASE("AdaTask of one task is Adam", "[mtl]") {
    AdaTask<float> rule;
    nn::Parameter<float> parameter{Tensor<float>{Shape{6}}};
    optim::Adam adam{std::vector<Variable<float>>{parameter}, {.learning_rate = 0.125}};
    Tensor<float> here{Shape{6}};
    for (Index s = 0; s < 4; ++s) {
        const auto gradient = hashed_rows<float>(1, 6, static_cast<std::uint64_t>(s));
        const auto direction = rule(jacobian_of(gradient, step_of({0}, 1, s)));
        adam.zero_grad();
        Variable<float>{parameter}.add_grad(gradient.reshape({6}));
        adam.step();
        for (Index p = 0; p < 6; ++p) {
            here[p] -= 0.125F * direction[p];
            CHECK(parameter.value()[p] == Approx(here[p]).margin(1e-6));
        }
    }
}

TEMPLATE_TEST_CASE("AdaTask as a rule with state", "[mtl]", float, double) {
    const auto make = [] { return AdaTask<TestType>{}; };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
    check_other_size<TestType>(make, "AdaTask");
}

TEST_CASE("AdaTask refuses settings out of range", "[mtl]") {
    REQUIRE_THROWS_WITH(AdaTask{{.beta1 = 1}}, "[AdaTask] expected betas in [0, 1), got 1 and 0.999");
    REQUIRE_THROWS_WITH(AdaTask{{.eps = 0}}, "[AdaTask] expected eps above 0, got 0");
}
