// SPDX-License-Identifier: MIT
#include <espalier/losses/mse.hpp>

#include "losses/testing.hpp"

using namespace espalier;
using namespace testing;
using losses::MSE;
using losses::Reduction;

namespace {
const Tensor<double> prediction{{3, 2}, {1.5, -0.5, 0.25, 3.0, -2.0, 0.75}};
const Tensor<double> values{{3, 2}, {1.0, 0.5, 0.0, 1.0, -1.0, 0.75}};
}  // namespace

TEST_CASE("mse_loss equals PyTorch's", "[losses]") {
    // torch 2.13: F.mse_loss(p, t, reduction=r)
    require_loss(MSE<double>{}, prediction, values, {1.0520833333333333},
                 {0.16666666666666666, -0.3333333333333333, 0.08333333333333333, 0.6666666666666666, -0.3333333333333333, 0});
    require_loss(MSE<double>{{.reduction = Reduction::sum}}, prediction, values, {6.3125}, {1, -2, 0.5, 4, -2, 0});
    require_loss(MSE<double>{{.reduction = Reduction::none}}, prediction, values, {0.25, 1, 0.0625, 4, 1, 0}, {1, -2, 0.5, 4, -2, 0});
}

TEST_CASE("mse_loss's gradients and masks hold for all reductions", "[losses][gradcheck]") {
    Random random{2};
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        for (const Shape& shape : {Shape{4}, Shape{4, 1}, Shape{4, 2, 3}}) {
            const MSE<double> loss{{.reduction = reduction}};
            const auto x = Tensor<double>::normal(shape, random);
            const auto y = Tensor<double>::normal(shape, random);
            require_gradients(loss, x, y);
            require_masked(loss, x, y);
        }
}

TEST_CASE("mse_loss works in float and as any loss", "[losses]") {
    const losses::Loss<float> loss = losses::MSE{};
    Variable<float> x{Tensor<float>{{2}, {3, 1}}, true};
    const auto y = loss(x, Tensor<float>{{2}, {1, 1}});
    y.backward();
    REQUIRE(y.item() == 2);
    REQUIRE(x.grad() == Tensor<float>{{2}, {2, 0}});
}
