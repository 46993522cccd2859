// SPDX-License-Identifier: MIT
/// @file Losses of groups of neighbouring elements: of a row of logits, a box, a vector or an image.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/reduction.hpp>

#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses::detail {

/// A prediction's losses, one for each group of elements, with what their derivatives are: (shape of the prediction), or (0,) where
/// no gradient is wanted. Both may hold anything where the group's weight is 0.
template <class Scalar>
struct GroupLosses {
    Tensor<Scalar> losses;
    Tensor<Scalar> slopes;
    Tensor<Scalar> weights;  ///< of the groups, 0 for those that do not count

    GroupLosses(const Variable<Scalar>& prediction, const Shape& groups)
        : losses{Tensor<Scalar>::empty(groups)},
          slopes{Tensor<Scalar>::empty(prediction.requires_grad() ? prediction.shape() : Shape{0})},
          weights{Tensor<Scalar>::empty(groups)} {}

    /// Where the derivatives of a group go; null if they are not wanted.
    [[nodiscard]] Scalar* slope(Index group) noexcept {
        return slopes.numel() ? slopes.data() + group * (slopes.numel() / losses.numel()) : nullptr;
    }
};

/// The loss of a batch from those of its groups: a mean is sum w l / sum w. A constant 0 where all weights are 0.
template <class Scalar>
[[nodiscard]] Variable<Scalar> reduced(const char* operation, const Variable<Scalar>& prediction, GroupLosses<Scalar>&& of,
                                       Reduction reduction) {
    const Index groups = of.losses.numel();
    const double total = kernels::sum(groups, [&](Index i) { return of.weights[i]; });
    if (!(total > 0))
        return constant_zero<Scalar>(reduction, of.losses.shape());
    const bool single = reduction != Reduction::none;
    const double divisor = reduction == Reduction::mean ? total : 1;
    const auto weighted = [&](Index i) { return of.weights[i] > 0 ? of.weights[i] * of.losses[i] : Scalar(0); };
    Tensor<Scalar> loss;
    if (single) {
        loss = Tensor<Scalar>::scalar(static_cast<Scalar>(kernels::sum(groups, weighted) / divisor));
    } else {
        loss = Tensor<Scalar>::empty(of.losses.shape());
        for (Index i = 0; i < groups; ++i)
            loss[i] = weighted(i);
    }
    return autograd::record<Scalar>(operation, std::move(loss), {prediction},
                                    [slopes = std::move(of.slopes), weights = std::move(of.weights),
                                     scale = static_cast<Scalar>(1 / divisor), single](autograd::Gradients<Scalar>& g) {
                                        const Index size = slopes.numel();
                                        const Index each = size / weights.numel();
                                        const Scalar* const upstream = g.cotangent().data();
                                        auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
                                        kernels::for_each_index(g.rows() * size, [&, out = gradient.data()](Index i) {
                                            const Scalar weight = weights[i % size / each];
                                            out[i] = weight > 0
                                                         ? slopes[i % size] * (scale * weight * upstream[single ? i / size : i / each])
                                                         : Scalar(0);
                                        });
                                        g.add(0, std::move(gradient));
                                    });
}

/// A loss with `loss_of(x, group, slope) -> loss` for each group of the last axis that counts: x are its predictions, and the
/// derivatives go to `slope` unless that is null. It may be called from several threads.
template <class Scalar, class WeightOf, class LossOf>
[[nodiscard]] Variable<Scalar> rowwise(const char* operation, const Variable<Scalar>& prediction, Reduction reduction,
                                       const WeightOf& weight_of, const LossOf& loss_of) {
    const Index each = prediction.shape().back();
    GroupLosses<Scalar> all{prediction, prediction.shape().without(-1)};
    Scalar* const slopes = all.slopes.data();
    const bool keep = prediction.requires_grad();
    parallel_for(all.losses.numel(), kernels::row_grain(each),
                 [&, x = prediction.value().data(), losses = all.losses.data(), weights = all.weights.data()](Index begin, Index end) {
                     for (Index r = begin; r < end; ++r) {
                         weights[r] = weight_of(r);
                         losses[r] = weights[r] > 0 ? loss_of(x + r * each, r, keep ? slopes + r * each : nullptr) : Scalar(0);
                     }
                 });
    return reduced(operation, prediction, std::move(all), reduction);
}

/// The weights of vectors along the last axis of values: a vector counts if all its elements do.
template <class Scalar>
[[nodiscard]] auto vector_weights(const ElementWeights<Scalar>& weights, Index each) {
    return [&weights, each](Index r) {
        for (Index i = r * each; i < (r + 1) * each; ++i)
            if (!weights.counts(i))
                return Scalar(0);
        return weights[r * each];
    };
}

}  // namespace espalier::inline ESPALIER_ABI::losses::detail
