// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "threads.hpp"

#include <espalier/core/random.hpp>
#include <espalier/kernels/resample.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;
using kernels::Resampling;

namespace {

/// Each position takes a quarter of one source and three quarters of the next, the last one all of its own.
template <class Scalar>
Resampling<Scalar> doubled(Index from) {
    return {from, 2 * from, [=](Index i, const auto& add) {
                const Index low = i / 2;
                add(low, low + 1 < from ? 0.25 : 1.0);
                add(low + 1, low + 1 < from ? 0.75 : 0.0);
            }};
}

template <class Scalar>
std::vector<double> dense(const Resampling<Scalar>& axis, Index from) {
    std::vector<double> matrix(static_cast<std::size_t>(axis.size() * from));
    for (Index i = 0; i < axis.size(); ++i)
        for (Index k = 0; k < axis.run(i).count; ++k)
            matrix[static_cast<std::size_t>(i * from + axis.run(i).first + k)] = static_cast<double>(axis.weights(axis.run(i))[k]);
    return matrix;
}

}  // namespace

TEST_CASE("a resampling leaves out what has no weight, and transposed it is the transposed matrix", "[kernels]") {
    for (const Index from : {1, 2, 5}) {
        const auto axis = doubled<double>(from);
        CHECK(axis.run(axis.size() - 1).count == 1);
        const auto back = axis.transposed();
        REQUIRE(back.size() == from);
        const auto matrix = dense(axis, from), turned = dense(back, axis.size());
        for (Index i = 0; i < axis.size(); ++i)
            for (Index j = 0; j < from; ++j)
                CHECK(matrix[static_cast<std::size_t>(i * from + j)] == turned[static_cast<std::size_t>(j * axis.size() + i)]);
    }
    CHECK(Resampling<float>{3, 0, [](Index, const auto&) {}}.size() == 0);
    CHECK(Resampling<float>{3, 0, [](Index, const auto&) {}}.transposed().size() == 3);  // to each of which nothing comes back
}

TEST_CASE("resampled images are sums by rows and columns, whatever the channels", "[kernels]") {
    Random random{7};
    for (const Index channels : {1, 3, 7, 8, 11, 16, 33}) {
        const Index images = 2, height = 3, width = 5;
        const auto rows = doubled<float>(height), columns = doubled<float>(width);
        std::vector<float> x(static_cast<std::size_t>(images * height * width * channels));
        for (float& value : x)
            value = random.uniform(-1.0F, 1.0F);
        std::vector<float> y(4 * x.size());
        kernels::resample(images, {height, width}, channels, rows, columns, x.data(), y.data());
        const auto down = dense(rows, height), across = dense(columns, width);
        double worst = 0;
        for (Index i = 0; i < static_cast<Index>(y.size()); ++i) {
            const Index c = i % channels, column = i / channels % (2 * width), row = i / channels / (2 * width) % (2 * height);
            const Index image = i / channels / (2 * width) / (2 * height);
            double sum = 0;
            for (Index v = 0; v < height; ++v)
                for (Index h = 0; h < width; ++h)
                    sum += down[static_cast<std::size_t>(row * height + v)] * across[static_cast<std::size_t>(column * width + h)] *
                           static_cast<double>(x[static_cast<std::size_t>(((image * height + v) * width + h) * channels + c)]);
            worst = std::max(worst, std::abs(sum - static_cast<double>(y[static_cast<std::size_t>(i)])));
        }
        CHECK(worst < 3e-7);
    }
}

TEST_CASE("what has no weight reaches no result, were it NaN", "[kernels]") {
    const Resampling<float> one{2, 1, [](Index, const auto& add) {
                                    add(0, 1.0);
                                    add(1, 0.0);
                                }};
    std::vector<float> x(2 * 2 * 9, std::numeric_limits<float>::quiet_NaN());
    std::fill_n(x.begin(), 9, 5.0F);
    std::vector<float> y(9);
    kernels::resample(1, {2, 2}, 9, one, one, x.data(), y.data());
    CHECK(y == std::vector<float>(9, 5.0F));
}

TEST_CASE("sums of very many terms come back with all digits", "[kernels]") {
    const Index side = 3000;
    const Resampling<float> spread{1, side, [](Index, const auto& add) { add(0, 1.0); }};
    const std::vector<float> dy(static_cast<std::size_t>(side * side), 0.1F);
    float dx = 0;
    kernels::resample_back(1, {side, side}, 1, spread.transposed(), spread.transposed(), dy.data(), &dx);
    CHECK(dx == Approx(9e6 * static_cast<double>(0.1F)).epsilon(1e-7));
}
