// SPDX-License-Identifier: MIT
/// @file MOML: weights of the losses that are learned so that a step with them serves every task on another batch.
#pragma once

#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/side_passes.hpp>
#include <espalier/mtl/balancing/solvers/min_norm.hpp>
#include <espalier/nn/parameter.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl {

/// softmax(a), largest first so that nothing overflows.
template <class Scalar>
[[nodiscard]] Weights softmax_weights(const Tensor<Scalar>& logits) {
    Weights result(logits.begin(), logits.end());
    const double largest = *std::max_element(result.begin(), result.end());
    double sum = 0;
    for (double& value : result)
        sum += value = std::exp(value - largest);
    for (double& value : result)
        value /= sum;
    return result;
}

/// The total sum of softmax(a)_t L_t, with numbers a that `moml_backward` finds gradients of. A backward pass of the total finds none of
/// them. State: the numbers, 0 at first; the optimizer gets them as `criterion.parameters()`.
template <class Scalar = float>
class SoftmaxWeights {
public:
    void start(std::size_t tasks) { logits_ = nn::Parameter<Scalar>{Tensor<Scalar>{Shape{static_cast<Index>(tasks)}}}; }
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        const Weights all = softmax_weights(logits_.value());
        PoolVector<Variable<Scalar>> terms;
        PoolVector<Scalar> weights;
        for (std::size_t i = 0; i < losses.size(); ++i) {
            terms.push_back(losses[i].rank() == 0 ? losses[i] : autograd::reshape(losses[i], {}));
            weights.push_back(static_cast<Scalar>(all[losses.context().tasks[i]]));
        }
        return autograd::weighted_sum<Scalar>(terms, weights);
    }
    void visit(RuleVisitor<Scalar>& visitor) { visitor("logits", logits_); }

private:
    nn::Parameter<Scalar> logits_;
};

/// The gradient of the numbers of a `SoftmaxWeights` by MOML (Ye et al., "Multi-Objective Meta Learning", NeurIPS 2021, arXiv 2102.07121;
/// AIJ 2024), which replaces that which they have:
/// @code
/// criterion.balance(mtl::SoftmaxWeights{});
/// optim::Adam meta{criterion.parameters(), {.learning_rate = 1e-3}};
/// for (...) {
///     mtl::moml_backward(net, criterion, inner, outer, 0.1);
///     meta.step();
///     sgd.zero_grad();
///     criterion(net(batch.input), batch.targets).backward();
///     sgd.step();
/// }
/// @endcode
/// One step of the given rate with the weighted gradients of the inner batch leads to theta'. What loss k of the outer batch gains there
/// by each number is -rate <grad L_k(theta'), J_inner> times the softmax's Jacobian. These T gradients, scaled to length 1, are combined
/// to the shortest point of their convex hull. No second derivative is needed, as the step is one of plain descent.
///
/// Cost: two traversals for T cotangents. Memory: 2 T rows. The net's parameters, its gradients and running statistics stay as they are,
/// bit for bit, if something throws too; dropout draws anew in each pass. A task that has no labels in a batch is left out of it.
/// @throws StateError for a criterion without a `SoftmaxWeights`; ValueError for a rate that is not above 0; what net and criterion throw
template <class Net, class Scalar, class Batch>
void moml_backward(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& inner, const Batch& outer, double inner_rate) {
    require<ValueError>(is_finite(inner_rate) && inner_rate > 0, "moml_backward", "expected an inner rate above 0, got ", inner_rate);
    detail::ParameterList<Scalar> parameters{net};
    detail::MovedParameters<Scalar> moved{net, parameters};
    const auto value = criterion(detail::outputs_of(net, inner), inner.targets);
    Variable<Scalar> logits = detail::learned_weights("moml_backward", criterion, value.tasks().size());
    const Weights weights = softmax_weights(logits.value());
    const auto factors = detail::factors_of(criterion, value);
    const detail::ActiveLosses<Scalar> below{value, parameters};
    Tensor<Scalar> gradient{logits.shape()};
    Tensor<Scalar> step{Shape{parameters.numel()}};
    Tensor<Scalar> rows;
    const auto row = [&](const Tensor<Scalar>& all, std::size_t i) {
        return all.span().subspan(i * static_cast<std::size_t>(parameters.numel()), static_cast<std::size_t>(parameters.numel()));
    };
    if (below.size() > 0)
        rows = detail::gradients_of<Scalar>(below.losses, parameters);
    for (std::size_t i = 0; i < below.size(); ++i) {
        const auto weight = static_cast<Scalar>(weights[below.tasks[i]]) * factors[below.tasks[i]];
        std::transform(row(rows, i).begin(), row(rows, i).end(), step.begin(), step.begin(),
                       [weight](Scalar g, Scalar sum) { return sum + weight * g; });
    }
    moved.to(step, -inner_rate);
    const auto ahead = criterion(detail::outputs_of(net, outer), outer.targets);
    const detail::ActiveLosses<Scalar> above{ahead, parameters};
    if (below.size() > 0 && above.size() > 0) {
        const Tensor<Scalar> outer_rows = detail::gradients_of<Scalar>(above.losses, parameters);
        Matrix gains{above.size(), weights.size()};
        for (std::size_t k = 0; k < above.size(); ++k) {
            double mean = 0;
            for (std::size_t i = 0; i < below.size(); ++i) {
                const std::size_t t = below.tasks[i];
                gains(k, t) = -inner_rate * static_cast<double>(factors[t]) * detail::dot<Scalar>(row(outer_rows, k), row(rows, i));
                mean += weights[t] * gains(k, t);
            }
            for (std::size_t t = 0; t < weights.size(); ++t)
                gains(k, t) = weights[t] * (gains(k, t) - mean);
            if (const double length = gains.map().row(static_cast<Eigen::Index>(k)).norm(); length > 0)
                gains.map().row(static_cast<Eigen::Index>(k)) /= length;
        }
        Matrix products{above.size(), above.size()};
        products.map() = gains.map() * gains.map().transpose();
        const Weights shares = solvers::min_norm_weights(products);
        for (std::size_t t = 0; t < weights.size(); ++t)
            for (std::size_t k = 0; k < above.size(); ++k)
                gradient[static_cast<Index>(t)] += static_cast<Scalar>(shares[k] * gains(k, t));
    }
    logits.zero_grad();
    logits.add_grad(gradient.span());
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
