// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/mlp.hpp>

#include "nn/trunks/testing.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::normal;
namespace trunks = nn::trunks;

TEST_CASE("an MLP equals PyTorch's", "[nn][trunks]") {
    compare_with_pytorch(trunks::mlp<double>(13, {.widths = {64, 48, 32}, .activation = nn::GELU{}, .batch_norm = true}), "mlp/1x1",
                         {8, 13});
    compare_with_pytorch(trunks::mlp(13, {.widths = {64, 48, 32}, .activation = nn::GELU{}, .batch_norm = true}), "mlp/1x1", {8, 13});
}

TEST_CASE("an MLP has the layers that it is asked for", "[nn][trunks]") {
    auto plain = trunks::mlp(5, {.widths = {4, 3}});
    CHECK(plain.size() == 2);
    CHECK(testing::names(plain.state_dict()) == std::vector<std::string>{"0.0.weight", "0.0.bias", "1.0.weight", "1.0.bias"});
    const auto y = plain(Variable<float>{normal<float>({7, 5})});
    CHECK(y.shape() == Shape{7, 3});
    CHECK(*std::min_element(y.value().begin(), y.value().end()) == 0);  // ReLU by default, at the end as well
    testing::require_regular(plain, {7, 5});
    testing::require_regular(trunks::mlp(5, {.widths = {4, 3}, .activation = nn::Tanh{}, .batch_norm = true}), {7, 5});

    manual_seed(8);
    auto dropping = trunks::mlp(5, {.widths = {40}, .activation = nn::Sigmoid{}, .dropout = 0.5});
    const Variable<float> x{normal<float>({7, 5})};
    const auto dropped = dropping(x).value();
    CHECK(std::count(dropped.begin(), dropped.end(), 0.0F) > 100);
    dropping.eval();
    const auto kept = dropping(x).value();
    CHECK(std::count(kept.begin(), kept.end(), 0.0F) == 0);
}

TEST_CASE("each linear layer of an MLP has an activation of its own", "[nn][trunks]") {
    auto trunk = trunks::mlp(3, {.widths = {3, 3}, .activation = nn::LayerNorm{3}});
    CHECK(trunk.parameter_count() == 2 * (12 + 6));
    trunk.named_parameters().at("0.1.weight").mutable_value().fill(2);
    CHECK(trunk.state_dict().at("1.1.weight") == Tensor<float>::ones({3}));
}

TEST_CASE("gradients of an MLP", "[nn][trunks]") {
    manual_seed(5);
    auto trunk = trunks::mlp<double>(3, {.widths = {4, 2}, .activation = nn::Tanh{}, .batch_norm = true});
    testing::require_gradients(trunk, normal<double>({5, 3}));
}

TEST_CASE("what an MLP refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::mlp(3, {}), "[mlp] expected at least one width, got none");
    CHECK_THROWS_WITH(trunks::mlp(0, {.widths = {3}}), "[Linear] expected at least one feature in and out, got 0 and 3");
    CHECK_THROWS_WITH(trunks::mlp(3, {.widths = {3}, .dropout = 1}), "[Dropout] expected a probability in [0, 1), got 1");
}
