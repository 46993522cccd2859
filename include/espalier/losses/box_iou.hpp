// SPDX-License-Identifier: MIT
/// @file Losses of boxes by their overlap: generalised (Rezatofighi et al., 2019), distance and complete IoU (Zheng et al., 2020), with
/// torchvision's formulas.
///
/// Predictions and values are boxes (N, ..., 4) as x1, y1, x2, y2 with x1 < x2 and y1 < y2, in any unit. A box counts if all its four
/// numbers do; unreduced there is a loss for each box, (N, ...).
#pragma once

#include <espalier/losses/groups.hpp>
#include <espalier/losses/reduction.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {
namespace detail {

/// A number with its derivatives by the four of a predicted box.
template <class Scalar>
struct Dual {
    Scalar value;
    std::array<Scalar, 4> d{};

    /// f(a) or f(a, b) of what has the derivatives `by_a` and `by_b`.
    [[nodiscard]] static Dual of(Scalar value, const Dual& a, Scalar by_a, const Dual& b, Scalar by_b) {
        Dual result{value};
        for (std::size_t i = 0; i < 4; ++i)
            result.d[i] = by_a * a.d[i] + by_b * b.d[i];
        return result;
    }
    friend Dual operator+(const Dual& a, const Dual& b) { return of(a.value + b.value, a, 1, b, 1); }
    friend Dual operator-(const Dual& a, const Dual& b) { return of(a.value - b.value, a, 1, b, -1); }
    friend Dual operator*(const Dual& a, const Dual& b) { return of(a.value * b.value, a, b.value, b, a.value); }
    friend Dual operator/(const Dual& a, const Dual& b) { return of(a.value / b.value, a, 1 / b.value, b, -(a.value / b.value) / b.value); }
    /// Of equals half of each, as in PyTorch.
    friend Dual larger(const Dual& a, const Dual& b) {
        const Scalar of_a = a.value > b.value ? Scalar(1) : a.value == b.value ? Scalar(0.5) : Scalar(0);
        return of(a.value > b.value ? a.value : b.value, a, of_a, b, 1 - of_a);
    }
    friend Dual smaller(const Dual& a, const Dual& b) { return Dual{} - larger(Dual{} - a, Dual{} - b); }
    /// The arctangent of a / b, with derivatives that are finite where b is 0 as well; 0 where both are.
    friend Dual arctangent(const Dual& a, const Dual& b) {
        const Scalar squares = a.value * a.value + b.value * b.value;
        return squares > 0 ? of(std::atan(a.value / b.value), a, b.value / squares, b, -a.value / squares) : Dual{};
    }
};

/// What the losses have in common of a predicted and a true box.
template <class Scalar>
struct BoxPair {
    using D = Dual<Scalar>;
    D p[4], t[4];
    D width, height, true_width, true_height;
    D intersection{}, both, iou;
    D hull_width, hull_height;

    BoxPair(const Scalar* x, const Scalar* y) {
        for (std::size_t i = 0; i < 4; ++i) {
            p[i] = {x[i]};
            p[i].d[i] = 1;
            t[i] = {y[i]};
        }
        width = p[2] - p[0];
        height = p[3] - p[1];
        true_width = t[2] - t[0];
        true_height = t[3] - t[1];
        const D w = smaller(p[2], t[2]) - larger(p[0], t[0]);
        const D h = smaller(p[3], t[3]) - larger(p[1], t[1]);
        if (w.value > 0 && h.value > 0)
            intersection = w * h;
        both = width * height + true_width * true_height - intersection;
        iou = intersection / (both + epsilon());
        hull_width = larger(p[2], t[2]) - smaller(p[0], t[0]);
        hull_height = larger(p[3], t[3]) - smaller(p[1], t[1]);
    }
    [[nodiscard]] static D epsilon() { return {Scalar(1e-7)}; }

