// SPDX-License-Identifier: MIT
/// @file One block of memory for the values of many parameters, and one for their gradients.
#pragma once

#include <espalier/nn/parameter.hpp>

#include <span>

namespace espalier::inline ESPALIER_ABI::nn {

/// Lays parameters side by side, in the order given: an optimizer step, clipping or a Jacobian is then one pass over
/// memory. Handles to the parameters stay valid.
template <class Scalar>
class Arena {
public:
    Arena() = default;
    ESPALIER_COLD explicit Arena(std::span<Parameter<Scalar>* const> parameters) {
        Index size = 0;
        for (const auto* parameter : parameters)
            size += parameter->shape().numel();
        values_ = Tensor<Scalar>{Shape{size}};
        gradients_ = Tensor<Scalar>{Shape{size}};
        Index first = 0;
        for (auto* parameter : parameters) {
            const Shape shape = parameter->shape();
            parameter->rebind(values_.alias(shape, first), gradients_.alias(shape, first));
            first += shape.numel();
        }
        trim_memory();  // where the values were before
    }

    /// All values, (P,).
    [[nodiscard]] const Tensor<Scalar>& values() const noexcept { return values_; }
    /// All gradients, (P,); the part of a parameter means something while its `has_grad()`.
    [[nodiscard]] const Tensor<Scalar>& gradients() const noexcept { return gradients_; }

private:
    Tensor<Scalar> values_;
    Tensor<Scalar> gradients_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
