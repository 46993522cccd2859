// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/pooling.hpp>
#include <espalier/tensor/tensor.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;
using kernels::PoolShape;
using kernels::Window;
using T = Tensor<double>;

namespace {

PoolShape random_shape(Random& random) {
    const Pair kernel{1 + random.below(4), 1 + random.below(4)};
    const Window window{kernel, {1 + random.below(3), 1 + random.below(3)},
                        {random.below(kernel.height / 2 + 1), random.below(kernel.width / 2 + 1)}};
    const Pair input{kernel.height + random.below(6), kernel.width + random.below(6)};
    return {1 + random.below(3), input, window.output("test", input), 1 + random.below(5), window};
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

bool close(const T& a, const T& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return std::abs(x - y) < 1e-12; });
}

}  // namespace

TEST_CASE("pooling and its gradient equal their definition for random geometries", "[pooling]") {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Random random{seed};
        const PoolShape s = random_shape(random);
        CAPTURE(seed, s.input, s.output, s.window.kernel, s.window.stride, s.window.padding, s.channels);
        T x{{s.batch * s.input_size()}};
        for (double& v : x)
            v = static_cast<double>(random.below(5));  // with many equals
        const auto windows = covered(s);
        const Index tasks = 1 + random.below(3);
        const Index outputs = s.batch * s.output_size();
        REQUIRE(static_cast<Index>(windows.size()) == outputs);
        const T dy = T::normal({tasks, outputs}, random);
        T largest{{outputs}};
        T mean{{outputs}};
        T d_largest{{tasks, x.numel()}};
        T d_mean{{tasks, x.numel()}};
        for (Index o = 0; o < outputs; ++o) {
            const auto& window = windows[static_cast<std::size_t>(o)];
            Index winner = window.at(0);
            for (const Index pixel : window) {
                if (x[pixel] > x[winner])
                    winner = pixel;
                mean[o] += x[pixel] / static_cast<double>(s.window.taps());
            }
            largest[o] = x[winner];
            for (Index t = 0; t < tasks; ++t) {
                d_largest[t * x.numel() + winner] += dy[t * outputs + o];
                for (const Index pixel : window)
                    d_mean[t * x.numel() + pixel] += dy[t * outputs + o] / static_cast<double>(s.window.taps());
            }
        }
        T y = T::full({outputs}, NAN);
        T dx = T::full(d_largest.shape(), NAN);
        auto from = Tensor<std::uint16_t>::empty({outputs});
        kernels::max_pool2d_forward(s, x.data(), y.data(), from.data());
        CHECK(y == largest);
        kernels::max_pool2d_backward(s, tasks * s.batch, dy.data(), from.data(), dx.data());
        CHECK(close(dx, d_largest));
        y.fill(NAN);
        dx.fill(NAN);
        kernels::avg_pool2d_forward(s, x.data(), y.data());
        CHECK(close(y, mean));
        kernels::avg_pool2d_backward(s, tasks * s.batch, dy.data(), dx.data());
        CHECK(close(dx, d_mean));
    }
}

TEST_CASE("the first NaN of a window wins, wherever it is", "[pooling]") {
    const PoolShape s{1, {1, 4}, 1, 1, Window{{1, 4}}};
    for (Index at = 0; at < 4; ++at) {
        std::vector<float> x{1, 2, 3, std::numeric_limits<float>::infinity()};
        x[static_cast<std::size_t>(at)] = NAN;
        x[3] = at == 3 ? NAN : x[3];
        float y = 0;
        std::uint16_t from = 99;
        kernels::max_pool2d_forward(s, x.data(), &y, &from);
        CHECK(std::isnan(y));
        CHECK(from == at);
    }
}

TEST_CASE("many channels are pooled like one", "[pooling]") {  // -O3 -march=native of g++ 12 has once made other code of them
    const PoolShape s{2, {6, 8}, {3, 4}, 67, Window{2, 2}};
    Random random{3};
    const auto x = Tensor<float>::uniform({2, 6, 8, 67}, random, -1, 1);
    auto y = Tensor<float>::empty({2, 3, 4, 67});
    auto winner = Tensor<std::uint16_t>::empty(y.shape());
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
