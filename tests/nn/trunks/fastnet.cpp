// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/fastnet.hpp>

#include "nn/trunks/testing.hpp"

#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::normal;
using testing::parameters_with_classifier;
using testing::shape_out;
namespace trunks = nn::trunks;

TEST_CASE("FastNet has the published number of parameters and equals PyTorch's", "[nn][trunks][long]") {
    const auto trunk = trunks::fastnet(3);
    CHECK(parameters_with_classifier(trunk, 128, 10) == 1'605'776);
    CHECK(parameters_with_classifier(trunk, 128, 100) == 1'617'386);
    compare_with_pytorch(trunk, "fastnet/32x32", {2, 32, 32, 3});
    for (const auto& [key, input] :
         {std::pair{"fastnet_half/32x32", Shape{2, 32, 32, 1}}, std::pair{"fastnet_half/40x36", Shape{2, 40, 36, 1}}}) {
        compare_with_pytorch(trunks::fastnet<double>(1, {.width = 0.5}), key, input);
        compare_with_pytorch(trunks::fastnet(1, {.width = 0.5}), key, input);
    }
    compare_with_pytorch(trunks::fastnet<double>(3, {.width = 0.25, .flatten = true}), "fastnet_flatten/64x37", {2, 64, 37, 3});
}

TEST_CASE("FastNet takes images of any size and channels, and ends as asked", "[nn][trunks]") {
    CHECK(trunks::fastnet(3, {.width = 0.1}).size() == 5);
    CHECK(shape_out(trunks::fastnet(1, {.width = 0.1}), {1, 28, 28, 1}) == Shape{1, 13});
    CHECK(shape_out(trunks::fastnet(3, {.width = 0.1}), {2, 50, 37, 3}) == Shape{2, 13});
    CHECK(shape_out(trunks::fastnet(3, {.width = 0.001}), {1, 16, 16, 3}) == Shape{1, 1});
    CHECK(shape_out(trunks::fastnet(3, {.width = 0.1, .pool = false}), {1, 50, 37, 3}) == Shape{1, 3, 2, 13});
    CHECK(shape_out(trunks::fastnet(3, {.width = 0.1, .flatten = true}), {1, 64, 37, 3}) == Shape{1, 26});
    // At 32x32 the paper's end is the mean of the image.
    manual_seed(2);
    auto mean = trunks::fastnet(3, {.width = 0.1});
    auto paper = trunks::fastnet(3, {.width = 0.1, .flatten = true});
    paper.load_state_dict(mean.state_dict());
    const Variable<float> x{normal<float>({2, 32, 32, 3})};
    testing::require_close(paper(x).value(), mean(x).value(), 1e-5);
}

TEST_CASE("FastNet is a value, with the initial weights of the paper", "[nn][trunks]") {
    testing::require_regular(trunks::fastnet(2, {.width = 0.1}), {2, 32, 16, 2});
    manual_seed(3);
    const auto trunk = trunks::fastnet(3, {.width = 0.5});
    const auto& weight = trunk.named_parameters().at("1.5.weight").value();
    double squares = 0;
    for (const float w : weight)
        squares += static_cast<double>(w) * static_cast<double>(w);
    CHECK(std::sqrt(squares / static_cast<double>(weight.numel())) == Approx(std::sqrt(2.0 / (64 * 9))).epsilon(0.02));
    CHECK(trunk.named_parameters().at("1.5.bias").value() == Tensor<float>{Shape{64}});
}

TEST_CASE("gradients of FastNet's units", "[nn][trunks]") {
    manual_seed(5);
    nn::Sequential<double> units;
    trunks::detail::add_fastnet_unit(units, 1, 3, 3);
    trunks::detail::add_fastnet_unit(units, 3, 2, 1);
    testing::require_gradients(units, normal<double>({2, 3, 4, 1}));
}

TEST_CASE("what FastNet refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::fastnet(0), "[fastnet] expected images of at least one channel, got 0");
    CHECK_THROWS_WITH(trunks::fastnet(3, {.width = 0}), "[fastnet] expected a width multiplier in (0, 100], got 0");
    CHECK_THROWS_WITH(trunks::fastnet(3, {.width = NAN}), "[fastnet] expected a width multiplier in (0, 100], got nan");
    CHECK_THROWS_WITH(trunks::fastnet(3, {.pool = false, .flatten = true}),
                      "[fastnet] expected pooling where features are flattened, got none");
    auto trunk = trunks::fastnet(3, {.width = 0.1});
    CHECK_THROWS_WITH(trunk(normal<float>({2, 15, 40, 3})),
                      "[max_pool2d] expected a padded image of at least 2x2, got 1x5 with padding 0x0, in layer 6, in layer 3");
    CHECK_THROWS_AS(trunk(normal<float>({2, 16, 16, 1})), ShapeError);
}
