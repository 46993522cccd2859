// SPDX-License-Identifier: MIT
/// @file Functions of one element: activations and the elementary functions.
#pragma once

#include <espalier/autograd/record.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// y = f(x) element by element, with `derivative(x, y)`. The way to an activation of one's own.
template <class Scalar, class F, class Derivative>
[[nodiscard]] Variable<Scalar> elementwise(const char* operation, const Variable<Scalar>& x, F f, Derivative derivative) {
    auto y = Tensor<Scalar>::empty(x.shape());
    kernels::map(x.numel(), x.value().data(), y.data(), f);
    return record<Scalar>(operation, std::move(y), {x}, [derivative](Gradients<Scalar>& g) {
        Tensor<Scalar> gradient = std::move(g.cotangent());
        const Scalar* const in = g.input(0).data();
        const Scalar* const out = g.output().data();
        const Index n = g.output().numel();
        for (Index t = 0; t < g.rows(); ++t) {
            Scalar* const row = gradient.data() + t * n;
            kernels::for_each_index(n, [=](Index i) { row[i] *= derivative(in[i], out[i]); });
        }
        g.add(0, std::move(gradient));
    });
}

namespace detail {

/// Makes the cotangents 0 where the output is not positive.
template <class Scalar>
void close_relu(Gradients<Scalar>& g) {
    const Scalar* const out = g.output().data();
    const Index n = g.output().numel();
    for (Index t = 0; t < g.rows(); ++t) {
        Scalar* const row = g.cotangent().data() + t * n;
        kernels::for_each_index(n, [=](Index i) { row[i] = out[i] > 0 ? row[i] : Scalar(0); });
    }
}

}  // namespace detail

/// max(x, 0); its derivative is 0 at 0 and below, whatever comes back: not even infinity or NaN passes.
template <class Scalar>
[[nodiscard]] Variable<Scalar> relu(const Variable<Scalar>& x) {
    auto y = Tensor<Scalar>::empty(x.shape());
    kernels::relu(x.numel(), x.value().data(), y.data());
    return record<Scalar>("relu", std::move(y), {x}, [](Gradients<Scalar>& g) {
        detail::close_relu(g);
        g.add(0, std::move(g.cotangent()));
    });
}

/// x where positive, slope * x elsewhere.
template <class Scalar>
[[nodiscard]] Variable<Scalar> leaky_relu(const Variable<Scalar>& x, std::type_identity_t<Scalar> negative_slope = Scalar(0.01)) {
    return elementwise(
        "leaky_relu", x, [=](Scalar v) { return v > 0 ? v : negative_slope * v; },
        [=](Scalar v, Scalar) { return v > 0 ? Scalar(1) : negative_slope; });
}

/// 1 / (1 + exp(-x)), without overflow for any x.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sigmoid(const Variable<Scalar>& x) {
    return elementwise(
        "sigmoid", x,
        [](Scalar v) {
            const Scalar e = std::exp(-std::abs(v));
            return (v >= 0 ? Scalar(1) : e) / (1 + e);
        },
        [](Scalar, Scalar y) { return y * (1 - y); });
}

/// The hyperbolic tangent, element by element.
template <class Scalar>
[[nodiscard]] Variable<Scalar> tanh(const Variable<Scalar>& x) {
    return elementwise(
        "tanh", x, [](Scalar v) { return std::tanh(v); }, [](Scalar, Scalar y) { return 1 - y * y; });
}

/// x Phi(x) with the normal distribution function itself, not its tanh approximation (Hendrycks and Gimpel, 2016).
template <class Scalar>
[[nodiscard]] Variable<Scalar> gelu(const Variable<Scalar>& x) {
    constexpr Scalar root_half = std::numbers::sqrt2_v<Scalar> / 2;
    constexpr Scalar density_at_0 = std::numbers::inv_sqrtpi_v<Scalar> * root_half;
    return elementwise(
        "gelu", x, [](Scalar v) { return v / 2 * std::erfc(-v * root_half); },
        [](Scalar v, Scalar) {
            const Scalar bounded = std::min(std::abs(v), Scalar(50));  // where the density has long been 0, and the square is finite
            return std::erfc(-v * root_half) / 2 + v * density_at_0 * std::exp(-bounded * bounded / 2);
        });
}

/// The exponential function, element by element.
template <class Scalar>
[[nodiscard]] Variable<Scalar> exp(const Variable<Scalar>& x) {
    return elementwise(
        "exp", x, [](Scalar v) { return std::exp(v); }, [](Scalar, Scalar y) { return y; });
}

/// Natural logarithm.
template <class Scalar>
[[nodiscard]] Variable<Scalar> log(const Variable<Scalar>& x) {
    return elementwise(
        "log", x, [](Scalar v) { return std::log(v); }, [](Scalar v, Scalar) { return 1 / v; });
}

/// The square root, element by element.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sqrt(const Variable<Scalar>& x) {
    return elementwise(
        "sqrt", x, [](Scalar v) { return std::sqrt(v); }, [](Scalar, Scalar y) { return 1 / (2 * y); });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
