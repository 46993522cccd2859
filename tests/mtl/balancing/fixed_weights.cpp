// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/fixed_weights.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::Outcome;
using testing::outcome;
using testing::step_context;

TEST_CASE("Sum and Mean weight the active tasks alike", "[mtl][balancing]") {
    mtl::Sum sum;
    mtl::Mean mean;
    CHECK(outcome(sum, {1, 2, 4}) == Outcome{7, {1, 1, 1}});
    CHECK(outcome(mean, {1, 2, 4, 5}) == Outcome{3, {0.25, 0.25, 0.25, 0.25}});
    CHECK(outcome(mean, step_context({1, 2}, {0, 5}, 7)) == Outcome{1.5, {0.5, 0.5}});
    CHECK(outcome<float>(sum, {3}) == Outcome{3, {1}});
    CHECK(outcome<float>(mean, {3}) == Outcome{3, {1}});
}

TEST_CASE("FixedWeights takes the weights of the active tasks", "[mtl][balancing]") {
    mtl::FixedWeights rule{1, 2};
    rule.start(2);
    CHECK(outcome(rule, {1, 2}) == Outcome{5, {1, 2}});
    CHECK(outcome<float>(rule, {1, 2}) == Outcome{5, {1, 2}});
    mtl::FixedWeights longer{{0.5, 7, 3}};
    CHECK(outcome(longer, step_context({2, 4}, {0, 2}, 3)) == Outcome{13, {0.5, 3}});
    CHECK(outcome(longer, step_context({2}, {1}, 3)) == Outcome{14, {7}});
    mtl::FixedWeights copy = longer;
    CHECK(copy.weights() == std::vector<double>{0.5, 7, 3});
}

TEST_CASE("FixedWeights refuses weights that fit no sum, and another number of them", "[mtl][balancing]") {
    using mtl::FixedWeights;
    CHECK_THROWS_WITH((FixedWeights{1, -2}), "[FixedWeights] expected weights of at least 0, got -2 for task 1");
    CHECK_THROWS_AS((FixedWeights{NAN}), ValueError);
    CHECK_THROWS_AS((FixedWeights{1, INFINITY}), ValueError);
    FixedWeights rule{1, 2};
    CHECK_THROWS_WITH(rule.start(3), "[FixedWeights] expected 3 weights, one for each task, got 2");
    CHECK_THROWS_AS(outcome(rule, {1, 2, 3}), ShapeError);
}
