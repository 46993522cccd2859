// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "threads.hpp"

#include <espalier/kernels/avg_pooling.hpp>
#include <espalier/kernels/pooling.hpp>
#include <espalier/tensor/tensor.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

using namespace espalier;
using kernels::PoolShape;
using kernels::Window;
using T = Tensor<double>;

namespace {

PoolShape random_shape(Random& random) {
    const Pair kernel{1 + random.below(4), 1 + random.below(4)};
    const Window window{kernel,
                        {1 + random.below(3), 1 + random.below(3)},
                        {random.below(kernel.height / 2 + 1), random.below(kernel.width / 2 + 1)},
                        1,
                        random.below(2) == 1};
    const Pair input{kernel.height + random.below(6), kernel.width + random.below(random.below(3) ? 6 : 40)};
    return {1 + random.below(3), input, window.output("test", input), 1 + random.below(random.below(2) ? 5 : 40), window,
            random.below(2) == 1};
}

/// What PyTorch divides the sum of window o by: its taps within the padded image, or within the image.
Index divisor(const PoolShape& s, Index o) {
    const Window& w = s.window;
    const auto counted = [&](Index at, Index size, Index kernel, Index stride, Index padding) {
        Index count = 0;
        for (Index i = at * stride - padding; i < at * stride - padding + kernel; ++i)
            count += s.count_include_pad ? i < size + padding : i >= 0 && i < size;
        return count;
    };
    return counted(o / s.channels / s.output.width % s.output.height, s.input.height, w.kernel.height, w.stride.height, w.padding.height) *
           counted(o / s.channels % s.output.width, s.input.width, w.kernel.width, w.stride.width, w.padding.width);
}

/// Offsets of the pixels under each pooled value that lie in the image, in row-major order.
std::vector<std::vector<Index>> covered(const PoolShape& s) {
    std::vector<std::vector<Index>> result;
    for (Index n = 0; n < s.batch; ++n)
        for (Index oy = 0; oy < s.output.height; ++oy)
            for (Index ox = 0; ox < s.output.width; ++ox)
                for (Index c = 0; c < s.channels; ++c) {
                    auto& pixels = result.emplace_back();
                    for (Index y = 0; y < s.input.height; ++y)
                        for (Index x = 0; x < s.input.width; ++x) {
                            const Index ky = y - (oy * s.window.stride.height - s.window.padding.height);
                            const Index kx = x - (ox * s.window.stride.width - s.window.padding.width);
                            if (ky >= 0 && ky < s.window.kernel.height && kx >= 0 && kx < s.window.kernel.width)
                                pixels.push_back(((n * s.input.height + y) * s.input.width + x) * s.channels + c);
                        }
                }
    return result;
}

template <class Scalar>
bool close(const Tensor<Scalar>& a, const T& b) {
    constexpr double tolerance = std::is_same_v<Scalar, float> ? 1e-5 : 1e-12;
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](Scalar x, double y) { return std::abs(static_cast<double>(x) - y) < tolerance; });
}

/// The place of the largest: the first of equals, or the first NaN.
template <class Scalar>
Index largest_of(const Tensor<Scalar>& x, const std::vector<Index>& window) {
    Index winner = window.at(0);
    for (const Index pixel : window)
        if (!std::isnan(x[winner]) && !(x[pixel] <= x[winner]))
            winner = pixel;
    return winner;
}

