// SPDX-License-Identifier: MIT
/// @file Products of features: a factorisation machine.
#pragma once

#include <espalier/autograd/factorization_machine.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

/// The vectors of a sample's fields (N, F, D) give the sum of the inner products of all pairs of them, (N, 1): the second-order term of a
/// factorisation machine (Rendle, "Factorization machines", ICDM 2010), as a logit beside that of a network in DeepFM. No parameters.
struct FactorizationMachine {
    /// @throws ShapeError for another rank
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::factorization_machine(x);
    }
};

}  // namespace espalier::inline ESPALIER_ABI::nn
