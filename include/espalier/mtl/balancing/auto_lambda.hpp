// SPDX-License-Identifier: MIT
/// @file Auto-Lambda: weights that are learned from what a step with them does to the losses of another batch.
#pragma once

#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/side_passes.hpp>
#include <espalier/nn/parameter.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// The total sum of lambda_t L_t, with weights that `auto_lambda_backward` finds gradients of. A backward pass of the total finds none
/// of them. State: the weights, 0.1 at first; the optimizer gets them as `criterion.parameters()`.
template <class Scalar = float>
class AutoLambda {
public:
    explicit AutoLambda(double initial = 0.1) : initial_{initial} {
        require<ValueError>(is_finite(initial), "AutoLambda", "expected a finite first weight, got ", initial);
    }
    void start(std::size_t tasks) {
        weights_ = nn::Parameter<Scalar>{Tensor<Scalar>::full({static_cast<Index>(tasks)}, static_cast<Scalar>(initial_))};
    }
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        PoolVector<Variable<Scalar>> terms;
        PoolVector<Scalar> weights;
        for (std::size_t i = 0; i < losses.size(); ++i) {
            terms.push_back(losses[i].rank() == 0 ? losses[i] : autograd::reshape(losses[i], {}));
            weights.push_back(weights_.value()[static_cast<Index>(losses.context().tasks[i])]);
        }
        return autograd::weighted_sum<Scalar>(terms, weights);
    }
    void visit(RuleVisitor<Scalar>& visitor) { visitor("weights", weights_); }

private:
    double initial_;
    nn::Parameter<Scalar> weights_;
};

/// Settings of `AutoLambda`.
struct AutoLambdaOptions {
    double learning_rate;                    ///< of the step that is looked ahead: that of the model's optimizer
    std::vector<std::string> primary = {};   ///< the tasks that count; none: all of them
};

/// The gradients of the weights of an `AutoLambda` (Liu et al., "Auto-Lambda: Disentangling Dynamic Task Relationships", TMLR 2022,
/// arXiv 2202.03091), which replace those that they have:
/// @code
/// criterion.balance(mtl::AutoLambda{});
/// optim::Adam meta{criterion.parameters(), {.learning_rate = 1e-4}};
/// for (...) {
///     mtl::auto_lambda_backward(net, criterion, train, validation, {.learning_rate = sgd.learning_rate()});
///     meta.step();
///     sgd.zero_grad();
///     criterion(net(train.input), train.targets).backward();
///     sgd.step();
/// }
/// @endcode
/// With theta' = theta - a (gradient of sum lambda_t L_t) and d the gradient of the primary tasks' losses on the other batch at theta',
/// that of lambda_t is -a (L_t(theta + e d) - L_t(theta - e d)) / (2 e), e = 0.01 / |d|: L_t's slope along d by differences. The
/// authors' program has the momentum and the weight decay of the optimizer in theta'; the paper's formula has not.
///
/// Cost: two passes with one backward traversal each, and two forward passes. The net's parameters, its gradients and running statistics
/// stay as they are, bit for bit, if something throws too; dropout draws anew in each pass.
/// @throws StateError for a criterion without an `AutoLambda`, or a primary task that it has not; ValueError for a learning rate that
/// is not above 0; what net and criterion throw
template <class Net, class Scalar, class Batch>
void auto_lambda_backward(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& train, const Batch& validation,
                          const AutoLambdaOptions& options) {
    require<ValueError>(is_finite(options.learning_rate) && options.learning_rate > 0, "auto_lambda_backward",
                        "expected a learning rate above 0, got ", options.learning_rate);
    detail::ParameterList<Scalar> parameters{net};
    detail::MovedParameters<Scalar> moved{net, parameters};
    const auto value = criterion(detail::outputs_of(net, train), train.targets);
    Variable<Scalar> weights = detail::learned_weights("auto_lambda_backward", criterion, value.tasks().size());
    for (const std::string& task : options.primary)
        (void)value.tasks().at(task);
    const auto factors = detail::factors_of(criterion, value);
    moved.to(detail::gradient_of_sum(
                 value, [&](std::size_t t) { return factors[t] * weights.value()[static_cast<Index>(t)]; }, parameters),
             -options.learning_rate);
    const auto ahead = criterion(detail::outputs_of(net, validation), validation.targets);
    const auto& primary = options.primary;
    PoolVector<Scalar> counts;
    for (const auto& [task, loss] : ahead.tasks())
        counts.push_back(primary.empty() || std::find(primary.begin(), primary.end(), task) != primary.end() ? factors[counts.size()]
                                                                                                             : Scalar(0));
    const Tensor<Scalar> along = detail::gradient_of_sum(
        ahead, [&](std::size_t t) { return counts[t]; }, parameters);
    const double length = std::sqrt(detail::dot<Scalar>(along.span(), along.span()));
    Tensor<Scalar> gradient{weights.shape()};
    if (length > 0) {
        const double e = 0.01 / length;
        const NoGrad no_graph;
        moved.to(along, e);
        const auto above = criterion(detail::outputs_of(net, train), train.targets);
        moved.to(along, -e);
        const auto below = criterion(detail::outputs_of(net, train), train.targets);
        for (std::size_t t = 0; t < counts.size(); ++t) {
            const double slope =
                (static_cast<double>(detail::loss_of(above, t).item()) - static_cast<double>(detail::loss_of(below, t).item())) / (2 * e);
            gradient[static_cast<Index>(t)] = static_cast<Scalar>(-options.learning_rate * static_cast<double>(factors[t]) * slope);
        }
    }
    weights.zero_grad();
    weights.add_grad(gradient.span());
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
