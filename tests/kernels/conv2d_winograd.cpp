// SPDX-License-Identifier: MIT
/// @file Convolutions by Winograd's way against sums of doubles and against the direct way: values, what follows them, bits, errors.
#include "catch.hpp"
#include "conv_way.hpp"
#include "kernels/testing.hpp"
#include "sanitized.hpp"
#include "threads.hpp"

#include <espalier/kernels/conv2d.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

using namespace espalier;
using kernels::ConvShape;
using kernels::ConvTail;
using kernels::Window;
using testing::largest_difference;
using T = Tensor<float>;

namespace {

ConvShape shape_of(Index batch, Pair input, Index in_channels, Index out_channels, Index groups = 1, Pair padding = 1) {
    const Window window{3, 1, padding};
    return {batch, input, window.output("test", input), in_channels, out_channels, groups, window};
}

Pair pair_between(Random& random, Index low, Index high) {
    const Index height = low + random.below(high - low + 1);
    return {height, low + random.below(high - low + 1)};
}

/// Of so many products at most, or one image.
ConvShape random_shape(Random& random, Index products) {
    const Pair padding = pair_between(random, 0, 3);
    const Pair input = pair_between(random, 3, random.below(3) ? 9 : 20);
    const Index groups = 1 + random.below(3), depth = groups * (1 + random.below(40)), filters = groups * (1 + random.below(60));
    const ConvShape one = shape_of(1, input, depth, filters, groups, padding);
    const Index images = std::clamp<Index>(products / (one.output.height * one.output.width * one.weight_size()), 1, 9);
    return shape_of(1 + random.below(images), input, depth, filters, groups, padding);
}

Index tail_size(const ConvShape& s, ConvTail tail) {
    return s.batch * (tail == ConvTail::relu_max_pool ? s.pooled_size() : s.output_size());
}

/// Everything that the passes give, for `tasks` cotangents.
struct Passes {
    /// Gradients are those of `results`, if any, instead of the own ones: those may differ by a rounding, and then in what is positive.
    Passes(const ConvShape& s, Index tasks, ConvTail tail, ConvAlgorithm algorithm, std::uint64_t seed = 1,
           const Passes* results = nullptr) {
        const testing::ConvWay way{algorithm};
        Random random{seed};
        x = T::normal({s.batch * s.input_size()}, random);
        w = T::normal({s.weight_size()}, random);
        bias = T::normal({s.out_channels}, random);
        dy = T::normal({tasks, tail_size(s, tail)}, random);
        y = T::full({tail_size(s, tail)}, NAN);
        winners = Tensor<std::uint8_t>::full({y.numel() + kernels::winners_slack}, 77);
        kernels::tiled::forward(s, x.data(), w.data(), bias.data(), tail, y.data(), winners.data());
        dx = T::full({tasks, x.numel()}, NAN);
        const Passes& of = results ? *results : *this;
        const kernels::ConvCotangent<float> cotangent{tail, dy.data(), of.y.data(), of.winners.data()};
        kernels::tiled::backward_input(s, tasks * s.batch, cotangent, w.data(), dx.data());
        dw = T::full({tasks, w.numel() + 3}, 7);
        db = T::full({tasks, s.out_channels + 2}, 7);
        kernels::tiled::backward_weight(s, tasks, x.data(), cotangent, {dw.data(), w.numel() + 3, false},
                                        {db.data(), s.out_channels + 2, false});
        kernels::tiled::backward_weight(s, tasks, x.data(), cotangent, {dw.data(), w.numel() + 3, true},
                                        {db.data(), s.out_channels + 2, true});
    }
    T x, w, bias, dy, y, dx, dw, db;
    Tensor<std::uint8_t> winners;
};

bool operator==(const Passes& a, const Passes& b) {
    return a.y == b.y && a.winners == b.winners && a.dx == b.dx && a.dw == b.dw && a.db == b.db;
}

/// Relative to the largest.
double difference(const T& a, const T& b) {
    Tensor<double> expected{b.shape()};
    std::copy(b.begin(), b.end(), expected.begin());
    return largest_difference(a, expected);
}

void compare_with_definition(std::uint64_t first, std::uint64_t last, Index products) {
    for (std::uint64_t seed = first; seed < last; ++seed) {
        Random random{seed};
        const ConvShape s = random_shape(random, products);
        const Index tasks = 1 + random.below(3);
        CAPTURE(seed, s.batch, s.input, s.in_channels, s.out_channels, s.groups, s.window.padding, tasks);
        const Passes actual{s, tasks, ConvTail::none, ConvAlgorithm::winograd, seed};
        Tensor<double> y{actual.y.shape()}, dx{actual.dx.shape()};
        auto dw = Tensor<double>::full(actual.dw.shape(), 7);
        for (Index t = 0; t < tasks; ++t)
            std::fill_n(dw.data() + t * (s.weight_size() + 3), s.weight_size(), 0.0);
        for (Index k = 0; k < y.numel(); ++k)
            y[k] = static_cast<double>(actual.bias[k % s.out_channels]);
        testing::for_each_product(s, [&](Index i, Index j, Index k) {
            const auto x = static_cast<double>(actual.x[i]), w = static_cast<double>(actual.w[j]);
            y[k] += x * w;
            for (Index t = 0; t < tasks; ++t) {
                const auto dy = static_cast<double>(actual.dy[t * y.numel() + k]);
                dx[t * actual.x.numel() + i] += w * dy;
                dw[t * (s.weight_size() + 3) + j] += 2 * x * dy;  // once written, once added
            }
        });
        CHECK(largest_difference(actual.y, y) < 4e-6);
        CHECK(largest_difference(actual.dx, dx) < 4e-6);
        CHECK(largest_difference(actual.dw, dw) < 4e-6);
        auto db = Tensor<double>::full(actual.db.shape(), 7);
        for (Index t = 0; t < tasks; ++t)
            for (Index c = 0; c < s.out_channels; ++c) {
                double& sum = db[t * (s.out_channels + 2) + c] = 0;
                for (Index k = c; k < y.numel(); k += s.out_channels)
                    sum += 2 * static_cast<double>(actual.dy[t * y.numel() + k]);
            }
        CHECK(largest_difference(actual.db, db) < 1e-6);
    }
}

constexpr ConvTail all_tails[] = {ConvTail::none, ConvTail::relu, ConvTail::relu_max_pool};

}  // namespace

