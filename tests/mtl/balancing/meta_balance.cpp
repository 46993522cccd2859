// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/meta_balance.hpp>

using namespace espalier;
using namespace testing;
using mtl::MetaBalance;
using mtl::MetaBalanceStrategy;

namespace {

/// Two parameters, in the first of which the main gradient is the longer one, and in the second the shorter one.
mtl::Jacobian<double> two_parameters() {
    return {Tensor<double>{{2, 3}, {3, 4, 1, 0, 1, -2}}, step_of({0, 1}, 2, 0), {{"a", 0, 2}, {"b", 2, 1}}};
}

Tensor<double> rounded(Tensor<double> values) {
    for (double& value : values)
        value = std::round(value * 1e12) / 1e12;
    return values;
}

}  // namespace

TEST_CASE("MetaBalance scales auxiliary gradients in each parameter by itself", "[mtl]") {
    CHECK(rounded(MetaBalance{{.relax = 1}}(two_parameters())) == Tensor<double>{{3}, {3, 9, 0}});
    CHECK(rounded(MetaBalance{{.relax = 0}}(two_parameters())) == Tensor<double>{{3}, {3, 5, -1}});
    CHECK(rounded(MetaBalance{}(two_parameters())) == Tensor<double>{{3}, {3, 7.8, -0.3}});  // .7 * 5 + .3, .7 * .5 + .3
    CHECK(rounded(MetaBalance{{.relax = 1, .strategy = MetaBalanceStrategy::longer_than_main}}(two_parameters())) ==
          Tensor<double>{{3}, {3, 5, 0}});
    CHECK(rounded(MetaBalance{{.relax = 1, .strategy = MetaBalanceStrategy::shorter_than_main}}(two_parameters())) ==
          Tensor<double>{{3}, {3, 9, -1}});
    CHECK(rounded(MetaBalance{{.main = 1, .relax = 1}}(two_parameters())) == Tensor<double>{{3}, {0.6, 1.8, 0}});
}

TEST_CASE("MetaBalance without its main task, or with nothing of it, is finite", "[mtl]") {
    MetaBalance rule;
    const auto alone = jacobian_of(Tensor<double>{{1, 2}, {3, 4}}, step_of({1}, 2, 0));
    CHECK(rule(alone) == Tensor<double>{{2}, {3, 4}});
    MetaBalance other{{.relax = 1}};
    const auto none = jacobian_of(Tensor<double>{{2, 2}, {0, 0, 3, 4}}, step_of({0, 1}, 2, 0));
    CHECK(other(none) == Tensor<double>{{2}, {0, 0}});
}

TEMPLATE_TEST_CASE("MetaBalance as a rule with state", "[mtl]", float, double) {
    const auto make = [] { return MetaBalance{}; };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
}

TEST_CASE("MetaBalance refuses other parameters and a main task that is not there", "[mtl]") {
    MetaBalance rule, other;
    CHECK(rule(two_parameters()) == other(two_parameters()));
    REQUIRE_THROWS_WITH(rule(jacobian_of(hashed_rows<double>(2, 3, 1), step_of({0, 1}, 2, 1))),
                        "[MetaBalance] expected 2 shared parameters of 2 tasks, of which it keeps running lengths, got 1 of 2");
    CHECK(rule(two_parameters()) == other(two_parameters()));
    REQUIRE_THROWS_WITH(MetaBalance{{.main = 2}}.start(2), "[MetaBalance] expected a main task below 2, got 2");
    REQUIRE_THROWS_WITH(MetaBalance{{.relax = 2}}, "[MetaBalance] expected relax in [0, 1], got 2");
    REQUIRE_THROWS_WITH(MetaBalance{{.beta = 1}}, "[MetaBalance] expected beta in [0, 1), got 1");
}
