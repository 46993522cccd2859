// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/grad_cosine.hpp>

using namespace espalier;
using namespace testing;
using mtl::GradCosine;
using mtl::Weights;

TEST_CASE("GradCosine drops auxiliary gradients that point away from the main one", "[mtl]") {
    const mtl::Gramian conflicting{{18, -22}, {-22, 38}};
    CHECK(GradCosine{}(conflicting) == Weights{1, 0});
    CHECK(GradCosine{{.main = 1}}(conflicting) == Weights{0, 1});
    CHECK(GradCosine{{.weighted = true}}(conflicting) == Weights{1, 0});
    const mtl::Gramian three{{4, 3, 0}, {3, 9, -1}, {0, -1, 1}};
    CHECK(GradCosine{}(three) == Weights{1, 1, 1});
    CHECK(GradCosine{{.main = 1}}(three) == Weights{1, 1, 0});
    CHECK(GradCosine{{.weighted = true}}(three) == Weights{1, 0.5, 0});
}

TEST_CASE("GradCosine finds the main task among the active ones", "[mtl]") {
    const mtl::Matrix products{{18, -22}, {-22, 38}};
    CHECK(GradCosine{{.main = 2}}(mtl::Gramian{products, step_of({1, 2}, 3, 0)}) == Weights{0, 1});
    CHECK(GradCosine{{.main = 0}}(mtl::Gramian{products, step_of({1, 2}, 3, 0)}) == Weights{1, 1});
    REQUIRE_THROWS_WITH(GradCosine{{.main = 3}}.start(3), "[GradCosine] expected a main task below 3, got 3");
}

TEST_CASE("GradCosine as a rule", "[mtl]") {
    const auto make = [weighted = GENERATE(false, true)] { return GradCosine{{.weighted = weighted}}; };
    check_state<double>(make, gramian_of_rows<double>);
    check_finite<double>(make, gramian_of_rows<double>);
}
