// SPDX-License-Identifier: MIT
/// @file Activations where finite differences say nothing: at kinks, at infinity, for NaN.
#include "catch.hpp"

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/softmax.hpp>

#include <cmath>
#include <limits>

using namespace espalier;
using V = Variable<float>;
using T = Tensor<float>;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

template <class F>
T gradient(F f, const T& at) {
    V x{at, true};
    autograd::sum(f(x)).backward();
    return x.grad();
}

}  // namespace

TEST_CASE("relu and leaky relu at and around 0", "[activation]") {
    const T x({5}, {-infinity, -1, 0, 1, infinity});
    CHECK(autograd::relu(V{x}).value() == T({5}, {0, 0, 0, 1, infinity}));
    CHECK(gradient([](const V& v) { return autograd::relu(v); }, x) == T({5}, {0, 0, 0, 1, 1}));
    CHECK(autograd::leaky_relu(V{x}, 0.5f).value() == T({5}, {-infinity, -0.5, 0, 1, infinity}));
    CHECK(gradient([](const V& v) { return autograd::leaky_relu(v, 0.5f); }, x) == T({5}, {0.5, 0.5, 0.5, 1, 1}));
    CHECK(autograd::leaky_relu(V{T({1}, {-100})}).value()[0] == Approx(-1));
}

TEST_CASE("relu6 at and around its kinks, 0 and 6", "[activation]") {
    const T x({7}, {-infinity, 0, 1, 5.5, 6, 7, infinity});
    CHECK(autograd::relu6(V{x}).value() == T({7}, {0, 0, 1, 5.5, 6, 6, 6}));
    CHECK(gradient([](const V& v) { return autograd::relu6(v); }, x) == T({7}, {0, 0, 1, 1, 0, 0, 0}));
}

TEST_CASE("NaN passes through every activation", "[activation]") {
    const V x{T({1}, {NAN})};
    using namespace autograd;
    for (const V& y : {relu(x), relu6(x), leaky_relu(x), sigmoid(x), autograd::tanh(x), gelu(x), autograd::exp(x), autograd::log(x),
                       autograd::sqrt(x), softmax(x), log_softmax(x)})
        CHECK(std::isnan(y.item()));
}

TEST_CASE("activations saturate without overflow", "[activation]") {
    const T x({4}, {-infinity, -1e4f, 1e4f, infinity});
    CHECK(autograd::sigmoid(V{x}).value() == T({4}, {0, 0, 1, 1}));
    CHECK(gradient([](const V& v) { return autograd::sigmoid(v); }, x) == T({4}, {0, 0, 0, 0}));
    CHECK(autograd::tanh(V{x}).value() == T({4}, {-1, -1, 1, 1}));
    CHECK(autograd::gelu(V{T({2}, {-1e4f, 1e4f})}).value() == T({2}, {0, 1e4f}));
    CHECK(gradient([](const V& v) { return autograd::gelu(v); }, T({2}, {-1e4f, 1e4f})) == T({2}, {0, 1}));
    CHECK(autograd::softmax(V{T({2}, {-1e30f, 1e30f})}).value() == T({2}, {0, 1}));
    CHECK(autograd::log_softmax(V{T({2}, {-infinity, 5})}).value() == T({2}, {-infinity, 0}));
    CHECK(autograd::log_softmax(V{T({2}, {1e6f, 1e6f})}).value()[0] == Approx(-std::log(2.0f)).epsilon(1e-6));
}

TEST_CASE("an activation of the user's own from a function and its derivative", "[activation]") {
    const auto cube = [](const V& x) {
        return autograd::elementwise(
            "cube", x, [](float v) { return v * v * v; }, [](float v, float) { return 3 * v * v; });
    };
    CHECK(gradient(cube, T({2}, {1, -2})) == T({2}, {3, 12}));
    CHECK(std::string{cube(V{T({1}), true}).operation()} == "cube");
}
