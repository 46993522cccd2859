// SPDX-License-Identifier: MIT
/// @file Focal losses: cross-entropies in which what is already right counts little (Lin, Goyal, Girshick, He & Dollár, 2017).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/kernels/softmax.hpp>
#include <espalier/losses/groups.hpp>
#include <espalier/losses/labels.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct SigmoidFocalOptions {
    double alpha = 0.25;  ///< weight of a value 1, that of 0 is 1 - alpha; in [0, 1], or -1 for 1 of both
    double gamma = 2;     ///< power of the probability of the other answer, at least 0
    Reduction reduction = Reduction::mean;
};

/// Designated initialisers stand in this order.
template <class Scalar = float>
struct FocalCrossEntropyOptions {
    double gamma = 2;                           ///< power of the probability of the other classes, at least 0
    std::optional<Tensor<Scalar>> weight = {};  ///< of each class, (C,), at least 0; a mean is divided by those of its labels
    Index ignore_index = -100;                  ///< entries with this label count for nothing
    Reduction reduction = Reduction::mean;
};

namespace detail {

inline void check_gamma(const char* operation, double gamma) {
    require<ValueError>(is_finite(gamma) && gamma >= 0, operation, "expected a finite gamma of at least 0, got ", gamma);
}
inline void check(const SigmoidFocalOptions& options) {
    const double alpha = options.alpha;
    require<ValueError>((alpha >= 0 && alpha <= 1) || alpha == -1, "sigmoid_focal_loss", "expected an alpha in [0, 1], or -1, got ", alpha);
    check_gamma("sigmoid_focal_loss", options.gamma);
}
template <class Scalar>
void check(const FocalCrossEntropyOptions<Scalar>& options) {
    check_gamma("focal_cross_entropy", options.gamma);
    check_class_weights("focal_cross_entropy", options.weight);
}

/// q^gamma and its derivative, which is 0 where gamma is, and at 0.
template <class Scalar>
[[nodiscard]] Point<Scalar> focus(Scalar q, Scalar gamma) {
    if (gamma == 2)
        return {q * q, 2 * q};
    if (gamma == 0)
        return {1, 0};
    return {std::pow(q, gamma), q > 0 ? gamma * std::pow(q, gamma - 1) : Scalar(0)};
}

}  // namespace detail

/// a (1 - p)^gamma BCE for logits of any shape and values y of the same, usually 0 or 1, with the sigmoid s of the logit, the
/// probability p = y s + (1 - y) (1 - s) of the right answer and a = alpha y + (1 - alpha) (1 - y), as torchvision's (whose
/// reduction is `none` unless told otherwise; detectors divide its sum by the number of objects).
/// @throws ShapeError for another shape of values, StateError for a target of class indices, ValueError for a bad option.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sigmoid_focal_loss(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                  const SigmoidFocalOptions& options = {}) {
    detail::check(options);
    (void)values_like("sigmoid_focal_loss", logits.shape(), target, "0 and 1");
    const auto alpha = static_cast<Scalar>(options.alpha);
    const auto gamma = static_cast<Scalar>(options.gamma);
    return detail::pointwise("sigmoid_focal_loss", logits, target, options.reduction, [=](Scalar x, Scalar y, Index) {
        const Scalar e = std::exp(-std::abs(x));
        const Scalar yes = (x >= 0 ? Scalar(1) : e) / (1 + e);
        const Scalar no = (x >= 0 ? e : Scalar(1)) / (1 + e);
        const Scalar entropy = (1 - y) * x + std::log1p(e) + std::max(-x, Scalar(0));
        const auto [factor, slope] = detail::focus<Scalar>(y * no + (1 - y) * yes, gamma);
        const Scalar balance = alpha < 0 ? Scalar(1) : alpha * y + (1 - alpha) * (1 - y);
        return Point<Scalar>{balance * factor * entropy,
                             balance * (factor * ((1 - y) * yes - y * no) + slope * yes * no * (1 - 2 * y) * entropy)};
    });
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sigmoid_focal_loss(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                  const SigmoidFocalOptions& options = {}) {
    return sigmoid_focal_loss(Variable<Scalar>{logits}, target, options);
}

