// SPDX-License-Identifier: MIT
/// @file The soft Dice loss: one minus twice the overlap of predicted and true regions over what both hold (Milletari, Navab &
/// Ahmadi, 2016, with the plain sums below).
#pragma once

#include <espalier/losses/tversky.hpp>

#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct DiceOptions {
    double smooth = 1;          ///< added above and below, at least 0
    bool per_sample = false;    ///< regions of each sample for itself, not of the whole batch
    Index ignore_index = -100;  ///< entries with this label count for nothing
    Reduction reduction = Reduction::mean;  ///< of the losses of samples, if it is per_sample
};

namespace detail {

/// Dice's coefficient is Tversky's with half the price of both errors.
[[nodiscard]] inline TverskyOptions as_tversky(const DiceOptions& options) {
    return {.alpha = 0.5,
            .beta = 0.5,
            .smooth = options.smooth / 2,
            .exponent = 1,
            .per_sample = options.per_sample,
            .ignore_index = options.ignore_index,
            .reduction = options.reduction};
}
inline void check(const DiceOptions& options) {
    require<ValueError>(is_finite(options.smooth) && options.smooth >= 0, "dice_loss", "expected a finite smooth of at least 0, got ",
                        options.smooth);
}

}  // namespace detail

/// The mean over the classes of 1 - (2 sum p y + smooth) / (sum p + sum y + smooth). For labels (N, ...) of logits (N, ..., C) p is the
/// softmax and y whether it is the label; for values 0 and 1 of the shape of the logits (N, ..., C), p is the sigmoid and each of the C
/// channels a map of its own. Masks, weights and reductions are those of `tversky_loss`.
/// @throws ShapeError if logits and target do not fit, ValueError for a label outside [0, C), a value outside [0, 1] or a bad option.
template <class Scalar>
[[nodiscard]] Variable<Scalar> dice_loss(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                         const DiceOptions& options = {}) {
    detail::check(options);
    return detail::tversky("dice_loss", logits, target, detail::as_tversky(options));
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> dice_loss(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                         const DiceOptions& options = {}) {
    return dice_loss(Variable<Scalar>{logits}, target, options);
}

/// `dice_loss` with its options, as a value.
template <class Scalar = float>
class Dice {
public:
    /// @throws ValueError for a bad smooth.
    explicit Dice(const DiceOptions& options = {}) : options_{options} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return dice_loss(logits, target, options_);
    }
    [[nodiscard]] const DiceOptions& options() const& noexcept { return options_; }
    [[nodiscard]] DiceOptions options() && noexcept { return options_; }

private:
    DiceOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
