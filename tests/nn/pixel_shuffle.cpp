// SPDX-License-Identifier: MIT
#include <espalier/nn/layer.hpp>
#include <espalier/nn/pixel_shuffle.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;

TEMPLATE_TEST_CASE("pixels are shuffled in PyTorch's order, and back", "[nn][pixel_shuffle]", float, double) {
    using T = TestType;
    const Variable<T> x{Tensor<T>::arange(16).reshape({1, 1, 2, 8})};
    const auto y = nn::PixelShuffle{2}(x);
    CHECK(y.value() == Tensor<T>{{1, 2, 4, 2}, {0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15}});
    CHECK(nn::PixelUnshuffle{2}(y).value() == x.value());
    CHECK(nn::PixelShuffle{1}(x).value() == x.value());
    const Variable<T> none{Tensor<T>{Shape{0, 3, 2, 18}}};
    CHECK(nn::PixelShuffle{3}(none).shape() == Shape{0, 9, 6, 2});
    CHECK(nn::PixelUnshuffle{2}(Variable<T>{Tensor<T>{Shape{0, 4, 2, 3}}}).shape() == Shape{0, 2, 1, 12});
}

TEST_CASE("gradients of layers that shuffle pixels", "[nn][pixel_shuffle]") {
    nn::Layer<double> up = nn::PixelShuffle{2}, down = nn::PixelUnshuffle{2};
    CHECK(gradcheck([&](const auto& in) { return up(in[0]); }, {normal<double>({2, 2, 3, 8})}));
    CHECK(gradcheck([&](const auto& in) { return down(in[0]); }, {normal<double>({2, 2, 4, 3})}));
}
