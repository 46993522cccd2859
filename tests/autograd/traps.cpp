// SPDX-License-Identifier: MIT
/// @file No operation raises a floating-point exception (invalid, division by zero, overflow) for finite input with a finite
/// result: who turns on traps for them, to find a bug, must not find ours. Lanes of a vector without an element count as well.
#include "autograd/registry.hpp"
#include "catch.hpp"
#include "threads.hpp"

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/logit_product.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/kernels/optimizer.hpp>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>

namespace {

using namespace registry;
namespace ag = espalier::autograd;
namespace kernels = espalier::kernels;

/// What `run` raises; on this thread alone, whose flags they are.
template <class F>
int raised(const F& run) {
    const testing::Threads guard{1};
    std::feclearexcept(FE_ALL_EXCEPT);
    run();
    return std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
}

template <class Scalar>
bool finite(const Tensor<Scalar>& x) {
    return std::all_of(x.begin(), x.end(), [](Scalar v) { return std::isfinite(v); });
}

/// Value and gradient of f(x).
template <class Scalar, class F>
int raised_by(const F& f, const Tensor<Scalar>& x) {
    const Variable<Scalar> leaf{x, true};
    return raised([&] {
        const Variable<Scalar> y = f(leaf);
        const std::vector<Variable<Scalar>> leaves{leaf};
        const auto gradients = ag::vjp<Scalar>(y, Tensor<Scalar>::ones(y.shape().prepended(1)), leaves);
        CHECK((finite(y.value()) && finite(gradients[0])));
    });
}

}  // namespace

TEMPLATE_TEST_CASE("no operation of the registry raises a floating-point exception", "[traps]", float, double) {
    for (const Row& row : rows())
        for (int i = 0; i < 10; ++i) {
            Random random{static_cast<std::uint64_t>(i), std::hash<std::string>{}(row.name)};
            const Draw draw = row.random(random);
            Variables<TestType> inputs;
            for (const auto& input : draw.inputs)
                inputs.emplace_back(input.cast<TestType>(), true);
            CAPTURE(row.name, i);
            CHECK(raised([&] {
                      const auto y = row.apply<TestType>(inputs, draw.attributes);
                      (void)ag::vjp<TestType>(y, Tensor<TestType>::ones(y.shape().prepended(2)), inputs);
                  }) == 0);
        }
}

TEMPLATE_TEST_CASE("softmax and activations of the largest and smallest numbers raise nothing", "[traps]", float, double) {
    using T = TestType;
    constexpr T most = std::numeric_limits<T>::max();
    const auto softmax = [](const auto& x) { return ag::softmax(x); };
    const auto log_softmax = [](const auto& x) { return ag::log_softmax(x); };
    for (Index n = 1; n < 40; ++n) {
        CAPTURE(n);
        for (const T value : {T(-1e14), T(1e14), T(-100), T(100), T(0), -most, most}) {
            CAPTURE(value);
            auto x = Tensor<T>::full({1, n}, value);
            CHECK(raised_by<T>(softmax, x) == 0);
            CHECK(raised_by<T>(log_softmax, x) == 0);
            x[0] = T(1);
            CHECK(raised_by<T>(softmax, x) == 0);
            x[n / 2] = -value;
            CHECK(raised_by<T>(softmax, x) == 0);
        }
        auto extreme = Tensor<T>::full({2, n}, -most);
        extreme[0] = most;
        CHECK(raised_by<T>(softmax, extreme) == 0);
        CHECK(ag::softmax(Variable<T>{extreme}).value()[0] == 1);
        const auto all = [](const auto& f, const Tensor<T>& x) { CHECK(raised_by<T>(f, x) == 0); };
        for (const T value : {T(-1e14), T(1e14), -most, most}) {
            const auto x = Tensor<T>::full({n}, value);
            all([](const auto& v) { return ag::relu(v); }, x);
            all([](const auto& v) { return ag::relu6(v); }, x);
            all([](const auto& v) { return ag::leaky_relu(v); }, x);
            all([](const auto& v) { return ag::sigmoid(v); }, x);
            all([](const auto& v) { return ag::tanh(v); }, x);
            all([](const auto& v) { return ag::gelu(v); }, x);
        }
    }
}

TEMPLATE_TEST_CASE("the logit of a product is right where probabilities are 0 or 1, and raises nothing", "[traps]", float, double) {
    using T = TestType;
    const T most = std::numeric_limits<T>::max(), eps = std::numeric_limits<T>::epsilon();
    struct Case {
        T a, b, product, left, right;  // the derivatives by a and b
    };
    const T ln2 = std::log(T(2));
    for (const Case& c : {Case{1e4, 1e4, T(1e4) - ln2, 0.5, 0.5}, Case{-1e4, -1e4, -2e4, 1, 1}, Case{1e4, -1e4, -1e4, 0, 1},
                          Case{-1e4, 1e4, -1e4, 1, 0}, Case{1e4, 0, 0, 0, 1}, Case{0, -1e4, T(-1e4) - ln2, 0.5, 1},
                          Case{0, 0, -std::log(T(3)), T(2) / 3, T(2) / 3}, Case{most, most / 2, most / 2, 0, 1}}) {
        CAPTURE(c.a, c.b);
        const std::vector<Variable<T>> logits{{Tensor<T>::full({3, 1}, c.a), true}, {Tensor<T>::full({3, 1}, c.b), true}};
        CHECK(raised([&] {
                  const auto y = ag::logit_product(logits[0], logits[1]);
                  const auto gradients = ag::vjp<T>(y, Tensor<T>::ones({1, 3, 1}), logits);
                  CHECK(std::abs(y.value()[2] - c.product) <= 2 * eps * std::max(T(1), std::abs(c.product)));
                  CHECK(std::abs(gradients[0][2] - c.left) <= 2 * eps);
                  CHECK(std::abs(gradients[1][2] - c.right) <= 2 * eps);
              }) == 0);
    }
}

TEMPLATE_TEST_CASE("update rules raise nothing in lanes without a parameter", "[traps]", float, double) {
    using T = TestType;
    for (Index n = 1; n < 70; ++n)
        for (const T beta2 : {T(0.999), T(0)}) {
            CAPTURE(n, beta2);
            const auto gradient = Tensor<T>::full({n}, T(0.5));
            auto p = Tensor<T>::ones({n});
            Tensor<T> m{Shape{n}};
            Tensor<T> v{Shape{n}};
            const kernels::AdamRule<T> adam{.step_size = T(0.01),
                                            .root = T(0.1),
                                            .fresh1 = T(0.1),
                                            .beta2 = beta2,
                                            .fresh2 = 1 - beta2,
                                            .eps = 0,
                                            .weight_decay = T(0.1),
                                            .keep = 1};
            const kernels::SgdRule<T> sgd{T(0.1), T(0.9), 1, T(0.1), true};
            CHECK(raised([&] {
                      kernels::adam<T>(n, adam, gradient.data(), p.data(), m.data(), v.data());
                      kernels::sgd<T>(n, sgd, gradient.data(), p.data());
                      kernels::sgd_momentum<T>(n, sgd, gradient.data(), p.data(), m.data());
                  }) == 0);
            CHECK((finite(p) && finite(m) && finite(v)));
        }
}
