// SPDX-License-Identifier: MIT
/// @file The factors of the optimizers' update rules.
#pragma once

#include <espalier/core/config.hpp>

namespace espalier::inline ESPALIER_ABI::kernels {

template <class Scalar>
struct SgdRule {
    Scalar learning_rate;
    Scalar momentum;
    Scalar fresh;  ///< factor of the gradient in the velocity
    Scalar weight_decay;
    bool nesterov;
};

template <class Scalar>
struct AdamRule {
    Scalar step_size;      ///< learning_rate / (1 - beta1^t)
    Scalar root;           ///< sqrt(1 - beta2^t)
    Scalar fresh1;         ///< 1 - beta1
    Scalar beta2;
    Scalar fresh2;         ///< 1 - beta2
    Scalar eps;
    Scalar weight_decay;   ///< added to the gradient
    Scalar keep;           ///< factor of the parameter before the step: 1 - learning_rate * decoupled weight decay
};

template <class Scalar>
struct AdagradRule {
    Scalar step_size;     ///< learning_rate / (1 + steps * decay)
    Scalar eps;
    Scalar weight_decay;  ///< added to the gradient
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
