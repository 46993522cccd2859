// SPDX-License-Identifier: MIT
/// @file The gradients of weights and bias summed over windows, against loops over the definition.
#include "catch.hpp"
#include "kernels/testing.hpp"
#include "sanitized.hpp"
#include "threads.hpp"

#include <espalier/kernels/conv2d_tiled_weight.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;
using kernels::ConvShape;
using kernels::ConvTail;
using kernels::Window;
using testing::largest_difference;
using T = Tensor<float>;

namespace {

constexpr Index dw_gap = 3, db_gap = 2;  // behind the row of each task

ConvShape shape_of(Index batch, Pair input, Index in_channels, Index out_channels, Index groups, const Window& window) {
    return {batch, input, window.output("test", input), in_channels, out_channels, groups, window};
}

ConvShape random_shape(Random& random) {
    const auto pair = [&](Index low, Index high) {
        const Index height = low + random.below(high - low + 1);
        return Pair{height, low + random.below(high - low + 1)};
    };
    const Window window{pair(1, 4), random.below(2) ? Pair{1} : pair(1, 2), random.below(2) ? pair(0, 2) : Pair{0},
                        random.below(3) ? Pair{1} : pair(1, 2)};
    const Pair reach = window.reach();
    const Pair more = pair(2, random.below(3) ? 7 : 20);  // two rows of results at least, with a stride of up to 2
    const Pair input{std::max<Index>(1, reach.height - 2 * window.padding.height) + more.height,
                     std::max<Index>(1, reach.width - 2 * window.padding.width) + more.width};
    const Index groups = random.below(3) ? 1 : 2;
    return shape_of(1 + random.below(4), input, groups * (1 + random.below(3)), groups * (1 + random.below(20)), groups, window);
}

struct Case {
    Case(const ConvShape& shape, Index task_count, std::uint64_t seed) : s{shape}, tasks{task_count} {
        Random random{seed};
        x = T::normal({s.batch * s.input_size()}, random);
        dy = T::normal({tasks, s.batch * s.pooled_size()}, random);
        winners = Tensor<std::uint8_t>::full({s.batch * s.pooled_size() + kernels::winners_slack}, 0);
        for (Index i = 0; i < s.batch * s.pooled_size(); ++i)
            winners[i] = static_cast<std::uint8_t>(random.below(5));
    }
    [[nodiscard]] kernels::ConvCotangent<float> cotangent() const { return {ConvTail::relu_max_pool, dy.data(), nullptr, winners.data()}; }
    ConvShape s;
    Index tasks;
    T x, dy;
    Tensor<std::uint8_t> winners;
};

struct Gradients {
    explicit Gradients(const Case& c, bool accumulate = false)
        : dw{T::full({c.tasks, c.s.weight_size() + dw_gap}, 7)}, db{T::full({c.tasks, c.s.out_channels + db_gap}, 7)} {
        for (Index t = 0; t < c.tasks && !accumulate; ++t) {
            std::fill_n(dw.data() + t * (c.s.weight_size() + dw_gap), c.s.weight_size(), NAN);
            std::fill_n(db.data() + t * (c.s.out_channels + db_gap), c.s.out_channels, NAN);
        }
        kernels::tiled::PooledWeightPass{c.s, c.tasks, c.x.data(), c.cotangent()}.run({dw.data(), c.s.weight_size() + dw_gap, accumulate},
                                                                                      {db.data(), c.s.out_channels + db_gap, accumulate});
    }
    T dw, db;
};

void compare(const Case& c, bool accumulate) {
    const ConvShape& s = c.s;
    CAPTURE(s.batch, s.input, s.output, s.in_channels, s.out_channels, s.groups, s.window.kernel, s.window.stride, s.window.padding,
            s.window.dilation, c.tasks, accumulate);
    const Gradients actual{c, accumulate};
    auto dw = Tensor<double>::full(actual.dw.shape(), 7);
    auto db = Tensor<double>::full(actual.db.shape(), 7);
    const Pair pooled = s.pooled();
    for (Index t = 0; t < c.tasks; ++t) {
        Tensor<double> d{{s.batch * s.output_size()}};
        double* const dw_row = dw.data() + t * (s.weight_size() + dw_gap);
        double* const db_row = db.data() + t * (s.out_channels + db_gap);
        if (!accumulate) {
            std::fill_n(dw_row, s.weight_size(), 0.0);
            std::fill_n(db_row, s.out_channels, 0.0);
        }
        for (Index i = 0; i < s.batch * s.pooled_size(); ++i) {
            const Index channel = i % s.out_channels, pixel = i / s.out_channels;
            const Index row = pixel / pooled.width, winner = c.winners[i];
            if (winner == 4)
                continue;
            const Index y = row / pooled.height * s.output.height + row % pooled.height * 2 + winner / 2;
            const auto value = static_cast<double>(c.dy[t * s.batch * s.pooled_size() + i]);
            d[(y * s.output.width + pixel % pooled.width * 2 + winner % 2) * s.out_channels + channel] = value;
            db_row[channel] += value;
        }
        testing::for_each_product(s, [&](Index i, Index j, Index k) { dw_row[j] += static_cast<double>(c.x[i]) * d[k]; });
    }
    CHECK(largest_difference(actual.dw, dw) < 2e-6);
    CHECK(largest_difference(actual.db, db) < 2e-6);
}

}  // namespace

