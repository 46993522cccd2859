// SPDX-License-Identifier: MIT
/// @file Functions of one element: activations and the elementary functions.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <type_traits>
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

/// y = f(x) for a function of kernels/functions.hpp.
template <class F, class Scalar>
[[nodiscard]] Variable<Scalar> mapped(const char* operation, const Variable<Scalar>& x, Scalar parameter = 0) {
    auto y = Tensor<Scalar>::empty(x.shape());
    kernels::map<F>(x.numel(), x.value().data(), y.data(), parameter);
    return record<Scalar>(operation, std::move(y), {x}, [parameter](Gradients<Scalar>& g) {
        Tensor<Scalar>& dy = g.cotangent();
        kernels::map_back<F>(g.rows(), g.output().numel(), g.input(0).data(), g.output().data(), dy.data(), parameter);
        g.add(0, std::move(dy));
    });
}

/// Makes the cotangents 0 where the output is not positive.
template <class Scalar>
void close_relu(Gradients<Scalar>& g) {
    const Tensor<Scalar>& y = g.output();
    kernels::map_back<kernels::Relu>(g.rows(), y.numel(), y.data(), y.data(), g.cotangent().data());
}

}  // namespace detail

/// max(x, 0); its derivative is 0 at 0 and below, whatever comes back: not even infinity or NaN passes.
template <class Scalar>
[[nodiscard]] Variable<Scalar> relu(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Relu>("relu", x);
}

/// min(max(x, 0), 6) (Howard et al., 2017); its derivative is 0 at 0 and at 6.
template <class Scalar>
[[nodiscard]] Variable<Scalar> relu6(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Relu6>("relu6", x);
}

/// x where positive, slope * x elsewhere.
template <class Scalar>
[[nodiscard]] Variable<Scalar> leaky_relu(const Variable<Scalar>& x, std::type_identity_t<Scalar> negative_slope = Scalar(0.01)) {
    return detail::mapped<kernels::LeakyRelu>("leaky_relu", x, negative_slope);
}

/// 1 / (1 + exp(-x)), without overflow for any x.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sigmoid(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Sigmoid>("sigmoid", x);
}

/// The hyperbolic tangent, element by element.
template <class Scalar>
[[nodiscard]] Variable<Scalar> tanh(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Tanh>("tanh", x);
}

/// x Phi(x) with the normal distribution function itself, not its tanh approximation (Hendrycks and Gimpel, 2016).
template <class Scalar>
[[nodiscard]] Variable<Scalar> gelu(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Gelu>("gelu", x);
}

/// The exponential function, element by element.
template <class Scalar>
[[nodiscard]] Variable<Scalar> exp(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Exp>("exp", x);
}

/// Natural logarithm.
template <class Scalar>
[[nodiscard]] Variable<Scalar> log(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Log>("log", x);
}

/// The square root, element by element.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sqrt(const Variable<Scalar>& x) {
    return detail::mapped<kernels::Sqrt>("sqrt", x);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
