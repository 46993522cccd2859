// SPDX-License-Identifier: MIT
#include <espalier/nn/linear.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::names;
using testing::normal;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("a linear layer is the operation over its own weights", "[nn][linear]", float, double) {
    using T = TestType;
    nn::Linear<T> layer{3, 2};
    CHECK(names(layer.named_parameters()) == Names{"weight", "bias"});
    CHECK(layer.weight().shape() == Shape{2, 3});
    CHECK(layer.bias().shape() == Shape{2});
    CHECK(layer.parameter_count() == 8);
    layer.weight().mutable_value() = Tensor<T>{{2, 3}, {1, 2, 3, 4, 5, 6}};
    layer.bias().mutable_value() = Tensor<T>{{2}, {10, 20}};
    CHECK(layer(Tensor<T>{{2, 3}, {1, 0, 0, 1, 1, 1}}).value() == Tensor<T>{{2, 2}, {11, 24, 16, 35}});
    const Variable<T> x{normal<T>({2, 4, 3})};
    CHECK(layer(x).value() == autograd::linear<T>(x, layer.weight(), layer.bias()).value());
    CHECK(layer(x).shape() == Shape{2, 4, 2});
}

TEST_CASE("a linear layer may do without bias", "[nn][linear]") {
    nn::Linear layer{3, 2, {.bias = false}};
    CHECK(names(layer.named_parameters()) == Names{"weight"});
    CHECK(layer.parameter_count() == 6);
    const Variable<float> x{normal<float>({4, 3})};
    CHECK(layer(x).value() == autograd::linear<float>(x, layer.weight()).value());
}

TEST_CASE("gradients of a linear layer", "[nn][linear]") {
    nn::Linear<double> layer{3, 2};
    testing::require_gradients(layer, normal<double>({4, 3}));
    nn::Linear<double> plain{3, 2, {.bias = false}};
    testing::require_gradients(plain, normal<double>({2, 2, 3}));
}

TEST_CASE("a linear layer refuses what does not fit", "[nn][linear]") {
    CHECK_THROWS_AS((nn::Linear{0, 2}), ValueError);
    CHECK_THROWS_WITH((nn::Linear{0, 2}), "[Linear] expected at least one feature in and out, got 0 and 2");
    CHECK_THROWS_WITH((nn::Linear{3, -1}), "[Linear] expected at least one feature in and out, got 3 and -1");
    const nn::Linear layer{3, 2};
    CHECK_THROWS_AS(layer(Tensor<float>{Shape{5, 4}}), ShapeError);
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{5, 4}}), "[linear] expected 3 input features, got input (5, 4)");
    CHECK_THROWS_WITH(layer(Tensor<float>::scalar(1)), "[linear] expected 3 input features, got input ()");
}
