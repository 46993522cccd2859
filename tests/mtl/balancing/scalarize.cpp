// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/scalarize.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::Outcome;
using testing::outcome;
using testing::step_context;

namespace {

/// L_0 L_1^2, the way one would write a rule of one's own.
const auto product = [](const auto& losses) {
    const auto values = losses.values();
    return mtl::scalarize("product", losses, values[0] * values[1] * values[1], {values[1] * values[1], 2 * values[0] * values[1]});
};

}  // namespace

TEST_CASE("scalarize records a value and its derivatives as one operation", "[mtl][balancing]") {
    CHECK(outcome(product, {3, 2}) == Outcome{12, {4, 12}});
    CHECK(outcome<float>(product, {3, 2}) == Outcome{12, {4, 12}});
    CHECK(testing::differences(product, {3, 2}));

    const std::vector<Variable<double>> inputs{
        {Tensor<double>{{2}, {1, 2}}, true}, {Tensor<double>::scalar(5), false}, {Tensor<double>{{1, 1}, {7}}, true}};
    const auto y = mtl::scalarize<double>("mixed", inputs, -3, {1, 10, 100, 1000});
    CHECK(y.item() == -3);
    CHECK(std::string{y.operation()} == "mixed");
    const std::vector<Variable<double>> wrt{inputs[0], inputs[2]};
    const auto rows = autograd::vjp<double>(y, {{2}, {1, -2}}, wrt);  // two cotangents at once
    CHECK(std::vector<double>(rows[0].begin(), rows[0].end()) == std::vector<double>{1, 10, -2, -20});
    CHECK(rows[1].shape() == Shape{2, 1, 1});
    CHECK(rows[1][1] == -2000);

    CHECK_THROWS_WITH(mtl::scalarize<double>("mixed", inputs, 0, {1, 2}), "[mixed] expected 4 derivatives, got 2");
}

TEST_CASE("weighted takes the weights for constants", "[mtl][balancing]") {
    const auto own = [](const auto& losses) { return mtl::weighted(losses, losses.values()); };
    CHECK(outcome(own, {3, 2}) == Outcome{13, {3, 2}});
    const auto few = [](const auto& losses) { return mtl::weighted(losses, losses.values().first(1)); };
    CHECK_THROWS_AS(outcome(few, {3, 2}), ShapeError);
}

TEST_CASE("softmax overflows for no logits and returns the logarithm of their sum", "[mtl][balancing]") {
    std::vector<double> logits{0, std::log(3.0)};
    CHECK(mtl::detail::to_softmax(logits) == Approx(std::log(4.0)));
    CHECK(logits[1] == Approx(0.75));
    std::vector<double> large{1e300, -1e300, 1e300};
    CHECK(mtl::detail::to_softmax(large) == 1e300);
    CHECK(large == std::vector<double>{0.5, 0, 0.5});
    std::vector<double> one{-1e15};
    CHECK(mtl::detail::to_softmax(one) == -1e15);
    CHECK(one[0] == 1);
}

TEST_CASE("LossAverage averages what it has seen of each task", "[mtl][balancing]") {
    mtl::LossAverage average;
    average.start(3);
    average.add(step_context({1, 2}, {0, 2}, 3));
    average.add(step_context({3}, {0}, 3));
    CHECK(average[0] == 2);
    CHECK(average[2] == 2);
    CHECK_FALSE(average.has(1));
    average.add_missing(step_context({9, 8}, {0, 1}, 3));
    CHECK(average[0] == 2);
    CHECK(average[1] == 8);
    average.clear();
    CHECK_FALSE(average.has(0));
    CHECK(average.size() == 3);
}