template <class Scalar>
void compare(const PoolShape& s, Random& random) {
    CAPTURE(s.input, s.output, s.window.kernel, s.window.stride, s.window.padding, s.channels);
    Tensor<Scalar> x{{s.batch * s.input_size()}};
    for (Scalar& v : x)
        v = static_cast<Scalar>(random.below(5));  // with many equals
    const auto windows = covered(s);
    const Index tasks = 1 + random.below(3);
    const Index outputs = s.batch * s.output_size();
    REQUIRE(static_cast<Index>(windows.size()) == outputs);
    const auto dy = Tensor<Scalar>::normal({tasks, outputs}, random);
    T largest{{outputs}};
    T mean{{outputs}};
    T d_largest{{tasks, x.numel()}};
    T d_mean{{tasks, x.numel()}};
    for (Index o = 0; o < outputs; ++o) {
        const auto& window = windows[static_cast<std::size_t>(o)];
        const Index winner = largest_of(x, window);
        const auto count = static_cast<double>(divisor(s, o));
        for (const Index pixel : window)
            mean[o] += static_cast<double>(x[pixel]) / count;
        largest[o] = static_cast<double>(x[winner]);
        for (Index t = 0; t < tasks; ++t) {
            const auto d = static_cast<double>(dy[t * outputs + o]);
            d_largest[t * x.numel() + winner] += d;
            for (const Index pixel : window)
                d_mean[t * x.numel() + pixel] += d / count;
        }
    }
    auto y = Tensor<Scalar>::full({outputs}, Scalar(NAN));
    auto dx = Tensor<Scalar>::full(d_largest.shape(), Scalar(NAN));
    auto from = Tensor<std::uint16_t>::empty({outputs});
    kernels::max_pool2d_forward(s, x.data(), y.data(), from.data());
    CHECK(std::equal(y.begin(), y.end(), largest.begin(), [](Scalar a, double b) { return static_cast<double>(a) == b; }));
    kernels::max_pool2d_backward(s, tasks * s.batch, dy.data(), from.data(), dx.data());
    CHECK(close(dx, d_largest));
    y.fill(Scalar(NAN));
    dx.fill(Scalar(NAN));
    kernels::avg_pool2d_forward(s, x.data(), y.data());
    CHECK(close(y, mean));
    kernels::avg_pool2d_backward(s, tasks * s.batch, dy.data(), dx.data());
    CHECK(close(dx, d_mean));
}

}  // namespace

TEMPLATE_TEST_CASE("pooling and its gradient equal their definition for random geometries", "[pooling]", float, double) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Random random{seed};
        const PoolShape s = random_shape(random);
        CAPTURE(seed);
        compare<TestType>(s, random);
    }
}

TEMPLATE_TEST_CASE("the usual windows pool any number of channels", "[pooling]", float, double) {
    Random random{9};
    for (const Window& window :
         {Window{2, 2}, Window{3, 2, 1}, Window{3, 1, 1}, Window{{3, 2}, {2, 3}, {1, 0}}, Window{1, 2}, Window{7, 1, 3}})
        for (const Index channels : {1, 7, 16, 33, 67}) {
            const Pair input{9, 14};
            compare<TestType>({2, input, window.output("test", input), channels, window}, random);
        }
}

TEMPLATE_TEST_CASE("windows of many taps are pooled as small ones", "[pooling]", float, double) {
    Random random{11};
    for (const bool include : {true, false})
        for (const Window& window : {Window{{17, 16}, 1, {8, 3}}, Window{{300, 1}, {7, 1}, {150, 0}, 1, true},
                                     Window{20, {20, 3}, 0, 1, true}, Window{{31, 29}, {3, 4}, {15, 14}, 1, true}}) {
            const Pair input{25, 27};
            compare<TestType>({2, input, window.output("test", input), 3, window, include}, random);
        }
}

TEMPLATE_TEST_CASE("a winner is a pixel of the image, whatever the window holds", "[pooling]", float, double) {
    constexpr auto infinity = std::numeric_limits<TestType>::infinity();
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Random random{seed};
        const PoolShape s = random_shape(random);
        CAPTURE(seed, s.input, s.output, s.window.kernel, s.window.stride, s.window.padding, s.channels);
        Tensor<TestType> x{{s.batch * s.input_size()}};
        for (TestType& v : x) {
            const Index kind = random.below(6);
            v = kind == 0 ? std::numeric_limits<TestType>::quiet_NaN() : kind == 1 ? infinity : kind < 5 ? -infinity : TestType(1);
        }
        const auto windows = covered(s);
        const auto outputs = static_cast<Index>(windows.size());
        auto y = Tensor<TestType>::empty({outputs});
        auto from = Tensor<std::uint16_t>::empty({outputs});
        kernels::max_pool2d_forward(s, x.data(), y.data(), from.data());
        const auto dy = Tensor<TestType>::full({outputs}, 1);
        Tensor<TestType> dx{x.shape()};
        kernels::max_pool2d_backward(s, s.batch, dy.data(), from.data(), dx.data());
        T expected{x.shape()};
        for (Index o = 0; o < outputs; ++o) {
            const Index winner = largest_of(x, windows[static_cast<std::size_t>(o)]);
            expected[winner] += 1;
            REQUIRE((y[o] == x[winner] || (std::isnan(y[o]) && std::isnan(x[winner]))));
        }
        REQUIRE(close(dx, expected));
    }
}