/// -(1 - p)^gamma log p with p = softmax(logits)[label], for logits (N, ..., C), the classes on the last axis, and labels (N, ...).
/// With gamma 0 it is `cross_entropy`, and counts, weighs and divides as that does.
/// @throws ShapeError if logits, labels or class weights do not fit, StateError for a target of values, ValueError for a
/// label outside [0, C) or a bad option.
template <class Scalar>
[[nodiscard]] Variable<Scalar> focal_cross_entropy(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                   const FocalCrossEntropyOptions<Scalar>& options = {}) {
    detail::check(options);
    const detail::ElementWeights<Scalar> weights{target, options.reduction};
    const Tensor<Index> labels = detail::checked_labels("focal_cross_entropy", logits.shape(), target, weights, options.ignore_index);
    const Index classes = logits.shape().back();
    require<ShapeError>(!options.weight || options.weight->numel() == classes, "focal_cross_entropy", "expected class weights of shape (",
                        classes, ",), got ", options.weight ? options.weight->shape() : Shape{});
    const Scalar* const of_class = options.weight ? options.weight->data() : nullptr;
    const auto weight = [&](Index r) {
        if (labels[r] < 0)
            return Scalar(0);
        return of_class ? weights[r] * of_class[labels[r]] : weights[r];
    };
    return detail::rowwise("focal_cross_entropy", logits, options.reduction, weight,
                           [&, gamma = static_cast<Scalar>(options.gamma)](const Scalar* x, Index r, Scalar* slope) {
                               PoolVector<Scalar> spare(static_cast<std::size_t>(slope ? 0 : classes));
                               Scalar* const p = slope ? slope : spare.data();
                               const auto total = kernels::softmax_row(classes, x, p);
                               const Index label = labels[r];
                               Scalar others = 0;  // 1 - p would lose its digits where p is near 1
                               for (Index c = 0; c < classes; ++c)
                                   others += c == label ? Scalar(0) : p[c];
                               const Scalar entropy = total.log_sum() - (x[label] - total.top);
                               const auto [factor, rise] = detail::focus(others, gamma);
                               if (slope) {
                                   const Scalar of_log = -factor - rise * p[label] * entropy;  // the derivative by log p
                                   for (Index c = 0; c < classes; ++c)
                                       slope[c] = c == label ? of_log * others : -of_log * p[c];
                               }
                               return factor * entropy;
                           });
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> focal_cross_entropy(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                   const FocalCrossEntropyOptions<Scalar>& options = {}) {
    return focal_cross_entropy(Variable<Scalar>{logits}, target, options);
}

/// `sigmoid_focal_loss` with its options, as a value.
template <class Scalar = float>
class SigmoidFocal {
public:
    /// @throws ValueError for a bad option.
    explicit SigmoidFocal(const SigmoidFocalOptions& options = {}) : options_{options} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return sigmoid_focal_loss(logits, target, options_);
    }
    [[nodiscard]] const SigmoidFocalOptions& options() const& noexcept { return options_; }
    [[nodiscard]] SigmoidFocalOptions options() && noexcept { return options_; }

private:
    SigmoidFocalOptions options_;
};

/// `focal_cross_entropy` with its options, as a value.
template <class Scalar = float>
class FocalCrossEntropy {
public:
    /// @throws ValueError for a bad option, ShapeError for class weights that are no vector.
    explicit FocalCrossEntropy(FocalCrossEntropyOptions<Scalar> options = {}) : options_{std::move(options)} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return focal_cross_entropy(logits, target, options_);
    }
    [[nodiscard]] const FocalCrossEntropyOptions<Scalar>& options() const& noexcept { return options_; }
    [[nodiscard]] FocalCrossEntropyOptions<Scalar> options() && { return std::move(options_); }

private:
    FocalCrossEntropyOptions<Scalar> options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
