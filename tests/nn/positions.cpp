// SPDX-License-Identifier: MIT
#include <espalier/nn/positions.hpp>

#include "nn/testing.hpp"

#include <cmath>

using namespace espalier;
using testing::normal;

TEMPLATE_TEST_CASE("sinusoidal positions are those of Vaswani et al.", "[nn][positions]", float, double) {
    using T = TestType;
    const Variable<T> x{Tensor<T>{Shape{2, 40, 5}}, true};  // an odd number of channels, too
    const auto y = nn::SinusoidalPositions{}(x);
    for (Index p = 0; p < 40; ++p)
        for (Index c = 0; c < 5; ++c) {
            const double angle = static_cast<double>(p) / std::pow(10000, 2 * static_cast<double>(c / 2) / 5);
            const double expected = c % 2 ? std::cos(angle) : std::sin(angle);
            CAPTURE(p, c);
            CHECK(static_cast<double>(y.value().at(0, p, c)) == Approx(expected).margin(1e-6));
            CHECK(y.value().at(1, p, c) == y.value().at(0, p, c));
        }
    sum(y).backward();
    CHECK(x.grad() == Tensor<T>::ones(x.shape()));
    CHECK(nn::SinusoidalPositions{}(Variable<T>{Tensor<T>{Shape{0, 4, 6}}}).shape() == Shape{0, 4, 6});
    CHECK(nn::SinusoidalPositions{}(Variable<T>{Tensor<T>{Shape{2, 0, 6}}}).shape() == Shape{2, 0, 6});
    CHECK_THROWS_WITH(nn::SinusoidalPositions{}(Variable<T>{Tensor<T>{Shape{4, 6}}}),
                      "[SinusoidalPositions] expected sequences (N, L, C), got (4, 6)");
}

TEMPLATE_TEST_CASE("learned positions are rows of a table, of which sequences reach the first", "[nn][positions]", float, double) {
    using T = TestType;
    manual_seed(1);
    nn::LearnedPositions<T> layer{5, 3};
    CHECK(layer.named_parameters().names() == "'weight'");
    const auto weight = layer.parameters()[0];
    const auto values = normal<T>({2, 4, 3});
    const auto y = layer(Variable<T>{values});
    for (Index n = 0; n < 2; ++n)
        for (Index p = 0; p < 4; ++p)
            for (Index c = 0; c < 3; ++c)
                CHECK(y.value().at(n, p, c) == values.at(n, p, c) + weight.value().at(p, c));
    sum(y).backward();
    for (Index i = 0; i < 15; ++i)
        CHECK(weight.grad()[i] == (i < 12 ? 2 : 0));
    CHECK(layer(Variable<T>{Tensor<T>{Shape{0, 5, 3}}}).shape() == Shape{0, 5, 3});
    CHECK(layer(Variable<T>{Tensor<T>{Shape{2, 0, 3}}}).shape() == Shape{2, 0, 3});
}

TEST_CASE("what learned positions refuse", "[nn][positions]") {
    CHECK_THROWS_WITH((nn::LearnedPositions{0, 3}), "[LearnedPositions] expected positive counts, got 0 and 3");
    const nn::LearnedPositions<> layer{5, 3};
    CHECK_THROWS_WITH(layer(Variable<>{Tensor<float>{Shape{2, 6, 3}}}),
                      "[LearnedPositions] expected sequences (N, L, 3) of at most 5 steps, got (2, 6, 3)");
    CHECK_THROWS_AS(layer(Variable<>{Tensor<float>{Shape{2, 5, 4}}}), ShapeError);
}