    [[nodiscard]] D generalized() const {
        const D hull = hull_width * hull_height;
        return D{1} - iou + (hull - both) / (hull + epsilon());
    }
    [[nodiscard]] D distance() const {
        const D dx = (p[0] + p[2] - t[0] - t[2]) * D{Scalar(0.5)};
        const D dy = (p[1] + p[3] - t[1] - t[3]) * D{Scalar(0.5)};
        return D{1} - iou + (dx * dx + dy * dy) / (hull_width * hull_width + hull_height * hull_height + epsilon());
    }
    [[nodiscard]] D complete(bool constant_alpha) const {
        constexpr Scalar pi = std::numbers::pi_v<Scalar>;
        const D turn = arctangent(true_width, true_height) - arctangent(width, height);
        const D v = D{4 / (pi * pi)} * turn * turn;
        D alpha = v / (D{1} - iou + v + epsilon());
        if (constant_alpha)
            alpha = {alpha.value};
        return distance() + alpha * v;
    }
};

template <class Scalar, class LossOf>
[[nodiscard]] Variable<Scalar> box_loss(const char* operation, const Variable<Scalar>& prediction, const Target<Scalar>& target,
                                        Reduction reduction, const LossOf& loss_of) {
    const Shape& shape = prediction.shape();
    require<ShapeError>(shape.rank() >= 2 && shape.back() == 4, operation, "expected boxes (N, ..., 4), got ", shape);
    const Scalar* const values = values_like(operation, shape, target, "boxes").data();
    const ElementWeights<Scalar> weights{target, reduction};
    return rowwise(operation, prediction, reduction, vector_weights(weights, 4), [&](const Scalar* x, Index r, Scalar* slope) {
        const Dual<Scalar> loss = loss_of(BoxPair<Scalar>{x, values + 4 * r});
        for (std::size_t i = 0; slope && i < 4; ++i)
            slope[i] = loss.d[i];
        return loss.value;
    });
}

}  // namespace detail

/// 1 - IoU + (hull - union) / hull, the hull being the smallest box around both: in [0, 2], and with a slope also where they are apart.
/// @throws ShapeError unless both are (N, ..., 4), StateError for a target of class indices.
template <class Scalar>
[[nodiscard]] Variable<Scalar> generalized_box_iou_loss(
    const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target, const LossOptions& options = {}) {
    return detail::box_loss("generalized_box_iou_loss", prediction, target, options.reduction,
                            [](const auto& pair) { return pair.generalized(); });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> generalized_box_iou_loss(
    const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target, const LossOptions& options = {}) {
    return generalized_box_iou_loss(Variable<Scalar>{prediction}, target, options);
}

/// 1 - IoU + the squared distance of the centres over the squared diagonal of the hull. @throws as the one above.
template <class Scalar>
[[nodiscard]] Variable<Scalar> distance_box_iou_loss(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                                     const LossOptions& options = {}) {
    return detail::box_loss("distance_box_iou_loss", prediction, target, options.reduction,
                            [](const auto& pair) { return pair.distance(); });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> distance_box_iou_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                                     const LossOptions& options = {}) {
    return distance_box_iou_loss(Variable<Scalar>{prediction}, target, options);
}

/// Designated initialisers stand in this order.
struct CompleteBoxIouOptions {
    bool constant_alpha = true;  ///< as torchvision and the paper: the gradient takes alpha for a constant
    Reduction reduction = Reduction::mean;
};

/// The distance loss + alpha v, v = (4 / pi²) (difference of the arctangents of width / height)² and alpha = v / (1 - IoU + v).
/// @throws as the one above.
template <class Scalar>
[[nodiscard]] Variable<Scalar> complete_box_iou_loss(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                                     const CompleteBoxIouOptions& options = {}) {
    return detail::box_loss("complete_box_iou_loss", prediction, target, options.reduction,
                            [&](const auto& pair) { return pair.complete(options.constant_alpha); });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> complete_box_iou_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                                     const CompleteBoxIouOptions& options = {}) {
    return complete_box_iou_loss(Variable<Scalar>{prediction}, target, options);
}

/// `generalized_box_iou_loss` with its options, as a value.
template <class Scalar = float>
class GeneralizedBoxIou {
public:
    explicit GeneralizedBoxIou(const LossOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return generalized_box_iou_loss(prediction, target, options_);
    }
    [[nodiscard]] const LossOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LossOptions options() && noexcept { return options_; }

private:
    LossOptions options_;
};

/// `distance_box_iou_loss` with its options, as a value.
template <class Scalar = float>
class DistanceBoxIou {
public:
    explicit DistanceBoxIou(const LossOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return distance_box_iou_loss(prediction, target, options_);
    }
    [[nodiscard]] const LossOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LossOptions options() && noexcept { return options_; }

private:
    LossOptions options_;
};

/// `complete_box_iou_loss` with its options, as a value.
template <class Scalar = float>
class CompleteBoxIou {
public:
    explicit CompleteBoxIou(const CompleteBoxIouOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return complete_box_iou_loss(prediction, target, options_);
    }
    [[nodiscard]] const CompleteBoxIouOptions& options() const& noexcept { return options_; }
    [[nodiscard]] CompleteBoxIouOptions options() && noexcept { return options_; }

private:
    CompleteBoxIouOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
