// SPDX-License-Identifier: MIT
/// @file Steps of rules that take the gradients of two independent batches, SDMGrad and MoDo.
#pragma once

#include <espalier/autograd/task_gradients.hpp>
#include <espalier/mtl/balancing/cross_gramian.hpp>
#include <espalier/mtl/balancing/side_passes.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// The rows of the tasks in `tasks`, and what they weigh.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> rows_of(const BatchGradients<Scalar>& batch, const PoolVector<std::size_t>& tasks,
                                     const ParameterList<Scalar>& parameters) {
    PoolVector<Variable<Scalar>> losses;
    PoolVector<double> factors;
    for (std::size_t i = 0; i < batch.tasks.size(); ++i)
        if (std::binary_search(tasks.begin(), tasks.end(), batch.tasks[i])) {
            losses.push_back(batch.losses[i]);
            factors.push_back(batch.factors[i]);
        }
    return autograd::jacobian<Scalar>(losses, parameters.all(), {.weights = factors});
}

}  // namespace detail

/// A = J1 J2^T of two batches: the products of the gradients of all tasks that are active in both, each times the task's weight in the
/// criterion, on the parameters that the tasks share. For rules that are called with it, `rule(mtl::cross_gramian(...))`.
/// A rule of the criterion's own is not asked, gradients are not touched. Cost: two traversals for T cotangents. Memory: 2 T rows.
/// @throws what net and criterion throw
template <class Net, class Scalar, class Batch>
[[nodiscard]] CrossGramian cross_gramian(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& first, const Batch& second) {
    const detail::ParameterList<Scalar> parameters{net};
    const detail::BatchGradients<Scalar> left{net, criterion, first};
    const detail::BatchGradients<Scalar> right{net, criterion, second};
    StepContext context;
    context.task_count = left.value.tasks().size();
    PoolVector<PoolVector<char>> reached;
    for (std::size_t i = 0; i < left.tasks.size(); ++i)
        if (std::binary_search(right.tasks.begin(), right.tasks.end(), left.tasks[i])) {
            context.tasks.push_back(left.tasks[i]);
            context.losses.push_back(static_cast<double>(left.losses[i].item()) * left.factors[i]);
            reached.push_back(detail::reached_by(left.losses[i], parameters));
        }
    const std::size_t tasks = context.tasks.size();
    Matrix products{tasks, tasks};
    if (tasks > 0) {
        const Tensor<Scalar> of_first = detail::rows_of(left, context.tasks, parameters);
        const Tensor<Scalar> of_second = detail::rows_of(right, context.tasks, parameters);
        const auto part = [&](const Tensor<Scalar>& rows, std::size_t i, std::size_t p) {
            return parameters.part(p, rows.data() + static_cast<Index>(i) * parameters.numel());
        };
        for (std::size_t p = 0; p < parameters.size(); ++p)
            if (std::count_if(reached.begin(), reached.end(), [p](const auto& by) { return by[p] != 0; }) > 1)
                for (std::size_t i = 0; i < tasks; ++i)
                    for (std::size_t j = 0; j < tasks; ++j)
                        products(i, j) += detail::dot<Scalar>(part(of_first, i, p), part(of_second, j, p));
    }
    return {std::move(products), std::move(context)};
}

/// A backward pass under a rule of two batches, on a third:
/// @code
/// mtl::SDMGrad rule;
/// rule.start(net.tasks().size());
/// for (...) {
///     sgd.zero_grad();
///     mtl::cross_backward(net, criterion, rule, first, second, third);
///     sgd.step();
/// }
/// @endcode
/// To what is shared it adds J3^T w, w the rule's weights from A = J1 J2^T; to a head its own task's gradient in the third batch. A task
/// that is active in the third but not in both of the others is in no part of J3^T w; if none is in both, all weigh 1. Each of the batches
/// is a pass of training, so running statistics move three times. The rule's state is the caller's to keep; a rule of the criterion's own
/// is not asked. Cost: three traversals for T cotangents. Returns the losses of the third.
/// @throws ShapeError, ValueError for weights of another number or not finite; what net, criterion and rule throw
template <class Net, class Scalar, CrossWeighting Rule, class Batch>
MultiTaskLossValue<Scalar> cross_backward(Net& net, const MultiTaskLoss<Scalar>& criterion, Rule& rule, const Batch& first,
                                          const Batch& second, const Batch& third) {
    const CrossGramian products = cross_gramian(net, criterion, first, second);
    detail::BatchGradients<Scalar> last{net, criterion, third};
    const std::size_t task_count = last.value.tasks().size();
    if (last.losses.empty())
        return last.value;
    Weights chosen;
    if (products.size() > 0) {
        const auto& given = rule(products);
        const std::span<const double> values = given;
        chosen.assign(values.begin(), values.end());
    }
    require<ShapeError>(chosen.size() == products.size(), "cross_backward", "expected from the rule a weight for each of ", products.size(),
                        " active tasks, got ", chosen.size());
    Weights weights(task_count, products.size() > 0 ? 0.0 : 1.0);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        require<ValueError>(is_finite(chosen[i]), "cross_backward", "expected finite weights from the rule, got ", chosen[i]);
        weights[products.context().tasks[i]] = chosen[i];
    }
    autograd::TaskGradients<Scalar> gradients{last.losses,
                                              {.weights = last.factors, .tasks = last.tasks, .task_count = task_count, .rows = true}};
    gradients.combine([&](std::size_t) { return weights.data(); }, Weights(task_count, 1.0));
    return last.value;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
