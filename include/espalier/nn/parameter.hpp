// SPDX-License-Identifier: MIT
/// @file A trainable tensor as a member of a layer.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/nn/stand_ins.hpp>

#include <algorithm>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// A leaf variable with value semantics: copying a layer copies its parameters, and the copy trains on its own.
///
/// Assignment moves the value into the parameter that is there. So an optimizer keeps its grip when a model gets back the
/// weights of an earlier copy: `net = best`.
template <class Scalar = float>
class Parameter {
public:
    Parameter() : Parameter{Tensor<Scalar>{}} {}
    explicit Parameter(Tensor<Scalar> value) : variable_{std::move(value), true} { variable_.node()->parameter = true; }
    Parameter(const Parameter& other) : Parameter{other.variable_.value()} { set_requires_grad(other.variable_.requires_grad()); }
    Parameter(Parameter&&) noexcept = default;
    Parameter& operator=(const Parameter& other) {
        if (this != &other)
            take(other);
        return *this;
    }
    Parameter& operator=(Parameter&& other) {
        if (!variable_.node())  // moved from
            variable_ = std::move(other.variable_);
        else if (this != &other)
            take(other);
        return *this;
    }
    ~Parameter() {
        if (variable_.node())
            variable_.node()->orphaned = true;
    }

    /// A handle to this parameter, for operations and optimizers; within the run of a hypernetwork, to what that made for its place.
    [[nodiscard]] const Variable<Scalar>& variable() const& noexcept { return detail::StandIns<Scalar>::of(variable_); }
    [[nodiscard]] Variable<Scalar> variable() && { return std::as_const(*this).variable(); }
    operator const Variable<Scalar>&() const& noexcept { return variable(); }

    [[nodiscard]] const Tensor<Scalar>& value() const& noexcept { return variable().value(); }
    [[nodiscard]] Tensor<Scalar> value() && { return std::as_const(*this).value(); }
    [[nodiscard]] Tensor<Scalar>& mutable_value() & noexcept { return variable_.mutable_value(); }
    [[nodiscard]] const Shape& shape() const& noexcept { return variable_.shape(); }
    [[nodiscard]] Shape shape() && noexcept { return variable_.shape(); }

    /// Whether it is trained, see `nn::freeze`.
    void set_requires_grad(bool on) { variable_.set_requires_grad(on); }

private:
    /// The value of another, in the memory of this one where the shapes are the same. The gradient was that of the value before.
    void take(const Parameter& other) {
        auto& value = variable_.mutable_value();
        const auto& values = other.variable_.value();
        if (value.shape() == values.shape())
            std::copy(values.begin(), values.end(), value.begin());
        else
            value = values;
        variable_.zero_grad();
        set_requires_grad(other.variable_.requires_grad());
    }

    Variable<Scalar> variable_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
