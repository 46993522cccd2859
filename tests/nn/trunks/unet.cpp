// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/unet.hpp>

#include "nn/trunks/testing.hpp"

#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::normal;
using testing::shape_out;
namespace trunks = nn::trunks;

namespace {

/// Means of 8x8 pixels, as make_trunks.py has them.
template <class Scalar>
nn::Sequential<Scalar> pooled(nn::Sequential<Scalar> trunk) {
    trunk.add(nn::AvgPool2d{8});
    return trunk;
}

}  // namespace

TEST_CASE("U-Net has the published number of parameters", "[nn][trunks][long]") {
    if (testing::sanitized)
        return;  // first weights are drawn for seconds
    // With a 3x3 convolution to two maps and a 1x1 one to one: Keras counts so in a widespread implementation of the paper.
    CHECK(trunks::unet(1).parameter_count() + (64 * 9 * 2 + 2) + 3 == 31'031'685);
}

TEST_CASE("U-Net equals PyTorch's", "[nn][trunks][long]") {
    for (const auto& [key, input] : {std::pair{"unet/32x32", Shape{2, 32, 32, 1}}, std::pair{"unet/37x26", Shape{2, 37, 26, 1}}}) {
        compare_with_pytorch(pooled(trunks::unet<double>(1, {.width = 4, .depth = 2})), key, input);
        compare_with_pytorch(pooled(trunks::unet(1, {.width = 4, .depth = 2})), key, input);
    }
    for (const auto& [key, input] :
         {std::pair{"unet_norm/32x32", Shape{2, 32, 32, 3}}, std::pair{"unet_norm/37x31", Shape{2, 37, 31, 3}}}) {
        compare_with_pytorch(pooled(trunks::unet<double>(3, {.width = 8, .depth = 3, .batch_norm = true})), key, input);
        compare_with_pytorch(pooled(trunks::unet(3, {.width = 8, .depth = 3, .batch_norm = true})), key, input);
    }
}

TEST_CASE("U-Net gives a map of the size of its image", "[nn][trunks]") {
    CHECK(trunks::unet(2, {.width = 4, .depth = 2}).size() == 3);
    CHECK(shape_out(trunks::unet(2, {.width = 4, .depth = 2}), {2, 8, 12, 2}) == Shape{2, 8, 12, 4});
    CHECK(shape_out(trunks::unet(2, {.width = 4, .depth = 3}), {1, 31, 17, 2}) == Shape{1, 31, 17, 4});
    CHECK(shape_out(trunks::unet(1, {.width = 3, .depth = 1, .batch_norm = true}), {1, 2, 3, 1}) == Shape{1, 2, 3, 3});
    testing::require_regular(trunks::unet(2, {.width = 4, .depth = 2, .batch_norm = true}), {2, 9, 8, 2});
}

TEST_CASE("weights of U-Net start normal by fan in", "[nn][trunks]") {
    manual_seed(3);
    const auto state = trunks::unet(1, {.width = 32, .depth = 1}).state_dict();
    const auto deviation = [&](const char* path) {
        double squares = 0;
        for (const float w : state.at(path))
            squares += static_cast<double>(w) * static_cast<double>(w);
        return std::sqrt(squares / static_cast<double>(state.at(path).numel()));
    };
    CHECK(deviation("1.down.0.3.weight") == Approx(std::sqrt(2.0 / (64 * 9))).epsilon(0.02));
    CHECK(deviation("1.up.0.0.weight") == Approx(std::sqrt(2.0 / 64)).epsilon(0.05));
}

TEST_CASE("what U-Net refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::unet(0), "[unet] expected images of at least one channel, got 0");
    CHECK_THROWS_WITH(trunks::unet(1, {.width = 0}), "[unet] expected a positive width and a depth in [1, 10], got 0 and 4");
    CHECK_THROWS_AS(trunks::unet(1, {.width = 1, .depth = 11}), ValueError);
    auto trunk = trunks::unet(1, {.width = 2, .depth = 3});
    CHECK_THROWS_WITH(trunk(normal<float>({1, 7, 16, 1})),
                      "[max_pool2d] expected a padded image of at least 2x2, got 1x4 with padding 0x0, in layer 0, in down 2, in layer 1");
}
