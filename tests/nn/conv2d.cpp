// SPDX-License-Identifier: MIT
#include <espalier/nn/conv2d.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::names;
using testing::normal;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("a convolutional layer is the operation over its own weights", "[nn][conv2d]", float, double) {
    using T = TestType;
    nn::Conv2d<T> layer{4, 6, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2}};
    CHECK(names(layer.named_parameters()) == Names{"weight", "bias"});
    CHECK(layer.weight().shape() == Shape{6, 3, 2, 2});
    CHECK(layer.bias().shape() == Shape{6});
    CHECK(layer.parameter_count() == 6 * 3 * 2 * 2 + 6);
    const Variable<T> x{normal<T>({2, 7, 6, 4})};
    const autograd::Conv2dOptions options{{2, 1}, {1, 0}, {1, 2}, 2};
    CHECK(layer(x).shape() == Shape{2, 4, 4, 6});
    CHECK(layer(x).value() == autograd::conv2d<T>(x, layer.weight(), layer.bias(), options).value());

    nn::Conv2d<T> plain{4, 5, 3, {.padding = 1, .bias = false}};
    CHECK(names(plain.named_parameters()) == Names{"weight"});
    CHECK(plain.parameter_count() == 5 * 9 * 4);
    CHECK(plain(x).value() == autograd::conv2d<T>(x, plain.weight(), {.padding = 1}).value());
}

TEST_CASE("a convolution by hand", "[nn][conv2d]") {
    nn::Conv2d layer{1, 1, 2};
    layer.weight().mutable_value() = Tensor<float>{{1, 2, 2, 1}, {1, 2, 3, 4}};
    layer.bias().mutable_value() = Tensor<float>{{1}, {100}};
    const Tensor<float> image{{1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}};
    CHECK(layer(image).value() == Tensor<float>{{1, 1, 2, 1}, {100 + 1 + 4 + 12 + 20, 100 + 2 + 6 + 15 + 24}});
}

TEST_CASE("gradients of a convolutional layer", "[nn][conv2d]") {
    nn::Conv2d<double> layer{2, 4, {2, 3}, {.stride = {1, 2}, .padding = 1, .groups = 2}};
    testing::require_gradients(layer, normal<double>({2, 3, 4, 2}));
    nn::Conv2d<double> plain{2, 3, 2, {.dilation = 2, .bias = false}};
    testing::require_gradients(plain, normal<double>({1, 4, 3, 2}));
}

TEST_CASE("a convolutional layer refuses what does not fit", "[nn][conv2d]") {
    CHECK_THROWS_AS((nn::Conv2d{0, 2, 3}), ValueError);
    CHECK_THROWS_WITH((nn::Conv2d{0, 2, 3}), "[Conv2d] expected positive channels and kernel, got 0, 2 and 3x3");
    CHECK_THROWS_WITH((nn::Conv2d{1, -2, 3}), "[Conv2d] expected positive channels and kernel, got 1, -2 and 3x3");
    CHECK_THROWS_WITH((nn::Conv2d{1, 2, {3, 0}}), "[Conv2d] expected positive channels and kernel, got 1, 2 and 3x0");
    CHECK_THROWS_AS((nn::Conv2d{4, 6, 3, {.groups = 4}}), ValueError);
    CHECK_THROWS_WITH((nn::Conv2d{4, 6, 3, {.groups = 4}}), "[Conv2d] expected groups that divide 4 and 6 channels, got 4");
    CHECK_THROWS_WITH((nn::Conv2d{4, 6, 3, {.groups = 0}}), "[Conv2d] expected groups that divide 4 and 6 channels, got 0");
    const nn::Conv2d layer{3, 2, 3};
    CHECK_THROWS_AS(layer(Tensor<float>{Shape{32, 28, 28, 1}}), ShapeError);
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{32, 28, 28, 1}}), "[conv2d] expected 3 input channels, got input (32, 28, 28, 1)");
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{28, 28, 3}}), "[conv2d] expected images (N, H, W, C), got input (28, 28, 3)");
}
