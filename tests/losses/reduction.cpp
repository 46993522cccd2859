// SPDX-License-Identifier: MIT
#include <espalier/losses/l1.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/losses/reduction.hpp>

#include "losses/testing.hpp"

using namespace espalier;
using namespace testing;
using losses::Reduction;

TEST_CASE("A mean is over the elements of labelled samples", "[losses]") {
    const Tensor<double> x{{3, 2}, {1, 2, 3, 4, 5, 6}};
    const losses::Target<double> target{Tensor<double>{{3, 2}}, Tensor<bool>{{3}, {true, false, true}}};
    require_loss(losses::L1<double>{}, x, target, {14.0 / 4}, {0.25, 0.25, 0, 0, 0.25, 0.25});
    require_loss(losses::L1<double>{{.reduction = Reduction::sum}}, x, target, {14}, {1, 1, 0, 0, 1, 1});
    require_loss(losses::L1<double>{{.reduction = Reduction::none}}, x, target, {1, 2, 0, 0, 5, 6}, {1, 1, 0, 0, 1, 1});
}

TEST_CASE("A constant prediction has a constant loss", "[losses]") {
    const auto loss = losses::mse_loss(Variable<float>{Tensor<float>::ones({2, 1})}, Tensor<float>{{2, 1}});
    REQUIRE_FALSE(loss.requires_grad());
    REQUIRE(loss.item() == 1);
    const Variable<float> x{Tensor<float>::ones({2, 1}), true};
    REQUIRE_FALSE(no_grad([&] { return losses::mse_loss(x, Tensor<float>{{2, 1}}); }).requires_grad());
}

TEST_CASE("An empty batch has loss 0", "[losses]") {
    require_loss(losses::MSE<double>{}, Tensor<double>{{0, 2}}, Tensor<double>{{0, 2}}, {0}, {});
    require_loss(losses::MSE<double>{}, Tensor<double>{{2, 0}}, Tensor<double>{{2, 0}}, {0}, {});
}

TEST_CASE("A mean over many floats keeps their precision", "[losses]") {
    const Index n = 300000;
    const auto loss = losses::l1_loss(Variable<float>{Tensor<float>::full({n, 1}, 0.1F)}, Tensor<float>{{n, 1}});
    REQUIRE(loss.item() == Approx(0.1F).epsilon(1e-7));
}

TEST_CASE("Values must have the prediction's very shape", "[losses]") {
    const Variable<float> x{Tensor<float>{{4, 1}}, true};
    REQUIRE_THROWS_AS(losses::mse_loss(x, Tensor<float>{{4}}), ShapeError);
    REQUIRE_THROWS_WITH(losses::mse_loss(x, Tensor<float>{{4}}),
                        "[mse_loss] expected values of the shape of the prediction (4, 1), got (4,): reshape them to (4, 1)");
    REQUIRE_THROWS_AS(losses::l1_loss(x, Tensor<Index>{{4}}), StateError);
    REQUIRE_THROWS_WITH(losses::l1_loss(x, Tensor<Index>{{4}}),
                        "[l1_loss] expected a target of values, got class indices of shape (4,): give values as a Tensor<float>");
}
