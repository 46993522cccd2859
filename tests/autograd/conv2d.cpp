// SPDX-License-Identifier: MIT
/// @file Convolutions whose options are beyond all proportion: right, and of a cost that the image and the result have.
#include "catch.hpp"
#include "kernels/testing.hpp"
#include "sanitized.hpp"

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/conv2d.hpp>

#include <cstdint>
#include <vector>

using namespace espalier;
namespace ag = espalier::autograd;

namespace {

/// Value and gradients against the definition, which visits only taps in the image.
template <class S>
void compare(const Shape& image, const Shape& filters, const ag::Conv2dOptions& options) {
    CAPTURE(image, filters, options.stride, options.padding, options.dilation, options.groups);
    Random random{1};
    const Variable<S> x{Tensor<S>::normal(image, random), true};
    const Variable<S> w{Tensor<S>::normal(filters, random), true};
    const Variable<S> bias{Tensor<S>::normal({filters[0]}, random), true};
    const auto y = ag::conv2d(x, w, bias, options);
    const kernels::ConvShape s = ag::detail::conv_shape(image, filters, options);
    REQUIRE(y.shape() == Shape{s.batch, s.output.height, s.output.width, s.out_channels});
    const auto dy = Tensor<S>::normal(y.shape().prepended(2), random);
    Tensor<double> expected{y.shape()};
    Tensor<double> dx{image.prepended(2)};
    Tensor<double> dw{filters.prepended(2)};
    Tensor<double> db{{2, filters[0]}};
    const auto times = [](S a, S b) { return static_cast<double>(a) * static_cast<double>(b); };
    for (Index i = 0; i < y.numel(); ++i) {
        expected[i] = static_cast<double>(bias.value()[i % filters[0]]);
        for (Index t = 0; t < 2; ++t)
            db[t * filters[0] + i % filters[0]] += static_cast<double>(dy[t * y.numel() + i]);
    }
    testing::for_each_product(s, [&](Index i, Index j, Index k) {
        expected[k] += times(x.value()[i], w.value()[j]);
        for (Index t = 0; t < 2; ++t) {
            dx[t * x.numel() + i] += times(w.value()[j], dy[t * y.numel() + k]);
            dw[t * w.numel() + j] += times(x.value()[i], dy[t * y.numel() + k]);
        }
    });
    CHECK(testing::largest_difference(y.value(), expected) < 1e-5);
    const std::vector<Variable<S>> leaves{x, w, bias};
    const auto gradients = ag::vjp<S>(y, dy, leaves);
    CHECK(testing::largest_difference(gradients[0], dx) < 1e-5);
    CHECK(testing::largest_difference(gradients[1], dw) < 1e-5);
    CHECK(testing::largest_difference(gradients[2], db) < 1e-5);
}

}  // namespace

TEMPLATE_TEST_CASE("a dilation and a padding far beyond the image cost what their products cost", "[conv2d]", float, double) {
    using T = TestType;
    compare<T>({2, 8, 8, 3}, {5, 3, 3, 3}, {.padding = 40'000, .dilation = 40'000});
    compare<T>({1, 8, 8, 4}, {4, 3, 3, 1}, {.padding = 40'000, .dilation = 40'000, .groups = 4});
    compare<T>({1, 8, 8, 4}, {6, 3, 3, 2}, {.padding = {40'000, 1}, .dilation = {40'000, 1}, .groups = 2});
    compare<T>({1, 5, 4, 2}, {3, 3, 3, 2}, {.padding = 2'000'000'000, .dilation = 2'000'000'000});
    compare<T>({1, 5, 4, 2}, {3, 1, 1, 2}, {.dilation = 2'147'483'647});  // nobody sees the dilation of one tap
    compare<T>({2, 33, 33, 4}, {4, 3, 3, 4}, {.padding = 36, .dilation = 36});
}

TEMPLATE_TEST_CASE("a stride far beyond the image costs nothing", "[conv2d]", float, double) {
    using T = TestType;
    compare<T>({2, 8, 8, 3}, {5, 3, 3, 3}, {.stride = 8192});
    compare<T>({2, 8, 8, 4}, {4, 3, 3, 1}, {.stride = 2'147'483'647, .groups = 4});
    compare<T>({1, 8, 8, 3}, {5, 3, 3, 3}, {.stride = {1, 1 << 30}, .padding = 1});
    compare<T>({1, 8, 8, 3}, {5, 3, 3, 3}, {.stride = 1 << 30, .padding = 1 << 30});  // three windows, of which one sees the image
    compare<T>({1, 8, 8, 4}, {4, 3, 3, 1}, {.stride = 1 << 30, .padding = 1 << 30, .groups = 4});
}

TEMPLATE_TEST_CASE("large depthwise windows with padding ask for no table of all that the edges cut", "[conv2d][long]", float, double) {
    const Index padding = testing::sanitized ? 63 : 127;
    compare<TestType>({1, 12, 12, 3}, {3, 2 * padding + 1, 2 * padding + 1, 1}, {.padding = padding, .groups = 3});
}

TEMPLATE_TEST_CASE("what follows a convolution in one pass follows an unfolded one as well", "[conv2d]", float, double) {
    using T = TestType;
    Random random{2};
    const Variable<T> x{Tensor<T>::normal({2, 8, 8, 3}, random)};
    const Variable<T> w{Tensor<T>::normal({5, 3, 3, 3}, random)};
    const ag::Conv2dOptions options{.padding = 40'000, .dilation = 40'000};
    const auto plain = ag::conv2d(x, w, options);
    CHECK(ag::conv2d_relu(x, w, options).value() == ag::relu(plain).value());
    CHECK(ag::conv2d_relu_max_pool2d(x, w, options).value() == ag::max_pool2d(ag::relu(plain), 2).value());
}
