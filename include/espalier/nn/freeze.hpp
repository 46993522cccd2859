// SPDX-License-Identifier: MIT
/// @file Parts of a model that training leaves as they are.
#pragma once

#include <espalier/nn/module.hpp>

namespace espalier::inline ESPALIER_ABI::nn {
namespace detail {

template <class Scalar>
class Freeze final : public Visitor<Scalar> {
public:
    explicit Freeze(bool on) noexcept : on_{on} {}

private:
    void on_parameter(const std::string&, Parameter<Scalar>& parameter) override { parameter.set_requires_grad(!on_); }
    void on_mode(Mode& mode) override { mode.freeze(on_); }

    bool on_;
};

}  // namespace detail

/// Takes a layer out of training: none of its parameters gets a gradient, no graph is recorded for what lies below them
/// alone, and it computes what it computes in evaluation, whatever `train()` says; batch normalisation keeps its statistics
/// and dropout drops nothing. Gradients that there are, are forgotten. Optimizers pass it by, also those made before.
/// @code
/// nn::freeze(net.trunk());     // train the heads alone ...
/// nn::thaw(net.trunk());       // ... and then everything
/// @endcode
template <class Model>
void freeze(Model& model) {
    detail::Freeze<typename Model::value_type> visitor{true};
    model.visit(visitor);
}

/// Undoes `freeze`. A layer is then in the mode that `train()` or `eval()` has put it in last.
template <class Model>
void thaw(Model& model) {
    detail::Freeze<typename Model::value_type> visitor{false};
    model.visit(visitor);
}

}  // namespace espalier::inline ESPALIER_ABI::nn
