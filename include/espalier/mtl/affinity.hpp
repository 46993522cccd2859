// SPDX-License-Identifier: MIT
/// @file How much a step for one task helps another.
#pragma once

#include <espalier/mtl/balancing/side_passes.hpp>

#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Inter-task affinity (Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning", NeurIPS 2021, arXiv 2109.04617):
/// Z(i, j) = 1 - L_j(after) / L_j, where after means after a step of plain descent along task i's gradient on what the tasks share. Above
/// 0, a step for i helps j; to be averaged over steps. 0 where one of the two has no labels in the batch, or L_j is 0.
///
/// Nothing is changed by it: parameters are put back bit for bit and running statistics too, gradients are not touched, a rule is not
/// asked. Layers behave as they do at the time; with dropout it is best called in an `nn::EvalScope`, as the losses would differ by
/// what is dropped. Cost: a traversal for T cotangents and T forward passes. Memory: T rows of all parameters.
/// @throws ValueError for a learning rate that is not above 0; what net and criterion throw
template <class Net, class Scalar, class Input>
[[nodiscard]] Matrix inter_task_affinity(Net& net, const MultiTaskLoss<Scalar>& criterion, const Input& input,
                                         const losses::Targets<Scalar>& targets, double learning_rate) {
    require<ValueError>(is_finite(learning_rate) && learning_rate > 0, "inter_task_affinity", "expected a learning rate above 0, got ",
                        learning_rate);
    detail::ParameterList<Scalar> parameters{net};
    detail::MovedParameters<Scalar> moved{net, parameters};
    const auto before = criterion(net(input), targets);
    const detail::ActiveLosses<Scalar> active{before, parameters};
    Matrix result{before.tasks().size(), before.tasks().size()};
    if (active.size() == 0)
        return result;
    const Tensor<Scalar> gradients = detail::gradients_of<Scalar>(active.losses, parameters);
    Tensor<Scalar> step{Shape{parameters.numel()}};
    for (std::size_t i = 0; i < active.size(); ++i) {
        const Scalar* const row = gradients.data() + static_cast<Index>(i) * parameters.numel();
        for (std::size_t p = 0; p < parameters.size(); ++p)
            if (active.shared(p))
                std::copy_n(parameters.part(p, row).begin(), parameters[p].numel(), parameters.part(p, step.data()).begin());
        moved.to(step, -learning_rate);
        const NoGrad no_graph;
        const auto after = criterion(net(input), targets);
        for (const std::size_t task : active.tasks)
            if (const auto loss = static_cast<double>(detail::loss_of(before, task).item()); loss != 0)
                result(active.tasks[i], task) = 1 - static_cast<double>(detail::loss_of(after, task).item()) / loss;
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
