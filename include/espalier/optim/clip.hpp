// SPDX-License-Identifier: MIT
/// @file Bounds on gradients, to be set between the backward pass and the optimizer's step.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/optim/distinct.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

namespace detail {

/// The gradients of all parameters that have one, once each even if a parameter is named twice.
template <class Scalar>
[[nodiscard]] PoolVector<Tensor<Scalar>*> gradients_of(const std::vector<Variable<Scalar>>& parameters) {
    const auto firsts = first_positions<Scalar>(parameters);
    PoolVector<Tensor<Scalar>*> result;
    result.reserve(parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i)
        if (auto& node = *parameters[i].node(); firsts[i] == i && node.has_gradient)
            result.push_back(&node.gradient_elements());
    return result;
}

}  // namespace detail

/// Scales all gradients by one factor, such that their Euclidean norm taken together is at most `max_norm`; returns the
/// norm before. Parameters without a gradient count for nothing, one that comes twice counts once.
/// @throws ValueError, before anything is changed, for a gradient that is not finite or a `max_norm` below 0.
template <class Scalar>
double clip_grad_norm(const std::vector<Variable<Scalar>>& parameters, double max_norm) {
    require<ValueError>(!is_nan(max_norm) && max_norm >= 0, "clip_grad_norm", "expected a max_norm of at least 0, got ", max_norm);
    const auto gradients = detail::gradients_of(parameters);
    double squares = 0;
    for (const Tensor<Scalar>* gradient : gradients)
        squares += kernels::sum(gradient->numel(), [g = gradient->data()](Index i) {
            const auto v = static_cast<double>(g[i]);
            return v * v;
        });
    const double norm = std::sqrt(squares);
    require<ValueError>(is_finite(norm), "clip_grad_norm", "expected finite gradients, got norm ", norm);
    const double factor = max_norm / (norm + 1e-6);
    if (factor < 1)
        for (Tensor<Scalar>* gradient : gradients)
            kernels::for_each_index(gradient->numel(), [g = gradient->data(), f = static_cast<Scalar>(factor)](Index i) { g[i] *= f; });
    return norm;
}

/// Clamps every element of every gradient to [-clip_value, clip_value]. @throws ValueError for a `clip_value` below 0.
template <class Scalar>
void clip_grad_value(const std::vector<Variable<Scalar>>& parameters, double clip_value) {
    require<ValueError>(!is_nan(clip_value) && clip_value >= 0, "clip_grad_value", "expected a clip_value of at least 0, got ", clip_value);
    const auto bound = static_cast<Scalar>(clip_value);
    for (Tensor<Scalar>* gradient : detail::gradients_of(parameters))
        kernels::for_each_index(gradient->numel(), [g = gradient->data(), bound](Index i) { g[i] = std::clamp(g[i], -bound, bound); });
}

}  // namespace espalier::inline ESPALIER_ABI::optim
