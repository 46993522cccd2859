// SPDX-License-Identifier: MIT
/// @file A trainable tensor as a member of a layer.
#pragma once

#include <espalier/autograd/variable.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// A leaf variable with value semantics: copying a layer copies its parameters, and the copy trains on its own.
template <class Scalar = float>
class Parameter {
public:
    Parameter() : Parameter{Tensor<Scalar>{}} {}
    explicit Parameter(Tensor<Scalar> value) : variable_{std::move(value), true} {}
    Parameter(const Parameter& other) : Parameter{other.value()} {}
    Parameter(Parameter&&) noexcept = default;
    Parameter& operator=(Parameter other) noexcept {
        std::swap(variable_, other.variable_);
        return *this;
    }
    ~Parameter() = default;

    /// A handle to this parameter, for operations and optimizers.
    [[nodiscard]] const Variable<Scalar>& variable() const noexcept { return variable_; }
    operator const Variable<Scalar>&() const noexcept { return variable_; }

    [[nodiscard]] const Tensor<Scalar>& value() const noexcept { return variable_.value(); }
    [[nodiscard]] Tensor<Scalar>& mutable_value() noexcept { return variable_.mutable_value(); }
    [[nodiscard]] const Shape& shape() const noexcept { return variable_.shape(); }

    /// Moves value and gradient into memory that others see too (`Tensor::alias`); handles stay valid. Any gradient is
    /// forgotten. Both have the shape of the parameter.
    void rebind(Tensor<Scalar> value, Tensor<Scalar> gradient) {
        std::copy_n(variable_.value().data(), variable_.numel(), value.data());
        auto& node = *variable_.node();
        node.value = std::move(value);
        node.gradient = std::move(gradient);
        node.has_gradient = false;
    }

private:
    Variable<Scalar> variable_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
