// SPDX-License-Identifier: MIT
/// @file Depthwise convolution in its three passes against loops over the definition, with all that may follow it.
#include "catch.hpp"
#include "kernels/testing.hpp"
#include "sanitized.hpp"
#include "threads.hpp"

#include <espalier/kernels/conv2d.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

using namespace espalier;
using kernels::ConvShape;
using kernels::ConvTail;
using kernels::Window;
using testing::for_each_product;
using testing::largest_difference;
using T = Tensor<float>;

namespace {

ConvShape shape_of(Index batch, Pair input, Index channels, const Window& window) {
    return {batch, input, window.output("test", input), channels, channels, channels, window};
}

ConvShape random_shape(Random& random) {
    const auto pair = [&](Index low, Index high) {
        const Index height = low + random.below(high - low + 1);
        return Pair{height, low + random.below(high - low + 1)};
    };
    const Window window{pair(1, 5), random.below(2) ? Pair{1} : pair(1, 3), random.below(3) ? pair(0, 3) : Pair{0},
                        random.below(3) ? Pair{1} : pair(1, 3)};
    const Pair reach{(window.kernel.height - 1) * window.dilation.height + 1, (window.kernel.width - 1) * window.dilation.width + 1};
    const Pair more = pair(0, random.below(3) ? 6 : 40);
    const Pair input{std::max<Index>(1, reach.height - 2 * window.padding.height) + more.height,
                     std::max<Index>(1, reach.width - 2 * window.padding.width) + more.width};
    return shape_of(1 + random.below(4), input, 2 + random.below(39), window);
}

/// All passes of a convolution and its tail, whose results are NaN before.
struct Passes {
    Passes(const ConvShape& s, ConvTail tail, Index tasks, bool with_bias, bool accumulate, std::uint64_t seed) {
        Random random{seed};
        const Index outputs = s.batch * (tail == ConvTail::relu_max_pool ? s.pooled_size() : s.output_size());
        x = T::normal({s.batch * s.input_size()}, random);
        w = T::normal({s.weight_size()}, random);
        bias = T::normal({s.out_channels}, random);
        dy = T::normal({tasks, outputs}, random);
        y = T::full({outputs}, NAN);
        dx = T::full({tasks, x.numel()}, NAN);
        dw = T::full({tasks, w.numel() + 3}, 7);  // rows of each task with a gap behind
        db = T::full({tasks, bias.numel() + 2}, 7);
        winners = Tensor<std::uint8_t>::empty({outputs + kernels::winners_slack});
        if (!accumulate)
            for (Index t = 0; t < tasks; ++t) {
                std::fill_n(dw.data() + t * (w.numel() + 3), w.numel(), NAN);
                std::fill_n(db.data() + t * (bias.numel() + 2), bias.numel(), NAN);
            }
        kernels::tiled::forward(s, x.data(), w.data(), with_bias ? bias.data() : nullptr, tail, y.data(), winners.data());
        const kernels::ConvCotangent<float> cotangent{tail, dy.data(), y.data(), winners.data()};
        kernels::tiled::backward_input(s, tasks * s.batch, cotangent, w.data(), dx.data());
        kernels::tiled::backward_weight(s, tasks, x.data(), cotangent, {dw.data(), w.numel() + 3, accumulate},
                                        {db.data(), bias.numel() + 2, accumulate});
    }
    T x, w, bias, dy, y, dx, dw, db;
    Tensor<std::uint8_t> winners;
};

void compare(const ConvShape& s, ConvTail tail, std::uint64_t seed) {
    CAPTURE(seed, s.batch, s.input, s.output, s.in_channels, s.window.kernel, s.window.stride, s.window.padding, s.window.dilation,
            static_cast<int>(tail));
    REQUIRE(s.depthwise());
    const Index tasks = 1 + static_cast<Index>(seed % 3);
    const bool with_bias = seed % 2 == 0;
    const bool accumulate = seed % 5 < 2;
    const Passes actual{s, tail, tasks, with_bias, accumulate, seed};
    constexpr double tolerance = 2e-6;

    Tensor<double> plain{{s.batch * s.output_size()}};
    for (Index k = 0; k < plain.numel() && with_bias; ++k)
        plain[k] = static_cast<double>(actual.bias[k % s.out_channels]);
    for_each_product(s,
                     [&](Index i, Index j, Index k) { plain[k] += static_cast<double>(actual.x[i]) * static_cast<double>(actual.w[j]); });

    // What the tail makes of it, and the cotangent of the plain result.
    Tensor<double> y{actual.y.shape()};
    Tensor<double> d{{tasks, plain.numel()}};
    const Index c = s.out_channels;
    for (Index k = 0; k < y.numel(); ++k) {
        Index from = k;
        if (tail == ConvTail::relu_max_pool) {
            const Pair pooled = s.pooled();
            const Index row = k / c / pooled.width;  // of all images
            const Index first =
                ((row / pooled.height * s.output.height + row % pooled.height * 2) * s.output.width + k / c % pooled.width * 2) * c + k % c;
            from = first;
            for (Index i = 1; i < 4; ++i)
                if (const Index at = first + (i / 2 * s.output.width + i % 2) * c; plain[at] > plain[from])
                    from = at;
        }
        y[k] = tail == ConvTail::none ? plain[from] : std::max(plain[from], 0.0);
        for (Index t = 0; t < tasks; ++t)
            if (tail == ConvTail::none || plain[from] > 0)
                d[t * plain.numel() + from] = static_cast<double>(actual.dy[t * y.numel() + k]);
    }
    CHECK(largest_difference(actual.y, y) < tolerance);

    Tensor<double> dx{actual.dx.shape()};
    auto dw = Tensor<double>::full(actual.dw.shape(), 7);
    auto db = Tensor<double>::full(actual.db.shape(), 7);
    for (Index t = 0; t < tasks; ++t) {
        double* const dw_row = dw.data() + t * (actual.w.numel() + 3);
        double* const db_row = db.data() + t * (c + 2);
        if (!accumulate) {
            std::fill_n(dw_row, actual.w.numel(), 0.0);
            std::fill_n(db_row, c, 0.0);
        }
        const double* const d_row = d.data() + t * plain.numel();
        double* const dx_row = dx.data() + t * actual.x.numel();
        for_each_product(s, [&](Index i, Index j, Index k) {
            dx_row[i] += static_cast<double>(actual.w[j]) * d_row[k];
            dw_row[j] += static_cast<double>(actual.x[i]) * d_row[k];
        });
        for (Index k = 0; k < plain.numel(); ++k)
            db_row[k % c] += d_row[k];
    }
    CHECK(largest_difference(actual.dx, dx) < tolerance);
    CHECK(largest_difference(actual.dw, dw) < tolerance);
    CHECK(largest_difference(actual.db, db) < tolerance);
}

}  // namespace

