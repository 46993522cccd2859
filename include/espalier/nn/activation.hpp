// SPDX-License-Identifier: MIT
/// @file Activations as layers, for any scalar.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/softmax.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

/// Gives back what it gets.
struct Identity {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return x;
    }
};

/// max(x, 0).
struct ReLU {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::relu(x);
    }
};

/// min(max(x, 0), 6).
struct ReLU6 {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::relu6(x);
    }
};

/// x where positive, negative_slope x elsewhere.
struct LeakyReLU {
    double negative_slope = 0.01;
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::leaky_relu(x, static_cast<Scalar>(negative_slope));
    }
};

/// 1 / (1 + exp(-x)).
struct Sigmoid {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::sigmoid(x);
    }
};

/// The hyperbolic tangent.
struct Tanh {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::tanh(x);
    }
};

/// x sigmoid(x), also called Swish.
struct SiLU {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return x * autograd::sigmoid(x);
    }
};

/// x times the normal distribution function of x.
struct GELU {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::gelu(x);
    }
};

/// Over the last axis.
struct Softmax {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::softmax(x);
    }
};

/// Over the last axis.
struct LogSoftmax {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::log_softmax(x);
    }
};

}  // namespace espalier::inline ESPALIER_ABI::nn
