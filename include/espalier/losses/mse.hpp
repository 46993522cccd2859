// SPDX-License-Identifier: MIT
/// @file Mean squared error.
#pragma once

#include <espalier/losses/reduction.hpp>

#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {

/// (prediction - value)² for values of the prediction's shape.
/// @throws ShapeError for another shape, StateError for a target of class indices.
template <class Scalar>
[[nodiscard]] Variable<Scalar> mse_loss(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                        const LossOptions& options = {}) {
    return detail::pointwise("mse_loss", prediction, target, options.reduction, [](Scalar x, Scalar y, Index) {
        const Scalar d = x - y;
        return Point<Scalar>{d * d, 2 * d};
    });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> mse_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                        const LossOptions& options = {}) {
    return mse_loss(Variable<Scalar>{prediction}, target, options);
}

/// `mse_loss` with its options, as a value.
template <class Scalar = float>
class MSE {
public:
    explicit MSE(const LossOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return mse_loss(prediction, target, options_);
    }
    [[nodiscard]] const LossOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LossOptions options() && noexcept { return options_; }

private:
    LossOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
