// SPDX-License-Identifier: MIT
#include <espalier/losses/huber.hpp>

#include "losses/testing.hpp"

using namespace espalier;
using namespace testing;
using losses::Huber;
using losses::Reduction;

TEST_CASE("huber_loss equals PyTorch's", "[losses]") {
    // torch 2.13: F.huber_loss(p, t, delta=0.7, reduction=r)
    const Tensor<double> prediction{{3, 2}, {1.5, -0.5, 0.25, 3.0, -2.0, 0.75}};
    const Tensor<double> values{{3, 2}, {1.0, 0.5, 0.0, 1.0, -1.0, 0.75}};
    require_loss(Huber<double>{{.delta = 0.7}}, prediction, values, {0.37020833333333325},
                 {0.08333333333333333, -0.11666666666666665, 0.041666666666666664, 0.11666666666666665, -0.11666666666666665, 0});
    require_loss(Huber<double>{{.delta = 0.7, .reduction = Reduction::sum}}, prediction, values, {2.2212499999999995},
                 {0.5, -0.7, 0.25, 0.7, -0.7, 0});
    require_loss(Huber<double>{{.delta = 0.7, .reduction = Reduction::none}}, prediction, values,
                 {0.125, 0.45499999999999996, 0.03125, 1.1549999999999998, 0.45499999999999996, 0}, {});
}

TEST_CASE("huber_loss's gradients and masks hold for all options", "[losses][gradcheck]") {
    Random random{2};
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        for (const double delta : {0.3, 1.0, 5.0})
            for (const Shape& shape : {Shape{4}, Shape{4, 1}, Shape{4, 2, 3}}) {
                const Huber<double> loss{{.delta = delta, .reduction = reduction}};
                const auto x = Tensor<double>::normal(shape, random);
                const auto y = Tensor<double>::normal(shape, random);
                require_gradients(loss, x, y);
                require_masked(loss, x, y);
            }
}

TEST_CASE("huber_loss refuses a bad delta", "[losses]") {
    REQUIRE_THROWS_AS(losses::Huber{{.delta = 0}}, ValueError);
    REQUIRE_THROWS_WITH(losses::Huber{{.delta = -1}}, "[huber_loss] expected a finite delta above 0, got -1");
    REQUIRE_THROWS_WITH(losses::huber_loss(Variable<float>{Tensor<float>{{1}}}, Tensor<float>{{1}}, {.delta = INFINITY}),
                        "[huber_loss] expected a finite delta above 0, got inf");
}
