// SPDX-License-Identifier: MIT
/// @file Initial weights, by the names and formulas of `torch.nn.init`.
#pragma once

#include <espalier/core/draw_each.hpp>
#include <espalier/core/random.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::nn::init {

/// What a weight (out, ..., in) connects: inputs and outputs of one unit, kernel taps included.
struct Fan {
    Index in;
    Index out;
};

/// Inputs and outputs of one unit of a weight (out, ..., in).
/// @throws ShapeError for fewer than two axes.
[[nodiscard]] inline Fan fan(const Shape& weight) {
    require<ShapeError>(weight.rank() >= 2, "init", "expected weights (out, ..., in), got ", weight);
    const Index taps = weight.product(1, weight.rank() - 1);
    return {weight.back() * taps, weight[0] * taps};
}

/// Uniform in [low, high).
template <class Scalar>
void uniform(Tensor<Scalar>& tensor, Random& random, double low, double high) {
    draw_each(tensor.numel(), random, 1, tensor.data(),
              [=](Random& stream) { return stream.uniform<Scalar>(static_cast<Scalar>(low), static_cast<Scalar>(high)); });
}

/// Normal with this mean and deviation.
template <class Scalar>
void normal(Tensor<Scalar>& tensor, Random& random, double mean = 0, double deviation = 1) {
    draw_each(tensor.numel(), random, 2, tensor.data(),
              [=](Random& stream) { return static_cast<Scalar>(mean + deviation * stream.normal()); });
}

/// Uniform with bound gain sqrt(3 / fan in), gain sqrt(2 / (1 + slope^2)) (He et al., 2015). The slope sqrt(5) makes the
/// bound 1 / sqrt(fan in), PyTorch's default for linear and convolutional layers.
template <class Scalar>
void kaiming_uniform(Tensor<Scalar>& weight, Random& random, double negative_slope = 0) {
    const double bound = std::sqrt(6 / ((1 + negative_slope * negative_slope) * static_cast<double>(fan(weight.shape()).in)));
    uniform(weight, random, -bound, bound);
}

/// Normal with deviation gain / sqrt(fan in) (He et al., 2015).
template <class Scalar>
void kaiming_normal(Tensor<Scalar>& weight, Random& random, double negative_slope = 0) {
    normal(weight, random, 0, std::sqrt(2 / ((1 + negative_slope * negative_slope) * static_cast<double>(fan(weight.shape()).in))));
}

/// Uniform with bound gain sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010).
template <class Scalar>
void xavier_uniform(Tensor<Scalar>& weight, Random& random, double gain = 1) {
    const Fan f = fan(weight.shape());
    const double bound = gain * std::sqrt(6 / static_cast<double>(f.in + f.out));
    uniform(weight, random, -bound, bound);
}

/// Normal with deviation gain sqrt(2 / (fan in + fan out)) (Glorot and Bengio, 2010).
template <class Scalar>
void xavier_normal(Tensor<Scalar>& weight, Random& random, double gain = 1) {
    const Fan f = fan(weight.shape());
    normal(weight, random, 0, gain * std::sqrt(2 / static_cast<double>(f.in + f.out)));
}

/// PyTorch's default for weight and bias of linear and convolutional layers: uniform within 1 / sqrt(fan in).
template <class Scalar>
void default_affine(Tensor<Scalar>& weight, Tensor<Scalar>& bias, Random random) {
    kaiming_uniform(weight, random, std::sqrt(5.0));
    const double bound = 1 / std::sqrt(static_cast<double>(fan(weight.shape()).in));
    uniform(bias, random, -bound, bound);
}

}  // namespace espalier::inline ESPALIER_ABI::nn::init