TEST_CASE("gradients of a pooled convolution's weights for many cotangents equal their definition", "[conv2d]") {
    for (std::uint64_t seed = 0; seed < (testing::sanitized ? 15 : 60); ++seed) {
        Random random{seed};
        const ConvShape s = random_shape(random);
        if (s.pooled().height > 0 && s.pooled().width > 0)
            compare({s, 1 + random.below(seed % 4 || testing::sanitized ? 9 : 70), seed}, seed % 2 == 0);
    }
    compare({shape_of(21, {12, 12}, 2, 17, 1, Window{3, 1, 1}), 5, 1}, false);  // several images a strip, several strips a chunk
    compare({shape_of(2, {70, 40}, 1, 3, 1, Window{3, 1, 1}), 6, 2}, true);     // several strips an image
    compare({shape_of(1, {2, 2}, 1, 1, 1, Window{1, 1, 0}), 2, 3}, false);      // one window
}

TEST_CASE("windows without a winner add nothing to a pooled convolution's gradients, not even NaN", "[conv2d]") {
    Case c{shape_of(2, {8, 8}, 1, 4, 1, Window{3, 1, 1}), 8, 4};
    std::fill(c.winners.begin(), c.winners.end(), std::uint8_t{4});
    std::fill(c.x.begin(), c.x.end(), std::numeric_limits<float>::infinity());
    const Gradients nothing{c};
    for (Index t = 0; t < c.tasks; ++t) {
        CHECK(std::all_of(nothing.dw.data() + t * (c.s.weight_size() + dw_gap),
                          nothing.dw.data() + t * (c.s.weight_size() + dw_gap) + c.s.weight_size(), [](float v) { return v == 0; }));
        CHECK(nothing.db[t * (c.s.out_channels + db_gap)] == 0);
    }
}

TEST_CASE("gradients of a pooled convolution's weights have the same bits on any number of threads", "[conv2d]") {
    for (const ConvShape& s : {shape_of(9, {20, 20}, 3, 40, 1, Window{3, 1, 1}), shape_of(2, {9, 9}, 8, 70, 2, Window{3, 1, 0})}) {
        const Case c{s, 8, 5};
        std::vector<Gradients> results;
        for (const int threads : {1, 2, 4}) {
            const testing::Threads guard{threads};
            results.emplace_back(c);
        }
        for (const Gradients& other : results) {
            CHECK(other.dw == results.front().dw);
            CHECK(other.db == results.front().db);
        }
    }
}

TEST_CASE("a pooled convolution sums over windows for many cotangents, and weights or bias alone have the same bits", "[conv2d]") {
    const Case c{shape_of(6, {16, 16}, 10, 20, 1, Window{5, 1, 2}), 8, 6};
    REQUIRE(kernels::tiled::sums_windows(c.s, c.tasks, ConvTail::relu_max_pool));
    CHECK_FALSE(kernels::tiled::sums_windows(c.s, 1, ConvTail::relu_max_pool));
    CHECK_FALSE(kernels::tiled::sums_windows(c.s, c.tasks, ConvTail::relu));
    const Gradients both{c};
    auto dw = T::full(both.dw.shape(), 7);
    auto db = T::full(both.db.shape(), 7);
    kernels::tiled::backward_weight(c.s, c.tasks, c.x.data(), c.cotangent(), {dw.data(), c.s.weight_size() + dw_gap, false}, {});
    kernels::tiled::backward_weight(c.s, c.tasks, c.x.data(), c.cotangent(), {}, {db.data(), c.s.out_channels + db_gap, false});
    CHECK(dw == both.dw);
    CHECK(db == both.db);
}