TEST_CASE("Winograd's way equals the definition", "[conv2d][winograd]") { compare_with_definition(0, 12, 200'000); }
TEST_CASE("Winograd's way equals the definition for larger problems", "[conv2d][winograd][long]") {
    compare_with_definition(20, testing::sanitized ? 30 : 70, testing::sanitized ? 500'000 : 4'000'000);
}

TEST_CASE("Winograd's way pools and rectifies as the direct way does", "[conv2d][winograd]") {
    for (std::uint64_t seed = 100; seed < (testing::sanitized ? 115 : 140); ++seed) {
        Random random{seed};
        const ConvShape s = random_shape(random, 500'000);
        if (s.output.height < 2 || s.output.width < 2)
            continue;
        for (const ConvTail tail : all_tails) {
            CAPTURE(seed, s.batch, s.input, s.in_channels, s.out_channels, s.groups, s.window.padding, static_cast<int>(tail));
            const Passes expected{s, 2, tail, ConvAlgorithm::direct, seed};
            const Passes actual{s, 2, tail, ConvAlgorithm::winograd, seed, &expected};
            CHECK(difference(actual.y, expected.y) < 4e-6);
            CHECK(difference(actual.dx, expected.dx) < 4e-6);
            CHECK(difference(actual.dw, expected.dw) < 4e-6);
            CHECK(difference(actual.db, expected.db) < 1e-6);
        }
    }
}

TEST_CASE("what follows a convolution by Winograd's way has the bits of the passes apart", "[conv2d][winograd]") {
    for (const ConvShape& s : {shape_of(3, {9, 9}, 20, 24), shape_of(2, {8, 12}, 16, 17), shape_of(5, {5, 6}, 16, 48, 2)}) {
        const Passes plain{s, 1, ConvTail::none, ConvAlgorithm::winograd}, relu{s, 1, ConvTail::relu, ConvAlgorithm::winograd};
        const Passes pooled{s, 1, ConvTail::relu_max_pool, ConvAlgorithm::winograd};
        for (Index i = 0; i < plain.y.numel(); ++i)
            REQUIRE(relu.y[i] == std::max(plain.y[i], 0.0F));
        const Index c = s.out_channels, across = s.output.width;
        for (Index i = 0; i < pooled.y.numel(); ++i) {
            const Index window = i / c % (s.pooled().height * s.pooled().width), image = i / s.pooled_size();
            const Index at = image * s.output_size() + (2 * (window / s.pooled().width) * across + 2 * (window % s.pooled().width)) * c +
                             i % c;
            const float best = std::max({plain.y[at], plain.y[at + c], plain.y[at + across * c], plain.y[at + (across + 1) * c], 0.0F});
            REQUIRE(pooled.y[i] == best);
            if (pooled.winners[i] < 4)
                REQUIRE(plain.y[at + (pooled.winners[i] / 2 * across + pooled.winners[i] % 2) * c] == best);
            else
                REQUIRE(best == 0);
        }
    }
}

TEST_CASE("Winograd's way has the same bits for any number of threads, and for cotangents at once and one by one",
          "[conv2d][winograd][threads][long]") {
    const Index many = testing::sanitized ? 1 : 4;
    for (const ConvShape& s : {shape_of(8, {16, 17}, 16, 20), shape_of(many, {18, 18}, 64, 70), shape_of(2, {8, 8}, 112, 130),
                               shape_of(many, {9, 10}, 40, 32, 2), shape_of(3 * many, {20, 20}, 33, 16)})
        for (const ConvTail tail : all_tails) {
            CAPTURE(s.batch, s.input, s.in_channels, s.out_channels, static_cast<int>(tail));
            const testing::Threads one{1};
            const Passes expected{s, 3, tail, ConvAlgorithm::winograd};
            for (const int threads : {2, 4}) {
                const testing::Threads several{threads};
                CHECK(Passes{s, 3, tail, ConvAlgorithm::winograd} == expected);
            }
            for (Index t = 0; t < 3; ++t) {  // each for itself
                const testing::ConvWay way{ConvAlgorithm::winograd};
                const kernels::ConvCotangent<float> cotangent{tail, expected.dy.data() + t * tail_size(s, tail), expected.y.data(),
                                                              expected.winners.data()};
                T dx = T::full({expected.x.numel()}, NAN), dw = T::full({expected.w.numel()}, NAN), db = T::full({s.out_channels}, NAN);
                kernels::tiled::backward_input(s, s.batch, cotangent, expected.w.data(), dx.data());
                CHECK(std::equal(dx.begin(), dx.end(), expected.dx.data() + t * dx.numel()));
                if (tail == ConvTail::relu_max_pool)
                    continue;  // several are summed over windows
                kernels::tiled::backward_weight(s, 1, expected.x.data(), cotangent, {dw.data(), dw.numel(), false},
                                                {db.data(), db.numel(), false});
                kernels::tiled::backward_weight(s, 1, expected.x.data(), cotangent, {dw.data(), dw.numel(), true},
                                                {db.data(), db.numel(), true});
                CHECK(std::equal(dw.begin(), dw.end(), expected.dw.data() + t * (dw.numel() + 3)));
                CHECK(std::equal(db.begin(), db.end(), expected.db.data() + t * (db.numel() + 2)));
            }
        }
}

TEST_CASE("an image has the same bits alone and in a batch, by either way", "[conv2d][winograd]") {
    for (const ConvAlgorithm algorithm : {ConvAlgorithm::direct, ConvAlgorithm::winograd}) {
        const ConvShape several = shape_of(7, {11, 9}, 24, 40);
        ConvShape single = several;
        single.batch = 1;
        const Passes batch{several, 1, ConvTail::relu, algorithm};
        const testing::ConvWay way{algorithm};
        T y{{single.output_size()}};
        for (Index n = 0; n < several.batch; ++n) {
            kernels::tiled::forward(single, batch.x.data() + n * single.input_size(), batch.w.data(), batch.bias.data(), ConvTail::relu,
                                    y.data(), nullptr);
            CHECK(std::equal(y.begin(), y.end(), batch.y.data() + n * y.numel()));
        }
    }
}

TEST_CASE("the error of Winograd's way is that of the direct way but for a small factor", "[conv2d][winograd][long]") {
    struct Error {
        double relative, largest;
    };
    const auto error = [](const T& a, const Tensor<double>& b) {
        double square = 0, sum = 0, largest = 0, scale = 0;
        for (Index i = 0; i < b.numel(); ++i) {
            const double d = static_cast<double>(a[i]) - b[i];
            square += d * d;
            sum += b[i] * b[i];
            largest = std::max(largest, std::abs(d));
            scale = std::max(scale, std::abs(b[i]));
        }
        return Error{std::sqrt(square / sum), largest / scale};
    };
    for (const Index channels : {16, 64, 128})
        for (const Index side : {8, 9}) {  // tiles of 4 and of 3
            if (testing::sanitized && channels > 16)
                continue;
            const ConvShape s = shape_of(channels == 128 ? 3 : 8, side, channels, channels);
            Tensor<double> y, dx, dw;
            Error direct[3], winograd[3];
            for (const ConvAlgorithm algorithm : {ConvAlgorithm::direct, ConvAlgorithm::winograd}) {
                const Passes p{s, 1, ConvTail::none, algorithm};
                if (algorithm == ConvAlgorithm::direct) {
                    y = Tensor<double>{p.y.shape()}, dx = Tensor<double>{p.dx.shape()}, dw = Tensor<double>{p.w.shape()};
                    testing::for_each_product(s, [&](Index i, Index j, Index k) {
                        const auto a = static_cast<double>(p.x[i]), b = static_cast<double>(p.w[j]), c = static_cast<double>(p.dy[k]);
                        y[k] += a * b;
                        dx[i] += b * c;
                        dw[j] += 2 * a * c;
                    });
                    for (Index k = 0; k < y.numel(); ++k)
                        y[k] += static_cast<double>(p.bias[k % channels]);
                }
                Error* const errors = algorithm == ConvAlgorithm::direct ? direct : winograd;
                errors[0] = error(p.y, y);
                errors[1] = error(p.dx, dx);
                errors[2] = error(p.dw, dw);
            }
            for (int pass = 0; pass < 3; ++pass) {
                CAPTURE(channels, side, pass, direct[pass].relative, winograd[pass].relative, direct[pass].largest, winograd[pass].largest);
                CHECK(winograd[pass].relative < 1.5e-6);
                CHECK(winograd[pass].largest < 4e-6);
                CHECK(winograd[pass].relative < 3.5 * direct[pass].relative);
            }
        }
}

TEST_CASE("not a number and infinity reach the results of the tiles that read them, and no others", "[conv2d][winograd]") {
    const ConvShape s = shape_of(1, {16, 16}, 16, 16);
    const testing::ConvWay way{ConvAlgorithm::winograd};
    Random random{3};
    T x = T::normal({s.input_size()}, random);
    const T w = T::normal({s.weight_size()}, random);
    for (const float strange : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        x[(5 * 16 + 5) * 16 + 3] = strange;
        T y{{s.output_size()}};
        kernels::tiled::forward(s, x.data(), w.data(), nullptr, ConvTail::none, y.data(), nullptr);
        for (Index i = 0; i < 256; ++i) {
            const Index row = i / 16, column = i % 16;
            if (std::abs(row - 5) <= 1 && std::abs(column - 5) <= 1)
                CHECK_FALSE(std::isfinite(y[i * 16]));
            if (row >= 8 || column >= 8)
                CHECK(std::isfinite(y[i * 16]));
        }
    }
}

TEST_CASE("which way a convolution takes depends on its extents, and can be set", "[conv2d][winograd]") {
    const auto taken = [](const ConvShape& s) { return kernels::winograd::forward_kernels(s); };
    const bool exists = kernels::simd::winograd_table(4) != nullptr;
    {
        const testing::ConvWay way{ConvAlgorithm::automatic};
        CHECK((taken(shape_of(8, {32, 32}, 64, 64)) != nullptr) == exists);
        CHECK(taken(shape_of(8, {32, 32}, 3, 64)) == nullptr);
        CHECK(taken(shape_of(1, {4, 4}, 64, 64)) == nullptr);
        CHECK(taken(shape_of(0, {32, 32}, 64, 64)) == nullptr);
        if (exists) {
            CHECK(taken(shape_of(8, {9, 9}, 64, 64))->outputs == 3);
            CHECK(taken(shape_of(8, {8, 8}, 64, 64))->outputs == 4);
        }
    }
    {
        const testing::ConvWay way{ConvAlgorithm::winograd};
        CHECK((taken(shape_of(1, {3, 3}, 1, 1)) != nullptr) == exists);
        ConvShape strided = shape_of(8, {32, 32}, 64, 64);
        strided.window.stride = 2;
        strided.output = strided.window.output("test", strided.input);
        CHECK(taken(strided) == nullptr);
    }
    const testing::ConvWay way{ConvAlgorithm::direct};
    CHECK(taken(shape_of(8, {32, 32}, 64, 64)) == nullptr);
}
