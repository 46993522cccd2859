// SPDX-License-Identifier: MIT
/// @file Huber's loss: quadratic near the value, linear far from it (Huber, 1964).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/reduction.hpp>

#include <cmath>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct HuberOptions {
    double delta = 1;  ///< where the quadratic part ends; above 0
    Reduction reduction = Reduction::mean;
};

namespace detail {
inline void check(const HuberOptions& options) {
    require<ValueError>(options.delta > 0 && is_finite(options.delta), "huber_loss", "expected a finite delta above 0, got ",
                        options.delta);
}
}  // namespace detail

/// d² / 2 where |d| <= delta, else delta (|d| - delta / 2), with d = prediction - value.
/// @throws ShapeError for another shape, StateError for a target of class indices, ValueError for a bad delta.
template <class Scalar>
[[nodiscard]] Variable<Scalar> huber_loss(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                          const HuberOptions& options = {}) {
    detail::check(options);
    const auto delta = static_cast<Scalar>(options.delta);
    return detail::pointwise("huber_loss", prediction, target, options.reduction, [=](Scalar x, Scalar y, Index) {
        const Scalar d = x - y;
        if (std::abs(d) <= delta)
            return Point<Scalar>{d * d / 2, d};
        return Point<Scalar>{delta * (std::abs(d) - delta / 2), std::copysign(delta, d)};
    });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> huber_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                          const HuberOptions& options = {}) {
    return huber_loss(Variable<Scalar>{prediction}, target, options);
}

/// `huber_loss` with its options, as a value.
template <class Scalar = float>
class Huber {
public:
    /// @throws ValueError for a bad delta.
    explicit Huber(const HuberOptions& options = {}) : options_{options} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return huber_loss(prediction, target, options_);
    }
    [[nodiscard]] const HuberOptions& options() const& noexcept { return options_; }
    [[nodiscard]] HuberOptions options() && noexcept { return options_; }

private:
    HuberOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