TEST_CASE("pooling gives the same bits on any number of threads", "[pooling]") {
    Random random{2};
    const Window window{3, 2, 1};
    const PoolShape s{3, {37, 41}, window.output("test", {37, 41}), 20, window};
    const auto x = Tensor<float>::normal({s.batch * s.input_size()}, random);
    const auto dy = Tensor<float>::normal({2 * s.batch * s.output_size()}, random);
    std::vector<Tensor<float>> results;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        const Index outputs = s.batch * s.output_size();
        Tensor<float> all{{2, outputs + 2 * x.numel()}};
        auto from = Tensor<std::uint16_t>::empty({outputs});
        float* const mean = all.data() + outputs + 2 * x.numel();
        kernels::max_pool2d_forward(s, x.data(), all.data(), from.data());
        kernels::max_pool2d_backward(s, 2 * s.batch, dy.data(), from.data(), all.data() + outputs);
        kernels::avg_pool2d_forward(s, x.data(), mean);
        kernels::avg_pool2d_backward(s, 2 * s.batch, dy.data(), mean + outputs);
        results.push_back(std::move(all));
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
}

TEST_CASE("the first NaN of a window wins, wherever it is", "[pooling]") {
    const PoolShape s{1, {1, 4}, 1, 1, Window{{1, 4}}};
    for (Index at = 0; at < 4; ++at) {
        std::vector<float> x{1, 2, 3, std::numeric_limits<float>::infinity()};
        x[static_cast<std::size_t>(at)] = NAN;
        x[3] = at == 3 ? NAN : x[3];
        float y = 0;
        std::array<std::uint16_t, 1> from{};
        kernels::max_pool2d_forward(s, x.data(), &y, from.data());
        CHECK(std::isnan(y));
        CHECK(from[0] == at);
    }
}

TEST_CASE("many channels are pooled like one", "[pooling]") {  // -O3 -march=native of g++ 12 has once made other code of them
    const PoolShape s{2, {6, 8}, {3, 4}, 67, Window{2, 2}};
    Random random{3};
    const auto x = Tensor<float>::uniform({2, 6, 8, 67}, random, -1, 1);
    auto y = Tensor<float>::empty({2, 3, 4, 67});
    auto winner = Tensor<std::uint16_t>::empty({y.numel()});
    kernels::max_pool2d_forward(s, x.data(), y.data(), winner.data());
    const auto dy = Tensor<float>::uniform(y.shape(), random, 1, 2);
    auto dx = Tensor<float>::full(x.shape(), NAN);
    kernels::max_pool2d_backward(s, 2, dy.data(), winner.data(), dx.data());
    for (Index n = 0; n < 2; ++n)
        for (Index oy = 0; oy < 3; ++oy)
            for (Index ox = 0; ox < 4; ++ox)
                for (Index c = 0; c < 67; ++c) {
                    Index best = 0;
                    const auto pixel = [&](Index i) { return std::array{n, 2 * oy + i / 2, 2 * ox + i % 2, c}; };
                    const auto at = [&](const Tensor<float>& t, Index i) {
                        const auto p = pixel(i);
                        return t.at(p[0], p[1], p[2], p[3]);
                    };
                    for (Index i = 1; i < 4; ++i)
                        best = at(x, i) > at(x, best) ? i : best;
                    REQUIRE(y.at(n, oy, ox, c) == at(x, best));
                    for (Index i = 0; i < 4; ++i)
                        REQUIRE(at(dx, i) == (i == best ? dy.at(n, oy, ox, c) : 0));
                }
}
