// SPDX-License-Identifier: MIT
#include <espalier/nn/group_norm.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::names;
using testing::normal;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("group normalisation is the operation over its own weights", "[nn][group_norm]", float, double) {
    using T = TestType;
    nn::GroupNorm<T> layer{2, 6};
    CHECK(names(layer.state_dict()) == Names{"weight", "bias"});
    const Variable<T> x{normal<T>({2, 3, 4, 6})};
    CHECK(layer(x).value() == autograd::group_norm<T>(x, 2).value());
    layer.parameters()[1].mutable_value().fill(T(3));
    CHECK(layer(Tensor<T>{Shape{0, 3, 4, 6}}).shape() == Shape{0, 3, 4, 6});
    CHECK(layer(Tensor<T>::full({1, 1, 1, 6}, T(2))).value() == Tensor<T>::full({1, 1, 1, 6}, T(3)));
    nn::InstanceNorm2d<T> each{6};
    CHECK(each.parameters().empty());
    CHECK(each(x).value() == autograd::group_norm<T>(x, 6).value());
    CHECK(names(nn::InstanceNorm2d<T>{6, {.affine = true}}.state_dict()) == Names{"weight", "bias"});
}

TEST_CASE("gradients of group normalisation", "[nn][group_norm]") {
    nn::GroupNorm<double> layer{2, 4};
    for (auto& parameter : layer.parameters())
        parameter.mutable_value() = normal<double>({4}, 5);
    testing::require_gradients(layer, normal<double>({2, 2, 3, 4}));
}

TEST_CASE("group normalisation refuses what does not fit", "[nn][group_norm]") {
    CHECK_THROWS_WITH((nn::GroupNorm{1, 0}), "[GroupNorm] expected at least one channel, got 0");
    CHECK_THROWS_WITH((nn::GroupNorm{2, 3}), "[GroupNorm] expected groups that divide 3 channels, got 2");
    CHECK_THROWS_WITH((nn::GroupNorm{1, 3, {.eps = 0}}), "[GroupNorm] expected an eps above 0, got 0");
    CHECK_THROWS_WITH((nn::GroupNorm{1, 3, {.affine = false}}(Tensor<float>{Shape{4, 2}})),
                      "[group_norm] expected 3 channels, got input (4, 2)");
    CHECK_THROWS_WITH(nn::InstanceNorm2d{3}(Tensor<float>{Shape{4, 3}}), "[InstanceNorm2d] expected images (N, H, W, C), got input (4, 3)");
}
