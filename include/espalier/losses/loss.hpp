// SPDX-License-Identifier: MIT
/// @file Any loss as one type.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/losses/target.hpp>

#include <functional>

namespace espalier::inline ESPALIER_ABI::losses {

/// Any loss: what the classes of this room convert to, and every callable of this signature. A loss that is to be summed with
/// others returns a scalar. It leaves out what the target does not label, weighs samples as the target says, and is a
/// constant where nothing is labelled: `mean_over_labelled` and `pointwise` do all of that.
template <class Scalar = float>
using Loss = std::function<Variable<Scalar>(const Variable<Scalar>& prediction, const Target<Scalar>& target)>;

}  // namespace espalier::inline ESPALIER_ABI::losses
