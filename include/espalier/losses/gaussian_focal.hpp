// SPDX-License-Identifier: MIT
/// @file The focal loss of heat maps, whose values fall off around the places that are to be found (Law and Deng, CornerNet, 2018).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct GaussianFocalOptions {
    double alpha = 2;  ///< how little it counts what is nearly right; at least 0
    double beta = 4;   ///< how little it counts what lies near to a place; at least 0
    Reduction reduction = Reduction::mean;
};

namespace detail {

inline void check(const GaussianFocalOptions& options) {
    require<ValueError>(options.alpha >= 0 && is_finite(options.alpha) && options.beta >= 0 && is_finite(options.beta),
                        "gaussian_focal_loss", "expected a finite alpha and beta of at least 0, got ", options.alpha, " and ",
                        options.beta);
}

/// x^n, for the exponents there mostly are without a logarithm.
template <class Scalar>
[[nodiscard]] Scalar power(Scalar x, Scalar n) noexcept {
    return n == 2 ? x * x : n == 4 ? (x * x) * (x * x) : std::pow(x, n);
}

/// The loss of a logit x where the heat map has the value y.
template <class Scalar>
[[nodiscard]] Point<Scalar> gaussian_focal_point(Scalar x, Scalar y, Scalar alpha, Scalar beta) noexcept {
    constexpr auto least = Scalar(1e-4), most = 1 - least;
    // Both cases are c q^alpha log(1 / (1 - q)) with q the share that is wrong, which falls with x at a place and rises elsewhere. It and
    // the share that is right are sigmoids each, so that neither is a small difference.
    const bool place = y == 1;
    const Scalar e = std::exp(-std::abs(x));
    const Scalar larger = 1 / (1 + e), smaller = e / (1 + e);
    const bool is_right = (x >= 0) == place;
    const Scalar right = std::clamp(is_right ? larger : smaller, least, most);
    const Scalar wrong = std::clamp(is_right ? smaller : larger, least, most);
    const Scalar factor = (place ? Scalar(1) : power(1 - y, beta)) * power(wrong, alpha);
    const Scalar log_right = std::log(right);
    const Scalar slope = smaller < least ? Scalar(0) : factor * (wrong - alpha * right * log_right);
    return {-factor * log_right, place ? -slope : slope};
}

}  // namespace detail

/// For logits and a heat map y of the same shape, p = sigmoid(logit) held within [1e-4, 1 - 1e-4], beyond which the slope is 0:
/// -(1 - p)^alpha log p where y is 1, and -(1 - y)^beta p^alpha log(1 - p) elsewhere. The mean is the sum over the number of elements
/// where y is 1, at least 1; with weights, which are relative to the largest then, both are weighted. `vision::gaussian_heat_map` draws y.
/// @throws ShapeError for another shape, StateError for a target of class indices, ValueError for a bad option or a value outside of
/// [0, 1] that counts.
template <class Scalar>
[[nodiscard]] Variable<Scalar> gaussian_focal_loss(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                   const GaussianFocalOptions& options = {}) {
    detail::check(options);
    const Tensor<Scalar>& values = values_like("gaussian_focal_loss", logits.shape(), target, "a heat map");
    for (Index i = 0; i < values.numel(); ++i)
        if (!(values[i] >= 0 && values[i] <= 1) && target.counts(i))
            fail<ValueError>("gaussian_focal_loss", "expected values in [0, 1], got ", values[i], " at sample ", i / target.sample_numel());
    const auto alpha = static_cast<Scalar>(options.alpha);
    const auto beta = static_cast<Scalar>(options.beta);
    return detail::pointwise(
        "gaussian_focal_loss", logits, target, options.reduction,
        [=](Scalar x, Scalar y, Index) { return detail::gaussian_focal_point(x, y, alpha, beta); },
        [&](const detail::ElementWeights<Scalar>& weights) {
            const auto place = [&](Index i) { return weights.counts(i) && values[i] == 1 ? weights[i] : Scalar(0); };
            return std::max(1.0, kernels::sum(values.numel(), place));
        });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> gaussian_focal_loss(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                   const GaussianFocalOptions& options = {}) {
    return gaussian_focal_loss(Variable<Scalar>{logits}, target, options);
}

/// `gaussian_focal_loss` with its options, as a value.
template <class Scalar = float>
class GaussianFocal {
public:
    /// @throws ValueError for a bad option.
    explicit GaussianFocal(const GaussianFocalOptions& options = {}) : options_{options} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return gaussian_focal_loss(logits, target, options_);
    }
    [[nodiscard]] const GaussianFocalOptions& options() const& noexcept { return options_; }
    [[nodiscard]] GaussianFocalOptions options() && noexcept { return options_; }

private:
    GaussianFocalOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
