// SPDX-License-Identifier: MIT
#include <espalier/io/safetensors.hpp>
#include <espalier/nn/squeeze_excitation.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::names;
using testing::normal;
using testing::require_close;

TEMPLATE_TEST_CASE("squeeze and excitation give PyTorch's values and gradients", "[nn][squeeze_excitation]", float, double) {
    using T = TestType;
    const auto golden = io::load_safetensors(ESPALIER_GOLDEN_DIR "/dense_layers.safetensors");
    const double tolerance = std::is_same_v<T, double> ? 1e-10 : 1e-5;
    nn::SqueezeExcitation<T> layer{6, 3};
    CHECK(names(layer.named_parameters()) == std::vector<std::string>{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"});
    auto parameters = layer.named_parameters();
    for (auto& [name, parameter] : parameters)
        parameter.mutable_value() = golden.get<T>("squeeze/parameter/" + name);
    const Variable<T> x{golden.get<T>("squeeze/input"), true};
    const auto y = layer(x);
    require_close(y.value(), golden.get<T>("squeeze/output0"), tolerance);
    sum(y * Variable<T>{golden.get<T>("squeeze/cotangent0")}).backward();
    require_close(x.grad(), golden.get<T>("squeeze/input_gradient"), tolerance);
    for (auto& [name, parameter] : parameters)
        require_close(parameter.grad(), golden.get<T>("squeeze/gradient/" + name), tolerance);
    CHECK(layer(Tensor<T>{Shape{0, 3, 4, 6}}).shape() == Shape{0, 3, 4, 6});
    CHECK(layer(normal<T>({1, 1, 1, 6})).shape() == Shape{1, 1, 1, 6});
}

TEST_CASE("what squeeze and excitation refuse", "[nn][squeeze_excitation]") {
    CHECK_THROWS_AS((nn::SqueezeExcitation{6, 0}), ValueError);
    const nn::SqueezeExcitation layer{6, 3};
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{2, 6}}), "[adaptive_avg_pool2d] expected images (N, H, W, C), got input (2, 6)");
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{2, 3, 4, 5}}), "[conv2d] expected 6 input channels, got input (2, 1, 1, 5)");
}
