// SPDX-License-Identifier: MIT
/// @file One minus the cosine of the angle between predicted and true vectors, such as surface normals.
#pragma once

#include <espalier/losses/groups.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {

/// 1 - x·y / (max(|x|, 1e-8) max(|y|, 1e-8)) for the vectors along the last axis of predictions and values (N, ..., K), of any length,
/// as PyTorch's `cosine_similarity`. A vector counts if all its elements do; unreduced there is a loss for each, (N, ...).
/// @throws ShapeError for other shapes, StateError for a target of class indices.
template <class Scalar>
[[nodiscard]] Variable<Scalar> cosine_loss(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                           const LossOptions& options = {}) {
    const Shape& shape = prediction.shape();
    require<ShapeError>(shape.rank() >= 2 && shape.back() > 0, "cosine_loss", "expected vectors (N, ..., K), got ", shape);
    const Scalar* const values = values_like("cosine_loss", shape, target).data();
    const detail::ElementWeights<Scalar> weights{target, options.reduction};
    const Index each = shape.back();
    const auto dot = [each](const Scalar* a, const Scalar* b) {
        Scalar sum = 0;
        for (Index i = 0; i < each; ++i)
            sum += a[i] * b[i];
        return sum;
    };
    return detail::rowwise("cosine_loss", prediction, options.reduction, detail::vector_weights(weights, each),
                           [=](const Scalar* x, Index r, Scalar* slope) {
                               constexpr Scalar least = Scalar(1e-8);
                               const Scalar* const y = values + r * each;
                               const Scalar length = std::sqrt(dot(x, x));
                               const Scalar of_x = std::max(length, least);
                               const Scalar of_y = std::max(std::sqrt(dot(y, y)), least);
                               const Scalar cosine = dot(x, y) / of_x / of_y;
                               for (Index i = 0; slope && i < each; ++i)
                                   slope[i] = ((length > least ? cosine * (x[i] / of_x) : Scalar(0)) - y[i] / of_y) / of_x;
                               return 1 - cosine;
                           });
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> cosine_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                           const LossOptions& options = {}) {
    return cosine_loss(Variable<Scalar>{prediction}, target, options);
}

/// `cosine_loss` with its options, as a value.
template <class Scalar = float>
class Cosine {
public:
    explicit Cosine(const LossOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return cosine_loss(prediction, target, options_);
    }
    [[nodiscard]] const LossOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LossOptions options() && noexcept { return options_; }

private:
    LossOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
