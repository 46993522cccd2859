// SPDX-License-Identifier: MIT
/// @file Parts of a model that one optimizer trains with learning rates and weight decays of their own.
#pragma once

#include <espalier/autograd/variable.hpp>

#include <optional>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

/// Parameters, and what is other for them than the options of their optimizer say. Designated initialisers stand in this
/// order. Between braces the scalar cannot be deduced: a group of `double` needs `optim::SGD<double>`.
/// @code
/// optim::SGD sgd{{{.parameters = net.shared_parameters(), .learning_rate = 1e-4},
///                 {.parameters = net.task_parameters("a"), .weight_decay = 0}},
///                {.learning_rate = 1e-3, .momentum = 0.9, .weight_decay = 1e-4}};
/// @endcode
template <class Scalar = float>
struct ParameterGroup {
    std::vector<Variable<Scalar>> parameters;
    std::optional<double> learning_rate = {};  ///< that of the options if unset
    std::optional<double> weight_decay = {};   ///< that of the options if unset
};

template <class Scalar>
ParameterGroup(std::vector<Variable<Scalar>>, std::optional<double> = {}, std::optional<double> = {}) -> ParameterGroup<Scalar>;

}  // namespace espalier::inline ESPALIER_ABI::optim
