// SPDX-License-Identifier: MIT
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/trunks/blocks.hpp>
#include <espalier/nn/trunks/u_shape.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;
namespace trunks = nn::trunks;

namespace {

template <class Scalar>
trunks::UShape<Scalar> two_levels() {
    const auto convolution = [](Index in, Index out) { return nn::Conv2d<Scalar>{in, out, 1}; };
    return {{nn::Sequential<Scalar>{nn::AvgPool2d{2}, convolution(2, 3)}, nn::Sequential<Scalar>{nn::AvgPool2d{2}, convolution(3, 4)}},
            {convolution(8, 1), convolution(4, 5)}};
}

}  // namespace

TEST_CASE("what leads back up stands beside what was there on the way down", "[nn][trunks]") {
    auto shape = two_levels<float>();
    CHECK(testing::names(shape.named_parameters()) == std::vector<std::string>{"down.0.1.weight", "down.0.1.bias", "down.1.1.weight",
                                                                               "down.1.1.bias", "up.0.weight", "up.0.bias", "up.1.weight",
                                                                               "up.1.bias"});
    const Variable<float> x{normal<float>({2, 4, 8, 2})};
    const auto y = shape(x);
    CHECK(y.shape() == Shape{2, 4, 8, 3});
    CHECK(narrow(y, 3, 1, 2).value() == x.value());
    CHECK(shape(normal<float>({1, 7, 5, 2})).shape() == Shape{1, 7, 5, 3});  // odd sides come back

    // One level without layers of its own: the mean of 2x2 pixels, stretched over the image.
    trunks::UShape<float> plain{{nn::AvgPool2d{2}}, {nn::Identity{}}};
    const auto mean = narrow(plain(Tensor<float>{{1, 2, 3, 1}, {1, 2, 9, 3, 6, 9}}), 3, 0, 1);
    CHECK(mean.value() == Tensor<float>{{1, 2, 3, 1}, {3, 3, 3, 3, 3, 3}});
    // Corners stay in place: 0 and 4 over five pixels.
    const auto ramp = narrow(plain(Tensor<float>{{1, 2, 5, 1}, {0, 0, 4, 4, 9, 0, 0, 4, 4, 9}}), 3, 0, 1);
    CHECK(ramp.value() == Tensor<float>{{1, 2, 5, 1}, {0, 1, 2, 3, 4, 0, 1, 2, 3, 4}});
}

TEST_CASE("gradients of a U", "[nn][trunks]") {
    manual_seed(1);
    auto shape = two_levels<double>();
    testing::require_gradients(shape, normal<double>({2, 4, 4, 2}));
    testing::require_gradients(shape, normal<double>({1, 5, 4, 2}));
}

TEST_CASE("what a U refuses", "[nn][trunks]") {
    using U = trunks::UShape<float>;
    CHECK_THROWS_AS((U{{}, {}}), ValueError);
    CHECK_THROWS_WITH((U{{nn::AvgPool2d{2}}, {}}), "[UShape] expected as many layers up as down, got 0 and 1");
    auto shape = two_levels<float>();
    CHECK_THROWS_WITH(shape(normal<float>({4, 2})), "[UShape] expected images (N, H, W, C), got input (4, 2)");
    CHECK_THROWS_AS(shape(normal<float>({1, 4, 4, 3})), ShapeError);
    CHECK_THROWS_WITH(shape(normal<float>({1, 4, 4, 3})),
                      "[conv2d] expected 2 input channels, got input (1, 2, 2, 3), in layer 1, in down 0");
    U flat{{nn::AvgPool2d{2}}, {nn::GlobalAvgPool2d{}}};
    CHECK_THROWS_WITH(flat(normal<float>({1, 4, 4, 3})), "[upsample_bilinear2d] expected images (N, H, W, C), got input (1, 3), in up 0");
}
