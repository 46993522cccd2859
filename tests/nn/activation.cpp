// SPDX-License-Identifier: MIT
#include <espalier/nn/activation.hpp>
#include <espalier/nn/layer.hpp>

#include "nn/testing.hpp"

#include <cmath>

using namespace espalier;
using testing::normal;

TEMPLATE_TEST_CASE("activation layers are the functions of their names", "[nn][activation]", float, double) {
    using T = TestType;
    const Variable<T> x{normal<T>({3, 4})};
    CHECK(nn::Identity{}(x).node() == x.node());
    const auto every = [&](const Variable<T>& y, const auto& f) {
        REQUIRE(y.shape() == x.shape());
        for (Index i = 0; i < x.numel(); ++i)
            REQUIRE(static_cast<double>(y.value()[i]) == Approx(f(static_cast<double>(x.value()[i]))).epsilon(1e-5));
    };
    every(nn::ReLU{}(x), [](double v) { return v > 0 ? v : 0; });
    every(nn::ReLU6{}(x * 5), [](double v) { return std::clamp(5 * v, 0.0, 6.0); });
    every(nn::LeakyReLU{}(x), [](double v) { return v > 0 ? v : 0.01 * v; });
    every(nn::LeakyReLU{0.3}(x), [](double v) { return v > 0 ? v : 0.3 * v; });
    every(nn::Sigmoid{}(x), [](double v) { return 1 / (1 + std::exp(-v)); });
    every(nn::Tanh{}(x), [](double v) { return std::tanh(v); });
    every(nn::SiLU{}(x), [](double v) { return v / (1 + std::exp(-v)); });
    every(nn::GELU{}(x), [](double v) { return v * 0.5 * (1 + std::erf(v / std::sqrt(2.0))); });
    const auto p = nn::Softmax{}(x);
    const auto log_p = nn::LogSoftmax{}(x);
    for (Index row = 0; row < 3; ++row) {
        double total = 0;
        for (Index c = 0; c < 4; ++c)
            total += std::exp(static_cast<double>(x.value().at(row, c)));
        for (Index c = 0; c < 4; ++c) {
            const double expected = std::exp(static_cast<double>(x.value().at(row, c))) / total;
            REQUIRE(static_cast<double>(p.value().at(row, c)) == Approx(expected).epsilon(1e-5));
            REQUIRE(static_cast<double>(log_p.value().at(row, c)) == Approx(std::log(expected)).epsilon(1e-5));
        }
    }
}

TEST_CASE("gradients of activation layers", "[nn][activation]") {
    const std::vector<nn::Layer<double>> layers{nn::Identity{}, nn::ReLU{}, nn::ReLU6{}, nn::LeakyReLU{0.2}, nn::Sigmoid{},
                                                nn::Tanh{},     nn::SiLU{}, nn::GELU{},  nn::Softmax{},      nn::LogSoftmax{}};
    for (nn::Layer<double> layer : layers) {
        CHECK(layer.parameters().empty());
        // times 1, so that Identity too gives an output that is no leaf
        const auto report = gradcheck([&](const auto& in) { return layer(in[0]) * 1; }, {normal<double>({2, 5}, 9)});
        CAPTURE(report);
        CHECK(report);
    }
}
