// SPDX-License-Identifier: MIT
/// @file The three passes of convolution against seven loops over the definition, by the vector kernels (float) and by
/// unfolding (double).
#include "catch.hpp"
#include "kernels/testing.hpp"
#include "sanitized.hpp"

#include <espalier/kernels/conv2d.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cmath>
#include <type_traits>

using namespace espalier;
using kernels::ConvShape;
using kernels::Window;
using testing::for_each_product;
using testing::largest_difference;

namespace {

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
    return {between(random, 1, 10),
            input,
            window.output("test", input),
            groups * between(random, 1, 4),
            groups * between(random, 1, 4),
            groups,
            window};
}

template <class Scalar>
void compare(const ConvShape& s, Random& random) {
    using T = Tensor<Scalar>;
    using Expected = Tensor<double>;
    constexpr double tolerance = std::is_same_v<Scalar, float> ? 2e-6 : 1e-12;
    const Index tasks = between(random, 1, 3);
    const T x = T::normal({s.batch * s.input_size()}, random);
    const T w = T::normal({s.weight_size()}, random);
    const T bias = T::normal({s.out_channels}, random);
    const T dy = T::normal({tasks, s.batch * s.output_size()}, random);

    Expected expected{{s.batch * s.output_size()}};
    for_each_product(s, [&](Index i, Index j, Index k) { expected[k] += static_cast<double>(x[i]) * static_cast<double>(w[j]); });
    auto y = T::full(expected.shape(), Scalar(NAN));  // nothing may be read before it is written
    kernels::conv2d_forward<Scalar>(s, x.data(), w.data(), nullptr, y.data());
    CHECK(largest_difference(y, expected) < tolerance);
    for (Index k = 0; k < expected.numel(); ++k)
        expected[k] += static_cast<double>(bias[k % s.out_channels]);
    y.fill(Scalar(NAN));
    kernels::conv2d_forward<Scalar>(s, x.data(), w.data(), bias.data(), y.data());
    CHECK(largest_difference(y, expected) < tolerance);

    Expected dx_expected{{tasks, x.numel()}};
    const Index stride = w.numel() + 3;
    Expected dw_expected = Expected::full({tasks, stride}, 7);
    for (Index t = 0; t < tasks; ++t) {
        std::fill_n(dw_expected.data() + t * stride, w.numel(), 0.0);
        const Scalar* const x_row = x.data();
        const Scalar* const w_row = w.data();
        const Scalar* const dy_row = dy.data() + t * y.numel();
        double* const dx_row = dx_expected.data() + t * x.numel();
        double* const dw_row = dw_expected.data() + t * stride;
        for_each_product(s, [=](Index i, Index j, Index k) {
            const auto d = static_cast<double>(dy_row[k]);
            dx_row[i] += static_cast<double>(w_row[j]) * d;
            dw_row[j] += static_cast<double>(x_row[i]) * d;
        });
    }
    ConvShape stacked = s;
    stacked.batch *= tasks;
    T dx = T::full(dx_expected.shape(), Scalar(NAN));
    kernels::conv2d_backward_input<Scalar>(stacked, dy.data(), w.data(), dx.data());
    CHECK(largest_difference(dx, dx_expected) < tolerance);

    T dw = T::full(dw_expected.shape(), 7);
    for (Index t = 0; t < tasks; ++t)
        std::fill_n(dw.data() + t * stride, w.numel(), Scalar(NAN));
    kernels::conv2d_backward_weight<Scalar>(s, tasks, x.data(), dy.data(), {dw.data(), stride, false});
    CHECK(largest_difference(dw, dw_expected) < tolerance);
    kernels::conv2d_backward_weight<Scalar>(s, tasks, x.data(), dy.data(), {dw.data(), stride, true});
    for (Index t = 0; t < tasks; ++t)
        for (Index j = 0; j < w.numel(); ++j)
            dw_expected[t * stride + j] *= 2;
    CHECK(largest_difference(dw, dw_expected) < tolerance);
}

}  // namespace

TEMPLATE_TEST_CASE("convolution equals its definition for random geometries", "[conv2d]", float, double) {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        Random random{seed};
        const ConvShape s = random_shape(random);
        CAPTURE(seed, s.input, s.output, s.in_channels, s.out_channels, s.groups, s.window.kernel, s.window.stride, s.window.padding,
                s.window.dilation);
        compare<TestType>(s, random);
    }
}

TEMPLATE_TEST_CASE("convolution equals its definition when images are cut into strips and channels into tiles", "[conv2d][long]", float,
                   double) {
    Random random{5};
    const Window strided{3, {1, 2}, 1};
    for (const Pair input : {Pair{40, 70}, Pair{90, 33}})
        compare<TestType>({2, input, strided.output("test", input), 16, 4, 2, strided}, random);
    compare<TestType>({2, {300, 8}, {300, 8}, 48, 2, 1, Window{1}}, random);
    const Window same{3, 1, 1};
    for (const Index channels : {1, 3, 10, 20, 33, 47, 100}) {
        const Pair size = testing::sanitized && channels > 30 ? Pair{4, 7} : Pair{9, 13};
        compare<TestType>({2, size, size, channels, 17 + channels, 1, same}, random);
    }
    compare<TestType>({20, {5, 5}, {5, 5}, 8, 8, 1, same}, random);       // images that are worked on together
    compare<TestType>({1, {6, 6}, {6, 6}, 64, 64, 1, same}, random);      // one image: its filters are cut into parts
    compare<TestType>({3, {12, 12}, {12, 12}, 40, 40, 40, same}, random);  // a filter a channel
    // Few channels: windows are unfolded, and dx is scattered.
    for (const Window& window : {Window{5}, Window{{5, 4}, {2, 1}, {1, 2}}, Window{{3, 5}, 1, {0, 1}, {2, 1}}})
        compare<TestType>({7, {14, 13}, window.output("test", {14, 13}), 10, 20, 1, window}, random);
}

TEMPLATE_TEST_CASE("an empty batch gives an empty result and a gradient of 0", "[conv2d]", float, double) {
    const ConvShape s{0, 4, 4, 2, 3, 1, Window{3, 1, 1}};
    auto dw = Tensor<TestType>::full({s.weight_size()}, 5);
    kernels::conv2d_forward<TestType>(s, nullptr, dw.data(), nullptr, nullptr);
    kernels::conv2d_backward_input<TestType>(s, nullptr, dw.data(), nullptr);
    kernels::conv2d_backward_weight<TestType>(s, 1, nullptr, nullptr, {dw.data(), s.weight_size(), false});
    CHECK(dw == Tensor<TestType>{dw.shape()});
}
