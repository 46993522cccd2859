// SPDX-License-Identifier: MIT
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/l1.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/losses/weighted_sum.hpp>

#include "losses/testing.hpp"

#include <type_traits>

using namespace espalier;
using namespace testing;
using losses::WeightedSum;

TEST_CASE("a weighted sum of losses has their values and gradients", "[losses]") {
    const Tensor<double> at{{4, 1}, {1, -2, 0.5, 3}};
    const losses::Target<double> target{Tensor<double>{{4, 1}, {0, 1, 2, 1}}};
    const WeightedSum<double> both{{losses::L1<double>{}, 2}, {losses::MSE<double>{}, 0.5}};
    // d = 1, -3, -1.5, 2: mean |d| = 7.5 / 4, mean d^2 = 16.25 / 4
    require_loss(both, at, target, {2 * 7.5 / 4 + 0.5 * 16.25 / 4}, {0.5 + 0.25, -0.5 - 0.75, -0.5 - 0.375, 0.5 + 0.5});
    require_gradients(both, at, target);
    require_masked(both, at, target);
    CHECK(both.terms().size() == 2);
    CHECK(both.terms()[1].weight == 0.5);
}

TEST_CASE("a loss of which nothing counts adds 0, and one of weight 1 alone is itself", "[losses]") {
    const Variable<float> x{Tensor<float>{{2, 2}, {1, 2, 3, 5}}, true};
    const losses::Target<float> target{Tensor<Index>{{2}, {0, 1}}};
    const WeightedSum plain{{losses::CrossEntropy{}}};
    STATIC_REQUIRE(std::is_same_v<decltype(plain), const WeightedSum<float>>);
    CHECK(plain(x, target).value() == losses::cross_entropy(x, target).value());
    const WeightedSum with_other{
        {losses::CrossEntropy{}},
        {[](const Variable<float>&, const losses::Target<float>&) { return Variable<float>{Tensor<float>{Shape{1}}}; }, 3}};
    const auto sum = with_other(x, target);
    CHECK(sum.value() == losses::cross_entropy(x, target).value());
    CHECK(sum.requires_grad());
    const losses::Loss<float> nested = WeightedSum{{losses::Loss<float>{plain}, 0.5}, {losses::CrossEntropy{}, 0.5}};
    CHECK(nested(x, target).item() == Approx(plain(x, target).item()));
}

TEST_CASE("what a weighted sum refuses", "[losses]") {
    CHECK_THROWS_AS(WeightedSum<float>{std::vector<losses::LossTerm<float>>{}}, ValueError);
    CHECK_THROWS_WITH(WeightedSum<float>{std::vector<losses::LossTerm<float>>{}}, "[WeightedSum] expected at least one loss, got none");
    CHECK_THROWS_WITH((WeightedSum{{losses::MSE{}}, {losses::L1{}, -1}}),
                      "[WeightedSum] expected a weight of at least 0 for loss 1, got -1");
    CHECK_THROWS_AS((WeightedSum{{losses::MSE{}, NAN}, {losses::L1{}}}), ValueError);
    CHECK_THROWS_WITH((WeightedSum<float>{{losses::MSE{}}, {losses::Loss<float>{}}}),
                      "[WeightedSum] expected a loss, got an empty function at 1");
    const Variable<float> x{Tensor<float>{Shape{2, 3}}};
    const losses::Target<float> values{Tensor<float>{Shape{2, 3}}};
    const WeightedSum unreduced{{losses::L1{}}, {losses::MSE{{.reduction = losses::Reduction::none}}}};
    CHECK_THROWS_AS(unreduced(x, values), ShapeError);
    CHECK_THROWS_WITH(unreduced(x, values),
                      "[WeightedSum] expected losses of one element, got (2, 3) from loss 1: use the mean or the sum");
    CHECK_THROWS_WITH(unreduced(x, losses::Target<float>{Tensor<Index>{{2}, {0, 1}}}), ContainsSubstring("[l1_loss] expected"));
}
