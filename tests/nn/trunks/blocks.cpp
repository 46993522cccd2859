// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks.hpp>

#include "nn/testing.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace espalier;
using testing::normal;
namespace trunks = nn::trunks;

TEST_CASE("a convolution with normalisation and activation keeps the size of an image but for its stride", "[nn][trunks]") {
    auto part = trunks::conv_norm(3, 8, 5, {.stride = 2, .groups = 1, .activation = trunks::Activation::relu});
    const Variable<float> x{normal<float>({2, 9, 6, 3})};
    CHECK(part(x).shape() == Shape{2, 5, 3, 8});
    CHECK(testing::names(part.named_parameters()) == std::vector<std::string>{"0.weight", "1.weight", "1.bias"});
    const auto with = [&](trunks::Activation activation) {
        auto other = trunks::conv_norm(3, 8, 5, {.stride = 2, .activation = activation});
        other.load_state_dict(part.state_dict());
        return other(x).value();
    };
    part.named_parameters().at("1.weight").mutable_value().fill(7);
    const auto plain = with(trunks::Activation::none);
    const auto relu = with(trunks::Activation::relu);
    const auto relu6 = with(trunks::Activation::relu6);
    CHECK(*std::max_element(plain.begin(), plain.end()) > 6);
    for (Index i = 0; i < plain.numel(); ++i) {
        REQUIRE(relu[i] == std::max(plain[i], 0.0F));
        REQUIRE(relu6[i] == std::min(relu[i], 6.0F));
    }
}

TEST_CASE("a trunk's map, pooled, is what it gives pooled", "[nn][trunks][long]") {
    const auto check = [](nn::Sequential<float> pooled, nn::Sequential<float> map) {
        map.load_state_dict(pooled.state_dict());
        const Variable<float> x{normal<float>({2, 33, 40, 3})};
        const auto features = map(x);
        REQUIRE(features.rank() == 4);
        CHECK(testing::same_bits(nn::GlobalAvgPool2d{}(features).value(), pooled(x).value()));
    };
    check(trunks::resnet20(3), trunks::resnet20(3, {.pool = false}));
    check(trunks::hardnet39ds(3), trunks::hardnet39ds(3, {.pool = false}));
    check(trunks::mobilenet_v2(3, {.width = 0.1}), trunks::mobilenet_v2(3, {.width = 0.1, .pool = false}));
    check(trunks::fastnet(3, {.width = 0.1}), trunks::fastnet(3, {.width = 0.1, .pool = false}));
}