TEST_CASE("depthwise convolution equals its definition for random geometries", "[conv2d]") {
    for (std::uint64_t seed = 0; seed < (testing::sanitized ? 40 : 120); ++seed) {
        Random random{seed};
        compare(random_shape(random), ConvTail::none, seed);
        compare(random_shape(random), ConvTail::relu, seed);
        const ConvShape s = random_shape(random);
        if (s.pooled().height > 0 && s.pooled().width > 0)
            compare(s, ConvTail::relu_max_pool, seed);
    }
}

TEST_CASE("depthwise convolution takes images of many rows and many channels", "[conv2d][long]") {
    for (const ConvTail tail : {ConvTail::none, ConvTail::relu, ConvTail::relu_max_pool}) {
        compare(shape_of(2, {50, 61}, 40, Window{3, 1, 1}), tail, 1);
        compare(shape_of(9, {33, 20}, 17, Window{5, 2, 2}), tail, 2);
        compare(shape_of(3, {7, 7}, 300, Window{3, 1, 1}), tail, 3);
        compare(shape_of(1, {9, 9}, 513, Window{7, 1, 3}), tail, 4);
    }
}

TEST_CASE("a gradient of a depthwise convolution's bias alone needs none of its weights", "[conv2d]") {
    const ConvShape s = shape_of(2, {6, 5}, 20, Window{3, 1, 1});
    const Passes all{s, ConvTail::none, 1, true, false, 8};
    auto db = T::full({20}, NAN);
    kernels::tiled::backward_weight(s, 1, all.x.data(), {.dy = all.dy.data()}, {}, {db.data(), 0, false});
    CHECK(std::equal(db.begin(), db.end(), all.db.begin()));
}

TEST_CASE("a depthwise convolution gives the same bits on any number of threads", "[conv2d]") {
    for (const ConvShape& s : {shape_of(3, {30, 40}, 20, Window{3, 2, 1}), shape_of(1, {12, 12}, 200, Window{5, 1, 2})}) {
        std::vector<Passes> results;
        for (const int threads : {1, 2, 4}) {
            const testing::Threads guard{threads};
            results.emplace_back(s, ConvTail::relu, 2, true, true, 5);
        }
        for (const Passes& other : results) {
            CHECK(other.y == results[0].y);
            CHECK(other.dx == results[0].dx);
            CHECK(other.dw == results[0].dw);
            CHECK(other.db == results[0].db);
        }
    }
}
