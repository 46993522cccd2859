// SPDX-License-Identifier: MIT
#include <espalier/nn/activation.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;

TEMPLATE_TEST_CASE("pooling layers are the operations", "[nn][pooling]", float, double) {
    using T = TestType;
    const Variable<T> x{normal<T>({2, 5, 6, 3})};
    CHECK(nn::MaxPool2d{2}(x).shape() == Shape{2, 2, 3, 3});  // the stride is the kernel
    CHECK(nn::MaxPool2d{{2, 3}}(x).value() == autograd::max_pool2d(x, {2, 3}).value());
    CHECK(nn::MaxPool2d{3, {.stride = 1, .padding = 1}}(x).value() == autograd::max_pool2d(x, 3, {.stride = 1, .padding = 1}).value());
    CHECK(nn::AvgPool2d{2}(x).value() == autograd::avg_pool2d(x, 2).value());
    CHECK(nn::AvgPool2d{2, {.stride = Pair{1, 2}, .padding = 1}}(x).value() ==
          autograd::avg_pool2d(x, 2, {.stride = Pair{1, 2}, .padding = 1}).value());
    CHECK(nn::MaxPool2d{2, {.ceil_mode = true}}(x).value() == autograd::max_pool2d(x, 2, {.ceil_mode = true}).value());
    CHECK(nn::MaxPool2d{2, {.ceil_mode = true}}(x).shape() == Shape{2, 3, 3, 3});
    CHECK_FALSE(nn::MaxPool2d{2, {.ceil_mode = true}}.halves());
    CHECK(nn::AvgPool2d{3, {.padding = 1, .ceil_mode = true, .count_include_pad = false}}(x).value() ==
          autograd::avg_pool2d(x, 3, {.padding = 1, .ceil_mode = true, .count_include_pad = false}).value());
    CHECK(nn::GlobalAvgPool2d{}(x).value() == autograd::global_avg_pool2d(x).value());
    CHECK(nn::GlobalAvgPool2d{}(x).shape() == Shape{2, 3});
    CHECK(nn::AdaptiveAvgPool2d{{2, 4}}(x).value() == autograd::adaptive_avg_pool2d(x, {2, 4}).value());
    CHECK(nn::AdaptiveMaxPool2d{3}(x).value() == autograd::adaptive_max_pool2d(x, 3).value());
}

TEST_CASE("pooling by hand, each channel by itself", "[nn][pooling]") {
    const Tensor<float> image{{1, 2, 2, 2}, {1, 8, 3, 6, 2, 4, 6, 2}};
    CHECK(nn::MaxPool2d{2}(Variable<float>{image}).value() == Tensor<float>{{1, 1, 1, 2}, {6, 8}});
    CHECK(nn::AvgPool2d{2}(Variable<float>{image}).value() == Tensor<float>{{1, 1, 1, 2}, {3, 5}});
    CHECK(nn::GlobalAvgPool2d{}(Variable<float>{image}).value() == Tensor<float>{{1, 2}, {3, 5}});
}

TEST_CASE("a mean without the padding is that of the pixels, and a window over the end that of what is there", "[nn][pooling]") {
    const Variable<float> image{Tensor<float>{{1, 3, 1, 1}, {4, 6, 8}}};
    const nn::AvgPool2d with{{2, 1}, {.padding = {1, 0}}};
    const nn::AvgPool2d without{{2, 1}, {.padding = {1, 0}, .count_include_pad = false}};
    const nn::AvgPool2d ceil{{2, 1}, {.ceil_mode = true}};
    CHECK(with(image).value() == Tensor<float>{{1, 2, 1, 1}, {2, 7}});
    CHECK(without(image).value() == Tensor<float>{{1, 2, 1, 1}, {4, 7}});
    CHECK(ceil(image).value() == Tensor<float>{{1, 2, 1, 1}, {5, 8}});
    CHECK(nn::MaxPool2d{{2, 1}, {.ceil_mode = true}}(image).value() == Tensor<float>{{1, 2, 1, 1}, {6, 8}});
}

TEST_CASE("a pooling with ceil_mode is not joined with the convolution before it", "[nn][pooling]") {
    const nn::Conv2d convolution{3, 4, 2};
    const nn::MaxPool2d pool{2, {.ceil_mode = true}};
    nn::Sequential net{convolution, nn::ReLU{}, pool};
    const Variable<float> x{normal<float>({2, 6, 8, 3})};
    CHECK(net(x).shape() == Shape{2, 3, 4, 4});
    nn::Sequential alone{convolution, nn::ReLU{}};
    CHECK(net(x).value() == pool(alone(x)).value());
}

TEST_CASE("gradients of pooling layers", "[nn][pooling]") {
    const auto x = normal<double>({2, 4, 4, 2});
    nn::Layer<double> max = nn::MaxPool2d{3, {.stride = 2, .padding = 1}};
    nn::Layer<double> average = nn::AvgPool2d{2};
    nn::Layer<double> global = nn::GlobalAvgPool2d{};
    CHECK(max.parameters().empty());
    for (auto* layer : {&max, &average, &global})
        CHECK(gradcheck([&](const auto& in) { return (*layer)(in[0]); }, {x}));
}

TEST_CASE("pooling layers refuse what does not fit", "[nn][pooling]") {
    const Variable<float> x{Tensor<float>{Shape{2, 5, 6, 3}}};
    CHECK_THROWS_AS(nn::MaxPool2d{6}(x), ShapeError);
    CHECK_THROWS_WITH(nn::MaxPool2d{6}(x), "[max_pool2d] expected a padded image of at least 6x6, got 5x6 with padding 0x0");
    CHECK_THROWS_WITH(nn::AvgPool2d{0}(x), "[avg_pool2d] expected a kernel of at least 1x1, got 0x0");
    CHECK_THROWS_AS((nn::MaxPool2d{2, {.padding = 2}}(x)), ValueError);
    CHECK_THROWS_WITH((nn::MaxPool2d{2, {.padding = 2}}(x)), "[max_pool2d] expected a padding of at most half the kernel 2x2, got 2x2");
    const Variable<float> flat{Tensor<float>{Shape{2, 6}}};
    CHECK_THROWS_WITH(nn::AvgPool2d{2}(flat), "[avg_pool2d] expected images (N, H, W, C), got input (2, 6)");
    CHECK_THROWS_WITH(nn::GlobalAvgPool2d{}(flat), "[global_avg_pool2d] expected images (N, H, W, C), got input (2, 6)");
}
