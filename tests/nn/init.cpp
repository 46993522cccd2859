// SPDX-License-Identifier: MIT
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/linear.hpp>

#include "nn/testing.hpp"

#include <algorithm>
#include <cmath>

using namespace espalier;
using testing::same_bits;

namespace {

struct Moments {
    double mean;
    double deviation;
    double largest;  ///< absolute value
};

template <class T>
Moments moments(const Tensor<T>& tensor) {
    double sum = 0;
    double squares = 0;
    double largest = 0;
    for (const T value : tensor) {
        const auto v = static_cast<double>(value);
        sum += v;
        squares += v * v;
        largest = std::max(largest, std::abs(v));
    }
    const auto n = static_cast<double>(tensor.numel());
    return {sum / n, std::sqrt(squares / n - sum * sum / n / n), largest};
}

/// Inside the bound, near it, and spread as a uniform distribution is.
template <class T>
void require_uniform(const Tensor<T>& tensor, double bound) {
    const Moments m = moments(tensor);
    CAPTURE(bound, m.mean, m.deviation, m.largest);
    REQUIRE(m.largest <= bound * (1 + 1e-6));
    REQUIRE(m.largest > 0.99 * bound);
    REQUIRE(std::abs(m.mean) < 0.03 * bound);
    REQUIRE(m.deviation == Approx(bound / std::sqrt(3.0)).epsilon(0.02));
}

template <class T>
void require_normal(const Tensor<T>& tensor, double mean, double deviation) {
    const Moments m = moments(tensor);
    CAPTURE(mean, deviation, m.mean, m.deviation);
    REQUIRE(std::abs(m.mean - mean) < 0.03 * deviation);
    REQUIRE(m.deviation == Approx(deviation).epsilon(0.02));
    REQUIRE(m.largest > 3 * deviation);  // of 20,000 values, not one of a bounded distribution
}

}  // namespace

TEST_CASE("the fan of a weight counts the taps of its kernel", "[nn][init]") {
    const auto fan = [](const Shape& shape) {
        const auto f = nn::init::fan(shape);
        return std::vector<Index>{f.in, f.out};
    };
    CHECK(fan({5, 3}) == std::vector<Index>{3, 5});
    CHECK(fan({64, 3, 5, 32}) == std::vector<Index>{32 * 15, 64 * 15});
    CHECK_THROWS_AS(fan({5}), ShapeError);
    CHECK_THROWS_WITH(fan({5}), "[init] expected weights (out, ..., in), got (5,)");
    CHECK_THROWS_WITH(fan({}), "[init] expected weights (out, ..., in), got ()");
}

TEMPLATE_TEST_CASE("initial weights have the bounds and deviations of PyTorch's formulas", "[nn][init]", float, double) {
    using T = TestType;
    Random random{11};
    Tensor<T> matrix{Shape{100, 200}};
    Tensor<T> kernel{Shape{40, 3, 5, 30}};  // fan in 450, fan out 600
    nn::init::uniform(matrix, random, -0.5, 0.5);
    require_uniform(matrix, 0.5);
    nn::init::normal(matrix, random, 3, 0.5);
    require_normal(matrix, 3, 0.5);
    nn::init::kaiming_uniform(matrix, random);
    require_uniform(matrix, std::sqrt(6.0 / 200));
    nn::init::kaiming_uniform(kernel, random, 0.2);
    require_uniform(kernel, std::sqrt(2 / 1.04) * std::sqrt(3.0 / 450));
    nn::init::kaiming_uniform(matrix, random, std::sqrt(5.0));
    require_uniform(matrix, 1 / std::sqrt(200.0));
    nn::init::kaiming_normal(kernel, random);
    require_normal(kernel, 0, std::sqrt(2.0 / 450));
    nn::init::kaiming_normal(matrix, random, 1);
    require_normal(matrix, 0, std::sqrt(1.0 / 200));
    nn::init::xavier_uniform(kernel, random);
    require_uniform(kernel, std::sqrt(6.0 / 1050));
    nn::init::xavier_uniform(matrix, random, 5.0 / 3);
    require_uniform(matrix, 5.0 / 3 * std::sqrt(6.0 / 300));
    nn::init::xavier_normal(kernel, random, 2);
    require_normal(kernel, 0, 2 * std::sqrt(2.0 / 1050));
}

TEMPLATE_TEST_CASE("linear and convolutional layers begin within one over the root of fan in", "[nn][init]", float, double) {
    using T = TestType;
    manual_seed(5);
    nn::Linear<T> linear{50, 3000};
    require_uniform(linear.weight().value(), 1 / std::sqrt(50.0));
    require_uniform(linear.bias().value(), 1 / std::sqrt(50.0));
    nn::Conv2d<T> conv{6, 3000, {2, 3}, {.groups = 3}};  // each filter sees 2 channels
    require_uniform(conv.weight().value(), 1 / std::sqrt(12.0));
    require_uniform(conv.bias().value(), 1 / std::sqrt(12.0));
}

TEST_CASE("the same seed gives the same weights, and each layer its own", "[nn][init]") {
    manual_seed(7);
    const auto first = nn::Linear{8, 8}.state_dict();
    const auto second = nn::Linear{8, 8}.state_dict();
    manual_seed(7);
    CHECK(same_bits(nn::Linear{8, 8}.state_dict(), first));
    CHECK(same_bits(nn::Linear{8, 8}.state_dict(), second));
    CHECK_FALSE(same_bits(first, second));
    manual_seed(8);
    CHECK_FALSE(same_bits(nn::Linear{8, 8}.state_dict(), first));
}
