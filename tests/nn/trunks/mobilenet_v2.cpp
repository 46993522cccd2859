// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/mobilenet_v2.hpp>

#include "nn/trunks/testing.hpp"

#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::normal;
using testing::parameters_with_classifier;
using testing::shape_out;
namespace trunks = nn::trunks;

TEST_CASE("MobileNetV2 has torchvision's number of parameters and equals PyTorch's", "[nn][trunks][long]") {
    auto trunk = trunks::mobilenet_v2(3);
    CHECK(parameters_with_classifier(trunk, 1280, 1000) == 3'504'872);
    compare_with_pytorch(std::move(trunk), "mobilenet_v2/64x72", {2, 64, 72, 3});
    compare_with_pytorch(trunks::mobilenet_v2<double>(3, {.width = 0.5}), "mobilenet_v2_half/64x64", {2, 64, 64, 3});
    compare_with_pytorch(trunks::mobilenet_v2(3, {.width = 0.5}), "mobilenet_v2_half/64x64", {2, 64, 64, 3});
    compare_with_pytorch(trunks::mobilenet_v2<double>(3, {.width = 0.5}), "mobilenet_v2_half/72x97", {2, 72, 97, 3});
    compare_with_pytorch(trunks::mobilenet_v2(3, {.width = 0.5}), "mobilenet_v2_half/72x97", {2, 72, 97, 3});
}

TEST_CASE("filters of MobileNetV2 are multiples of 8 and not much fewer than asked for", "[nn][trunks]") {
    using trunks::detail::multiple_of_8;
    CHECK(multiple_of_8(1) == 8);
    CHECK(multiple_of_8(32) == 32);
    CHECK(multiple_of_8(36) == 40);
    CHECK(multiple_of_8(35) == 32);
    CHECK(multiple_of_8(11.5) == 16);  // 8 were more than a tenth fewer
    CHECK(multiple_of_8(96 * 0.35) == 32);
    CHECK(multiple_of_8(1280 * 1.4) == 1792);
}

TEST_CASE("MobileNetV2 takes images of any size and channels", "[nn][trunks]") {
    const auto trunk = trunks::mobilenet_v2(1, {.width = 0.1});
    CHECK(trunk.size() == 5);
    CHECK(shape_out(trunk, {1, 64, 64, 1}) == Shape{1, 1280});
    CHECK(shape_out(trunk, {2, 5, 70, 1}) == Shape{2, 1280});
    CHECK(shape_out(trunks::mobilenet_v2(3, {.width = 0.1, .pool = false}), {1, 33, 70, 3}) == Shape{1, 2, 3, 1280});
}

TEST_CASE("MobileNetV2 is a value with torchvision's names", "[nn][trunks]") {
    const auto trunk = trunks::mobilenet_v2(2, {.width = 0.1});
    testing::require_regular(trunk, {2, 40, 33, 2});
    const auto state = trunk.state_dict();
    for (const char* name : {"0.0.0.weight", "0.0.1.running_mean", "0.1.conv.0.0.weight", "0.1.conv.1.weight", "1.0.conv.0.0.weight",
                             "1.0.conv.1.0.weight", "1.0.conv.2.weight", "1.0.conv.3.bias", "4.4.1.weight"}) {
        CAPTURE(name);
        CHECK(state.contains(name));
    }
    CHECK(state.size() == 5 * 52);
}

TEST_CASE("gradients of inverted residuals", "[nn][trunks]") {
    manual_seed(5);
    trunks::InvertedResidual<double> adding{2, 2, 1, 2};
    testing::require_gradients(adding, normal<double>({2, 3, 2, 2}));
    trunks::InvertedResidual<double> halving{2, 3, 2, 1};
    testing::require_gradients(halving, normal<double>({2, 3, 4, 2}));
}

TEST_CASE("what MobileNetV2 refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::mobilenet_v2(0), "[mobilenet_v2] expected images of at least one channel, got 0");
    CHECK_THROWS_WITH(trunks::mobilenet_v2(3, {.width = -1}), "[mobilenet_v2] expected a width multiplier in (0, 100], got -1");
    auto trunk = trunks::mobilenet_v2(3, {.width = 0.1});
    CHECK_THROWS_WITH(trunk(Tensor<float>{Shape{1, 32, 32, 1}}),
                      "[conv2d] expected 3 input channels, got input (1, 32, 32, 1), in layer 0, in layer 0, in layer 0");
    CHECK_THROWS_AS((trunks::InvertedResidual{4, 4, 1, 0}), ValueError);
}

TEST_CASE("torchvision's names of a MobileNetV2 as paths", "[nn][trunks]") {
    CHECK(trunks::mobilenet_v2_path("features.0.0.weight") == "0.0.0.weight");
    CHECK(trunks::mobilenet_v2_path("features.3.conv.0.0.weight") == "1.1.conv.0.0.weight");
    CHECK(trunks::mobilenet_v2_path("features.18.1.bias") == "4.4.1.bias");
    CHECK(trunks::mobilenet_v2_path("classifier.1.weight").empty());
    CHECK(trunks::mobilenet_v2_path("features.x").empty());
}
