// SPDX-License-Identifier: MIT
#include <espalier/nn/conv_transpose2d.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::names;
using testing::normal;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("a transposed convolution is the operation over its own weights", "[nn][conv_transpose2d]", float, double) {
    using T = TestType;
    nn::ConvTranspose2d<T> layer{4, 6, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .output_padding = {1, 0}, .groups = 2}};
    CHECK(names(layer.named_parameters()) == Names{"weight", "bias"});
    CHECK(layer.weight().shape() == Shape{4, 3, 2, 3});
    CHECK(layer.bias().shape() == Shape{6});
    const Variable<T> x{normal<T>({2, 3, 4, 4})};
    CHECK(layer(x).shape() == Shape{2, 6, 5, 6});
    CHECK(layer(x).value() == autograd::conv_transpose2d<T>(x, layer.weight(), layer.bias(), layer.options()).value());
    CHECK(layer(Tensor<T>{Shape{0, 3, 4, 4}}).shape() == Shape{0, 6, 5, 6});
    nn::ConvTranspose2d<T> plain{4, 5, 2, {.bias = false}};
    CHECK(names(plain.named_parameters()) == Names{"weight"});
    CHECK(plain(x).value() == autograd::conv_transpose2d<T>(x, plain.weight()).value());
}

TEST_CASE("a transposed convolution by hand: what no window touches is the bias", "[nn][conv_transpose2d]") {
    nn::ConvTranspose2d layer{1, 1, {1, 2}, {.stride = {2, 2}, .output_padding = 1}};
    layer.weight().mutable_value() = Tensor<float>{{1, 1, 2, 1}, {1, 2}};
    layer.bias().mutable_value() = Tensor<float>{{1}, {100}};
    CHECK(layer(Tensor<float>{{1, 1, 2, 1}, {3, 4}}).value() ==
          Tensor<float>{{1, 2, 5, 1}, {103, 106, 104, 108, 100, 100, 100, 100, 100, 100}});
}

TEST_CASE("gradients of a transposed convolution", "[nn][conv_transpose2d]") {
    nn::ConvTranspose2d<double> layer{2, 4, {2, 3}, {.stride = {1, 2}, .padding = {0, 1}, .output_padding = {0, 1}, .groups = 2}};
    testing::require_gradients(layer, normal<double>({2, 2, 3, 2}));
}

TEST_CASE("a transposed convolution refuses what does not fit", "[nn][conv_transpose2d]") {
    CHECK_THROWS_WITH((nn::ConvTranspose2d{0, 2, 3}), "[ConvTranspose2d] expected positive channels and kernel, got 0, 2 and 3x3");
    CHECK_THROWS_WITH((nn::ConvTranspose2d{4, 6, 3, {.groups = 4}}),
                      "[ConvTranspose2d] expected groups that divide 4 and 6 channels, got 4");
    const nn::ConvTranspose2d layer{3, 2, 3};
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{2, 8, 8, 1}}), "[conv_transpose2d] expected 3 input channels, got input (2, 8, 8, 1)");
}
