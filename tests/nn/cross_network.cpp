// SPDX-License-Identifier: MIT
#include <espalier/nn/cross_network.hpp>

#include "nn/golden_layer.hpp"

using namespace espalier;
using testing::normal;
using testing::same_as_pytorch;
using testing::same_bits;

TEMPLATE_TEST_CASE("a cross network gives the values and gradients of PyTorch", "[nn][cross_network]", float, double) {
    using T = TestType;
    const auto call = [](auto& layer, const auto& x) { return layer(x[0]); };
    same_as_pytorch<T>("recommend", "cross/full", nn::CrossNetwork<T>{5, {.layers = 3}}, call);
    same_as_pytorch<T>("recommend", "cross/low_rank", nn::CrossNetwork<T>{5, {.layers = 3, .rank = 2}}, call);
}

TEMPLATE_TEST_CASE("a cross network of one feature, and of nothing", "[nn][cross_network]", float, double) {
    using T = TestType;
    nn::CrossNetwork<T> one{1, {.layers = 1}};
    auto parameters = one.named_parameters();
    CHECK(parameters.names() == "'0.weight', '0.bias'");
    parameters.at("0.weight").mutable_value() = Tensor<T>{{1, 1}, {2}};
    parameters.at("0.bias").mutable_value() = Tensor<T>{{1}, {3}};
    const Variable<T> x{Tensor<T>{{2, 1}, {1, -2}}};
    CHECK(one(x).value() == Tensor<T>{{2, 1}, {1 * (2 + 3) + 1, -2 * (-4 + 3) - 2}});
    CHECK(same_bits(one(x).value(), one(x).value()));
    CHECK(one(Variable<T>{Tensor<T>{Shape{0, 1}}}).shape() == Shape{0, 1});
    CHECK((nn::CrossNetwork<T>{4, {.layers = 2, .rank = 1}}.parameter_count()) == 2 * (4 + 4 + 4));
}

TEST_CASE("gradients of a cross network are those of differences", "[nn][cross_network]") {
    nn::CrossNetwork<double> full{3, {.layers = 2}}, low{3, {.layers = 2, .rank = 2}};
    testing::require_gradients(full, normal<double>({2, 3}));
    testing::require_gradients(low, normal<double>({2, 3}));
}

TEST_CASE("what no cross network can be, or read, is refused", "[nn][cross_network]") {
    CHECK_THROWS_WITH((nn::CrossNetwork{0}),
                      "[CrossNetwork] expected at least one feature and layer and a rank of at least 0, got 0, 2 and 0");
    CHECK_THROWS_AS((nn::CrossNetwork{3, {.layers = 0}}), ValueError);
    CHECK_THROWS_AS((nn::CrossNetwork{3, {.rank = -1}}), ValueError);
    CHECK_THROWS_WITH(nn::CrossNetwork{3}(Variable<>{Tensor<float>{Shape{2, 4}}}), "[CrossNetwork] expected features (..., 3), got (2, 4)");
    CHECK_THROWS_AS(nn::CrossNetwork{3}(Variable<>{Tensor<float>::scalar(1)}), ShapeError);
}
