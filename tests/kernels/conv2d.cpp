// SPDX-License-Identifier: MIT
/// @file The three passes of convolution against seven loops over the definition.
#include "catch.hpp"

#include <espalier/kernels/conv2d.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cmath>

using namespace espalier;
using kernels::ConvShape;
using kernels::Window;
using T = Tensor<double>;

namespace {

/// Calls `tap(x offset, w offset, y offset)` for every product that a convolution sums.
template <class Tap>
void for_each_product(const ConvShape& s, const Tap& tap) {
    const Window& w = s.window;
    for (Index n = 0; n < s.batch; ++n)
        for (Index oy = 0; oy < s.output.height; ++oy)
            for (Index ox = 0; ox < s.output.width; ++ox)
                for (Index o = 0; o < s.out_channels; ++o)
                    for (Index ky = 0; ky < w.kernel.height; ++ky)
                        for (Index kx = 0; kx < w.kernel.width; ++kx)
                            for (Index c = 0; c < s.depth(); ++c) {
                                const Index y = oy * w.stride.height + ky * w.dilation.height - w.padding.height;
                                const Index x = ox * w.stride.width + kx * w.dilation.width - w.padding.width;
                                if (y < 0 || y >= s.input.height || x < 0 || x >= s.input.width)
                                    continue;
                                const Index channel = o / s.filters() * s.depth() + c;
                                tap(((n * s.input.height + y) * s.input.width + x) * s.in_channels + channel,
                                    ((o * w.kernel.height + ky) * w.kernel.width + kx) * s.depth() + c,
                                    ((n * s.output.height + oy) * s.output.width + ox) * s.out_channels + o);
                            }
}

Index between(Random& random, Index low, Index high) { return low + random.below(high - low + 1); }
Pair pair_between(Random& random, Index low, Index high) {
    const Index height = between(random, low, high);
    return {height, between(random, low, high)};
}

ConvShape random_shape(Random& random) {
    const Window window{random.below(4) ? pair_between(random, 1, 4) : Pair{1}, random.below(2) ? Pair{1} : pair_between(random, 1, 3),
                        random.below(2) ? Pair{0} : pair_between(random, 0, 3), random.below(2) ? Pair{1} : pair_between(random, 1, 3)};
    const Pair reach{(window.kernel.height - 1) * window.dilation.height + 1, (window.kernel.width - 1) * window.dilation.width + 1};
    const Pair input{std::max<Index>(1, reach.height - 2 * window.padding.height) + random.below(6),
                     std::max<Index>(1, reach.width - 2 * window.padding.width) + random.below(6)};
    const Index groups = random.below(2) ? 1 : between(random, 1, 3);
    return {between(random, 1, 10), input, window.output("test", input), groups * between(random, 1, 4),
            groups * between(random, 1, 4), groups, window};
}

double largest_difference(const T& a, const T& b) {
    double worst = 0;
    for (Index i = 0; i < a.numel(); ++i)
        worst = std::max(worst, std::isnan(a[i]) ? INFINITY : std::abs(a[i] - b[i]));
    return worst;
}

void compare(const ConvShape& s, Random& random) {
    const Index tasks = between(random, 1, 3);
    const T x = T::normal({s.batch * s.input_size()}, random);
    const T w = T::normal({s.weight_size()}, random);
    const T bias = T::normal({s.out_channels}, random);
    const T dy = T::normal({tasks, s.batch * s.output_size()}, random);

    T expected{{s.batch * s.output_size()}};
    for_each_product(s, [&](Index i, Index j, Index k) { expected[k] += x[i] * w[j]; });
    auto y = T::full(expected.shape(), NAN);  // nothing may be read before it is written
    kernels::conv2d_forward<double>(s, x.data(), w.data(), nullptr, y.data());
    CHECK(largest_difference(y, expected) < 1e-11);
    for (Index k = 0; k < expected.numel(); ++k)
        expected[k] += bias[k % s.out_channels];
    y.fill(NAN);
    kernels::conv2d_forward<double>(s, x.data(), w.data(), bias.data(), y.data());
    CHECK(largest_difference(y, expected) < 1e-11);

    T dx_expected{{tasks, x.numel()}};
    const Index stride = w.numel() + 3;
    T dw_expected = T::full({tasks, stride}, 7);
    for (Index t = 0; t < tasks; ++t) {
        std::fill_n(dw_expected.data() + t * stride, w.numel(), 0.0);
        for_each_product(s, [&](Index i, Index j, Index k) {
            dx_expected[t * x.numel() + i] += w[j] * dy[t * y.numel() + k];
            dw_expected[t * stride + j] += x[i] * dy[t * y.numel() + k];
        });
    }
    ConvShape stacked = s;
    stacked.batch *= tasks;
    T dx = T::full(dx_expected.shape(), NAN);
    kernels::conv2d_backward_input<double>(stacked, dy.data(), w.data(), dx.data());
    CHECK(largest_difference(dx, dx_expected) < 1e-11);

    T dw = T::full(dw_expected.shape(), 7);
    for (Index t = 0; t < tasks; ++t)
        std::fill_n(dw.data() + t * stride, w.numel(), NAN);
    kernels::conv2d_backward_weight<double>(s, tasks, x.data(), dy.data(), dw.data(), stride, false);
    CHECK(largest_difference(dw, dw_expected) < 1e-10);
    kernels::conv2d_backward_weight<double>(s, tasks, x.data(), dy.data(), dw.data(), stride, true);
    for (Index t = 0; t < tasks; ++t)
        for (Index j = 0; j < w.numel(); ++j)
            dw_expected[t * stride + j] *= 2;
    CHECK(largest_difference(dw, dw_expected) < 1e-10);
}

}  // namespace

TEST_CASE("convolution equals its definition for random geometries", "[conv2d]") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        Random random{seed};
        const ConvShape s = random_shape(random);
        CAPTURE(seed, s.input, s.output, s.in_channels, s.out_channels, s.groups, s.window.kernel, s.window.stride, s.window.padding,
                s.window.dilation);
        compare(s, random);
    }
}

TEST_CASE("convolution equals its definition when an image is cut into strips", "[conv2d]") {
    Random random{5};
    const Window window{3, {1, 2}, 1};
    for (const Pair input : {Pair{40, 70}, Pair{90, 33}}) {
        const ConvShape s{2, input, window.output("test", input), 16, 4, 2, window};
        REQUIRE(s.strip() < s.output.height);
        compare(s, random);
    }
    const ConvShape pointwise{2, {300, 8}, {300, 8}, 48, 2, 1, Window{1}};
    REQUIRE(pointwise.pointwise());
    REQUIRE(pointwise.strip() < 300);
    compare(pointwise, random);
}

TEST_CASE("an empty batch gives an empty result and a gradient of 0", "[conv2d]") {
    const ConvShape s{0, 4, 4, 2, 3, 1, Window{3, 1, 1}};
    T dw = T::full({s.weight_size()}, 5);
    kernels::conv2d_forward<double>(s, nullptr, dw.data(), nullptr, nullptr);
    kernels::conv2d_backward_input<double>(s, nullptr, dw.data(), nullptr);
    kernels::conv2d_backward_weight<double>(s, 1, nullptr, nullptr, dw.data(), s.weight_size(), false);
    CHECK(dw == T{dw.shape()});
}
