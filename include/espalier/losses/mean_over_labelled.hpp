// SPDX-License-Identifier: MIT
/// @file For losses of one's own: the mean over what a target labels, with its weights.
///
/// A loss has to leave out what its target does not label, and to be a constant where that is everything. Both come with
/// these functions:
/// @code
/// const losses::Loss<> asymmetric = [](const Variable<>& prediction, const losses::Target<>& target) {
///     return losses::mean_over_labelled(prediction, target, [](const auto& x, const auto& y) { return exp(x - y) - (x - y); });
/// };
/// @endcode
/// `losses::pointwise` asks for the derivative as well, and is faster in return.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <concepts>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {
namespace detail {

/// sum w_i x_i / sum w_i for weights of x's elements; those of weight 0 are not looked at. They are not all 0.
template <class Scalar>
[[nodiscard]] Variable<Scalar> weighted_mean(const Variable<Scalar>& x, Tensor<Scalar> weights) {
    const Index n = weights.numel();
    const double divisor = kernels::sum(n, [&](Index i) { return weights[i]; });
    const double total = kernels::sum(n, [&, in = x.value().data()](Index i) { return weights[i] > 0 ? weights[i] * in[i] : Scalar(0); });
    return autograd::record<Scalar>(
        "mean_over_labelled", Tensor<Scalar>::scalar(static_cast<Scalar>(total / divisor)), {x},
        [weights = std::move(weights), scale = static_cast<Scalar>(1 / divisor)](autograd::Gradients<Scalar>& g) {
            const Index size = weights.numel();
            auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
            for (Index row = 0; row < g.rows(); ++row)
                kernels::map<kernels::Scale>(size, weights.data(), gradient.data() + row * size, scale * g.cotangent().data()[row]);
            g.add(0, std::move(gradient));
        });
}

/// The elements of x that `elements` lists, (M,).
template <class Scalar>
[[nodiscard]] Variable<Scalar> select(const Variable<Scalar>& x, Tensor<Index> elements) {
    auto y = Tensor<Scalar>::empty(elements.shape());
    std::transform(elements.begin(), elements.end(), y.begin(), [&](Index i) { return x.value()[i]; });
    return autograd::record<Scalar>("mean_over_labelled", std::move(y), {x},
                                    [elements = std::move(elements)](autograd::Gradients<Scalar>& g) {
                                        Tensor<Scalar> gradient{g.input(0).shape().prepended(g.rows())};
                                        const Index size = elements.numel();
                                        for (Index i = 0; i < g.rows() * size; ++i)
                                            gradient[i / size * g.input(0).numel() + elements[i % size]] = g.cotangent()[i];
                                        g.add(0, std::move(gradient));
                                    });
}

}  // namespace detail

/// The weighted mean of losses that were made elsewhere, without weights: one for each element of the target, or one for
/// each sample, (N,). Those of what does not count may be anything, even NaN; but beware of how they were made: the gradient
/// that they receive is 0, and 0 times the slope of an operation at NaN is NaN. The other form has no such trap.
/// A constant 0 where nothing counts.
/// @throws ShapeError for losses of another shape.
template <class Scalar>
[[nodiscard]] Variable<Scalar> mean_over_labelled(const Variable<Scalar>& per_element, const std::type_identity_t<Target<Scalar>>& target) {
    const Shape samples{target.size()};
    const bool by_element = per_element.shape() == target.shape();
    require<ShapeError>(by_element || per_element.shape() == samples, "mean_over_labelled", "expected a loss for each element ",
                        target.shape(), " or for each sample ", samples, ", got ", per_element.shape());
    const detail::ElementWeights<Scalar> of_elements{target, Reduction::mean};
    if (of_elements.counted() == 0)
        return detail::constant_zero<Scalar>(Reduction::mean, {});
    auto weights = Tensor<Scalar>::empty(per_element.shape());
    const Index each = by_element ? 1 : target.sample_numel();
    for (Index i = 0; i < weights.numel(); ++i) {
        weights[i] = 0;
        for (Index j = 0; j < each; ++j)  // the weight of a sample is that of any of its elements that counts
            weights[i] = std::max(weights[i], of_elements[i * each + j]);
    }
    return detail::weighted_mean(per_element, std::move(weights));
}

/// The weighted mean of `loss(x, y)`, where x are the predictions that count, a variable (M,), and y their values, a constant
/// (M,). What does not count never gets there, so `loss` may be composed of any operations. It gives (M,): a loss for each.
/// A constant 0 where nothing counts; `loss` is not called then.
/// @throws ShapeError for values of another shape than the prediction's, or losses that are not (M,); StateError for a target of
/// class indices.
template <class Scalar, std::invocable<const Variable<Scalar>&, const Variable<Scalar>&> F>
[[nodiscard]] Variable<Scalar> mean_over_labelled(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                                  const F& loss) {
    const Tensor<Scalar>& values = values_like("mean_over_labelled", prediction.shape(), target);
    const detail::ElementWeights<Scalar> of_elements{target, Reduction::mean};
    const Shape shape{of_elements.counted()};
    if (shape.numel() == 0)
        return detail::constant_zero<Scalar>(Reduction::mean, {});
    auto elements = Tensor<Index>::empty(shape);
    auto chosen = Tensor<Scalar>::empty(shape);
    auto weights = Tensor<Scalar>::empty(shape);
    for (Index i = 0, to = 0; i < values.numel(); ++i)
        if (target.counts(i)) {
            elements[to] = i;
            chosen[to] = values[i];
            weights[to++] = of_elements[i];
        }
    const Variable<Scalar> losses = loss(detail::select(prediction, std::move(elements)), Variable<Scalar>{std::move(chosen)});
    require<ShapeError>(losses.shape() == shape, "mean_over_labelled", "expected a loss for each of the labelled elements ", shape,
                        ", got ", losses.shape());
    return detail::weighted_mean(losses, std::move(weights));
}

/// A loss with `point(x, y) -> Point{loss, slope}` for each element that counts, x its prediction and y its value; the slope is
/// the derivative of the loss by x. It may be called from several threads. Errors and the tape call it `name`.
/// @code
/// losses::pointwise("log_cosh", prediction, target, [](float x, float y) {
///     return losses::Point{std::log(std::cosh(x - y)), std::tanh(x - y)};
/// });
/// @endcode
/// @throws ShapeError for values of another shape than the prediction's, StateError for a target of class indices.
template <class Scalar, std::invocable<Scalar, Scalar> PointOf>
[[nodiscard]] Variable<Scalar> pointwise(const char* name, const Variable<Scalar>& prediction,
                                         const std::type_identity_t<Target<Scalar>>& target, const PointOf& point,
                                         const LossOptions& options = {}) {
    return detail::pointwise(name, prediction, target, options.reduction, [&](Scalar x, Scalar y, Index) { return point(x, y); });
}

}  // namespace espalier::inline ESPALIER_ABI::losses
