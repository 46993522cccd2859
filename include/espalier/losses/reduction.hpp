// SPDX-License-Identifier: MIT
/// @file How the losses of single elements become the loss of a batch, and the base of all losses that have one for each.
///
/// Samples that the target's mask leaves out are never looked at: whatever their predictions hold, even NaN, reaches
/// neither the loss nor the gradient. A mean is taken over what is labelled; over nothing, loss and gradient are 0 (where
/// PyTorch gives NaN), so that a task without labels in a batch is ordinary.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

enum class Reduction {
    mean,  ///< a scalar: over labelled elements only
    sum,   ///< a scalar
    none,  ///< one loss for each element, 0 where it is not labelled
};

/// Options of the losses that have no others.
struct LossOptions {
    Reduction reduction = Reduction::mean;
};

namespace detail {

/// Loss of one element and its derivative with respect to the prediction.
template <class Scalar>
struct Point {
    Scalar loss;
    Scalar slope;
};

/// The target's values. @throws StateError for class indices, ShapeError unless they have the prediction's shape.
template <class Scalar>
[[nodiscard]] const Tensor<Scalar>& values_like(const char* operation, const Shape& prediction, const Target<Scalar>& target) {
    require<StateError>(!target.has_labels(), operation, "expected a target of values, got class indices of shape ",
                        target.shape());
    require<ShapeError>(target.shape() == prediction, operation, "expected values of the shape of the prediction ",
                        prediction, ", got ", target.shape());
    return target.values();
}

/// A loss with `point(prediction, value, i) -> Point` for element i. The derivatives are made with the losses and kept,
/// in the place of a copy of the target.
template <class Scalar, class PointOf>
[[nodiscard]] Variable<Scalar> pointwise(const char* operation, const Variable<Scalar>& prediction,
                                         const Target<Scalar>& target, Reduction reduction, const PointOf& point) {
    const Scalar* const value = values_like(operation, prediction.shape(), target).data();
    const Scalar* const x = prediction.value().data();
    const Index n = prediction.numel();
    const Index each = target.size() ? n / target.size() : 1;  // elements of one sample
    auto slopes = Tensor<Scalar>::empty(prediction.requires_grad() ? prediction.shape() : Shape{0});
    const auto at = [&, masked = target.mask() != nullptr, keep = prediction.requires_grad(), slope = slopes.data()](Index i) {
        const bool counts = !masked || target.labelled(i / each);
        const Point<Scalar> p = counts ? point(x[i], value[i], i) : Point<Scalar>{0, 0};
        if (keep)
            slope[i] = p.slope;
        return p.loss;
    };
    Tensor<Scalar> loss;
    Scalar scale = 1;
    if (reduction == Reduction::none) {
        loss = Tensor<Scalar>::empty(prediction.shape());
        kernels::for_each_index(n, [&, out = loss.data()](Index i) { out[i] = at(i); });
    } else {
        const double total = kernels::sum(n, at);
        const auto count = static_cast<double>(std::max<Index>(1, target.labelled_count() * each));
        const double factor = reduction == Reduction::mean ? 1 / count : 1;
        loss = Tensor<Scalar>::scalar(static_cast<Scalar>(reduction == Reduction::mean ? total / count : total));
        scale = static_cast<Scalar>(factor);
    }
    const bool single = reduction != Reduction::none;
    return autograd::record<Scalar>(
        operation, std::move(loss), {prediction},
        [slopes = std::move(slopes), single, scale](autograd::Gradients<Scalar>& g) {
            const Index size = slopes.numel();
            const Scalar* const upstream = g.cotangent().data();
            auto gradient = Tensor<Scalar>::empty(slopes.shape().prepended(g.rows()));
            kernels::for_each_index(g.rows() * size, [&, out = gradient.data(), slope = slopes.data()](Index i) {
                out[i] = slope[i % size] * (single ? scale * upstream[i / size] : upstream[i]);
            });
            g.add(0, std::move(gradient));
        });
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::losses
