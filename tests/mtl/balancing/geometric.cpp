// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/geometric.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::differences;
using testing::Outcome;
using testing::outcome;
using testing::step_context;

TEST_CASE("GLS is the geometric mean, with its derivatives", "[mtl][balancing]") {
    mtl::GLS rule;
    const auto result = outcome(rule, {1, 2, 4});
    CHECK(result.value == Approx(2).epsilon(1e-14));
    CHECK(result.gradient[0] == Approx(2.0 / 3).epsilon(1e-14));
    CHECK(result.gradient[2] == Approx(2.0 / 12).epsilon(1e-14));
    CHECK(differences(rule, {1, 2, 4}));
    CHECK(differences(rule, {0.3}));
    const auto one = outcome(rule, {0.3});
    CHECK(one.value == Approx(0.3).epsilon(1e-14));
    CHECK(one.gradient[0] == Approx(1).epsilon(1e-14));
    const auto single = outcome<float>(rule, {1, 2, 4});
    CHECK(single.value == Approx(2).epsilon(1e-6));
}

TEST_CASE("GLS's product neither overflows nor vanishes; a loss of 0 makes all 0", "[mtl][balancing]") {
    mtl::GLS rule;
    for (const double scale : {1e-200, 1e-15, 1e15, 1e200}) {
        const auto result = outcome(rule, std::vector<double>(40, scale));
        CHECK(result.value == Approx(scale));
        CHECK(result.gradient[7] == Approx(1.0 / 40));
    }
    CHECK(outcome(rule, {1e-15, 1e15}).gradient[0] == Approx(0.5e15));
    CHECK(outcome(rule, {0, 2}) == Outcome{0, {0, 0}});
    CHECK(outcome(rule, {0}) == Outcome{0, {0}});
    CHECK_THROWS_WITH(outcome(rule, step_context({1, -1}, {0, 2}, 3)), "[GLS] expected losses of at least 0, got -1 for task 2");
}

TEST_CASE("ScaleInvariant is the sum of the logarithms", "[mtl][balancing]") {
    mtl::ScaleInvariant rule;
    const auto result = outcome(rule, {1, 2, 4});
    CHECK(result.value == Approx(std::log(8.0)));
    CHECK(result.gradient == std::vector<double>{1, 0.5, 0.25});
    CHECK(outcome<float>(rule, {1, 2, 4}).gradient == result.gradient);
    CHECK(differences(rule, {1, 2, 4}));
    CHECK(outcome(rule, {1e-15, 1e15}).gradient[0] == Approx(1e15));
    CHECK_THROWS_WITH(outcome(rule, {1, 0}), "[ScaleInvariant] expected losses above 0, got 0 for task 1");
    CHECK_THROWS_AS(outcome(rule, {-1}), ValueError);
}
