// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/resnet.hpp>

#include "nn/trunks/testing.hpp"

#include <algorithm>
#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::normal;
using testing::parameters_with_classifier;
using testing::shape_out;
namespace trunks = nn::trunks;

TEST_CASE("residual networks take images of any size and channels", "[nn][trunks]") {
    CHECK(shape_out(trunks::resnet20(1), {1, 32, 32, 1}) == Shape{1, 64});
    CHECK(shape_out(trunks::resnet20(3), {2, 9, 30, 3}) == Shape{2, 64});
    CHECK(shape_out(trunks::resnet20(3, {.pool = false}), {1, 9, 30, 3}) == Shape{1, 3, 8, 64});
    CHECK(trunks::resnet20(3).size() == 4);
}

TEST_CASE("what a residual network gives and refuses", "[nn][trunks][long]") {
    CHECK_THROWS_WITH(trunks::resnet20(0), "[resnet20] expected images of at least one channel, got 0");
    CHECK_THROWS_WITH(trunks::resnet50(-1), "[resnet50] expected images of at least one channel, got -1");
    auto map = trunks::resnet18(3, {.pool = false});
    CHECK(map.size() == 5);
    CHECK(shape_out(map, {1, 33, 65, 3}) == Shape{1, 2, 3, 512});
    CHECK(shape_out(map, {1, 1, 1, 3}) == Shape{1, 1, 1, 512});
    CHECK_THROWS_WITH(map(Tensor<float>{Shape{1, 32, 32, 1}}),
                      "[conv2d] expected 3 input channels, got input (1, 32, 32, 1), in layer 0, in layer 0");
    CHECK_THROWS_WITH(map(Tensor<float>{Shape{1, 32, 3}}),
                      "[conv2d] expected images (N, H, W, C), got input (1, 32, 3), in layer 0, in layer 0");
    // One pixel at the end of a single image has no variance: refused late, and the statistics of the layers before are as they were.
    const auto before = map.state_dict();
    CHECK_THROWS_AS(map(normal<float>({1, 32, 32, 3})), ValueError);
    CHECK(testing::same_bits(map.state_dict(), before));
    trunks::ResidualBlock<float> unequal{trunks::conv_norm(2, 3, 1), {}};
    CHECK_THROWS_AS(unequal(Tensor<float>{Shape{1, 4, 4, 2}}), ShapeError);
}

TEST_CASE("residual networks have the published numbers of parameters and equal PyTorch's", "[nn][trunks][long]") {
    for (const auto& [key, input] : {std::pair{"resnet20/32x32", Shape{2, 32, 32, 3}}, std::pair{"resnet20/18x23", Shape{2, 18, 23, 3}}}) {
        compare_with_pytorch(trunks::resnet20<double>(3), key, input);
        compare_with_pytorch(trunks::resnet20(3), key, input);
    }
    const trunks::CifarResNetOptions b{.shortcut = trunks::Shortcut::projection};
    compare_with_pytorch(trunks::resnet20<double>(1, b), "resnet20_projection/32x32", {2, 32, 32, 1});
    compare_with_pytorch(trunks::resnet20(1, b), "resnet20_projection/18x23", {2, 18, 23, 1});
    compare_with_pytorch(trunks::resnet32(3), "resnet32/16x20", {2, 16, 20, 3});
    compare_with_pytorch(trunks::resnet56(3), "resnet56/16x20", {2, 16, 20, 3});
    CHECK(parameters_with_classifier(trunks::resnet20(3), 64, 10) == 269'722);
    CHECK(parameters_with_classifier(trunks::resnet20(3, b), 64, 10) == 272'474);
    CHECK(parameters_with_classifier(trunks::resnet32(3), 64, 10) == 464'154);
    CHECK(parameters_with_classifier(trunks::resnet56(3), 64, 10) == 853'018);

    if (testing::sanitized)
        return;  // minutes, in which first weights are drawn
    auto of_18 = trunks::resnet18(3);
    CHECK(parameters_with_classifier(of_18, 512, 1000) == 11'689'512);
    compare_with_pytorch(trunks::resnet18<double>(3), "resnet18/64x64", {2, 64, 64, 3});
    compare_with_pytorch(of_18, "resnet18/64x64", {2, 64, 64, 3});
    compare_with_pytorch(std::move(of_18), "resnet18/72x97", {2, 72, 97, 3});
    auto of_34 = trunks::resnet34(3);
    CHECK(parameters_with_classifier(of_34, 512, 1000) == 21'797'672);
    compare_with_pytorch(std::move(of_34), "resnet34/64x72", {2, 64, 72, 3});
    auto of_50 = trunks::resnet50(3);
    CHECK(parameters_with_classifier(of_50, 2048, 1000) == 25'557'032);
    const auto names = testing::names(of_50.state_dict());
    CHECK(names.size() == 53 + 4 * 53);
    for (const char* name : {"0.0.weight", "0.1.running_var", "1.0.conv1.weight", "1.0.bn3.bias", "1.0.downsample.0.weight",
                             "1.0.downsample.1.running_mean", "3.5.conv2.weight", "4.2.bn1.weight"}) {
        CAPTURE(name);
        CHECK(std::find(names.begin(), names.end(), name) != names.end());
    }
    compare_with_pytorch(std::move(of_50), "resnet50/64x72", {2, 64, 72, 3});
}

TEST_CASE("a residual network is a value", "[nn][trunks]") { testing::require_regular(trunks::resnet20(2), {2, 9, 8, 2}); }

TEST_CASE("convolutions of a residual network start as He et al. have it", "[nn][trunks]") {
    manual_seed(4);
    const auto trunk = trunks::resnet20(3);
    const auto weight = trunk.named_parameters().at("3.1.conv1.weight").value();
    double squares = 0;
    for (const float w : weight)
        squares += static_cast<double>(w) * static_cast<double>(w);
    CHECK(std::sqrt(squares / static_cast<double>(weight.numel())) == Approx(std::sqrt(2.0 / (64 * 9))).epsilon(0.02));
    CHECK(trunk.named_parameters().at("3.1.bn1.weight").value() == Tensor<float>::ones({64}));
}

TEST_CASE("gradients of residual blocks", "[nn][trunks]") {
    manual_seed(5);
    auto a = trunks::detail::basic_block<double>(2, 4, 2, trunks::Shortcut::zero_padded);
    testing::require_gradients(a, normal<double>({2, 3, 4, 2}));
    auto b = trunks::detail::basic_block<double>(2, 3, 2, trunks::Shortcut::projection);
    testing::require_gradients(b, normal<double>({2, 4, 3, 2}));
    auto same = trunks::detail::bottleneck<double>(8, 2, 1);
    testing::require_gradients(same, normal<double>({2, 2, 3, 8}));
}

TEST_CASE("torchvision's names of a ResNet as paths", "[nn][trunks]") {
    CHECK(trunks::resnet_path("conv1.weight") == "0.0.weight");
    CHECK(trunks::resnet_path("bn1.running_var") == "0.1.running_var");
    CHECK(trunks::resnet_path("layer3.1.downsample.0.weight") == "3.1.downsample.0.weight");
    CHECK(trunks::resnet_path("fc.weight").empty());
}
