// SPDX-License-Identifier: MIT
/// @file Mean absolute error.
#pragma once

#include <espalier/losses/reduction.hpp>

#include <cmath>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {

/// |prediction - value| for values of the prediction's shape; the derivative where they are equal is 0.
/// @throws ShapeError for another shape, StateError for a target of class indices.
template <class Scalar>
[[nodiscard]] Variable<Scalar> l1_loss(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                       const LossOptions& options = {}) {
    return detail::pointwise("l1_loss", prediction, target, options.reduction, [](Scalar x, Scalar y, Index) {
        const Scalar d = x - y;
        return Point<Scalar>{std::abs(d), static_cast<Scalar>((d > 0) - (d < 0))};
    });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> l1_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                       const LossOptions& options = {}) {
    return l1_loss(Variable<Scalar>{prediction}, target, options);
}

/// `l1_loss` with its options, as a value.
template <class Scalar = float>
class L1 {
public:
    explicit L1(const LossOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return l1_loss(prediction, target, options_);
    }
    [[nodiscard]] const LossOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LossOptions options() && noexcept { return options_; }

private:
    LossOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
