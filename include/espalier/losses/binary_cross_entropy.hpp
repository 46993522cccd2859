// SPDX-License-Identifier: MIT
/// @file Binary cross-entropy of logits, for labels that exclude nothing: several may hold at once.
///
/// Its target is not a class index but a value for each logit, 0 or 1 (or a probability), as a `Tensor<float>` of the shape of
/// the logits. A head `nn::Linear{16, 1}` gives (N, 1), and so is its target:
/// @code
/// const Tensor<float> clicked{{4, 1}, {1, 0, 0, 1}};                                     // four samples
/// mtl::MultiTaskLoss criterion{{"click", losses::BCEWithLogits{}}};
/// auto loss = criterion(net(input), {{"click", clicked}});
///
/// const Tensor<Index> classes{{4}, {1, 0, 0, 1}};                                        // from class indices:
/// const Tensor<float> values = classes.cast<float>().reshape({4, 1});
///
/// losses::BCEWithLogits rare{{.pos_weight = Tensor<float>::scalar(20)}};                 // a 1 counts as twenty 0
/// @endcode
#pragma once

#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
template <class Scalar = float>
struct BCEWithLogitsOptions {
    /// Factor of the positive part: one for all, or of the shape of the prediction's last axes, such as (C,).
    std::optional<Tensor<Scalar>> pos_weight = {};
    Reduction reduction = Reduction::mean;
};

/// -(p y log s(x) + (1 - y) log(1 - s(x))), s the sigmoid and p `pos_weight`, without overflow for any finite x. The values
/// y have the prediction's shape and are usually 0 or 1.
/// @throws ShapeError for another shape of values or a `pos_weight` that fits no last axes, StateError for a target of
/// class indices.
template <class Scalar>
[[nodiscard]] Variable<Scalar> binary_cross_entropy_with_logits(const Variable<Scalar>& prediction,
                                                                const std::type_identity_t<Target<Scalar>>& target,
                                                                const BCEWithLogitsOptions<Scalar>& options = {}) {
    const char* const operation = "binary_cross_entropy_with_logits";
    (void)values_like(operation, prediction.shape(), target, "0 and 1");
    const Tensor<Scalar>* const weight = options.pos_weight ? &*options.pos_weight : nullptr;
    if (weight && weight->numel() != 1) {
        const Shape& shape = prediction.shape();
        const Index leading = shape.rank() - weight->rank();
        require<ShapeError>(leading >= 0 && shape.axes(leading, shape.rank()) == weight->shape(), operation,
                            "expected a pos_weight of one element or of the last axes of the prediction ", shape, ", got ",
                            weight->shape());
    }
    const Index period = weight ? weight->numel() : 0;
    const Scalar one_for_all = period == 1 ? (*weight)[0] : Scalar(1);
    return detail::pointwise(operation, prediction, target, options.reduction, [=](Scalar x, Scalar y, Index i) {
        const Scalar p = period > 1 ? (*weight)[i % period] : one_for_all;
        const Scalar w = 1 - y + p * y;
        const Scalar e = std::exp(-std::abs(x));
        const Scalar sigmoid = (x >= 0 ? Scalar(1) : e) / (1 + e);
        return Point<Scalar>{(1 - y) * x + w * (std::log1p(e) + std::max(-x, Scalar(0))), w * sigmoid - p * y};
    });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> binary_cross_entropy_with_logits(const Tensor<Scalar>& prediction,
                                                                const std::type_identity_t<Target<Scalar>>& target,
                                                                const BCEWithLogitsOptions<Scalar>& options = {}) {
    return binary_cross_entropy_with_logits(Variable<Scalar>{prediction}, target, options);
}

/// `binary_cross_entropy_with_logits` with its options, as a value.
template <class Scalar = float>
class BCEWithLogits {
public:
    explicit BCEWithLogits(BCEWithLogitsOptions<Scalar> options = {}) : options_{std::move(options)} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return binary_cross_entropy_with_logits(prediction, target, options_);
    }
    [[nodiscard]] const BCEWithLogitsOptions<Scalar>& options() const& noexcept { return options_; }
    [[nodiscard]] BCEWithLogitsOptions<Scalar> options() && { return std::move(options_); }

private:
    BCEWithLogitsOptions<Scalar> options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
