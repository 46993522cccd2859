// SPDX-License-Identifier: MIT
/// @file What rules keep between steps: numbers or rows for every task, of which a step sees those of its active tasks.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

/// Gives a state with a row for every task its size at the first step, in zeros. @throws StateError if the gradients have another
/// size at a later one
template <class Scalar>
void size_rows(const char* rule, Tensor<Scalar>& state, const Jacobian<Scalar>& jacobian) {
    const Shape shape{static_cast<Index>(jacobian.context().task_count), jacobian.columns()};
    if (state.rank() != 2)
        state = Tensor<Scalar>{shape};
    require<StateError>(state.shape() == shape, rule, "expected gradients of ", state.size(0), " tasks with ", state.size(1),
                        " elements, of which it keeps running values, got ", shape[0], " with ", shape[1]);
}

/// The same for a number per task.
inline void size_numbers(const char* rule, Tensor<double>& state, const StepContext& context) {
    const Shape shape{static_cast<Index>(context.task_count)};
    if (state.numel() == 0)
        state = Tensor<double>{shape};
    require<StateError>(state.shape() == shape, rule, "expected ", state.numel(), " tasks, of which it keeps running values, got ",
                        shape[0]);
}

/// For a rule whose state was sized by `start`. @throws StateError for a step of another number of tasks
inline void check_started(const char* rule, const Tensor<double>& state, const StepContext& context) {
    require<StateError>(std::cmp_equal(state.numel(), context.task_count), rule, "expected a step of ", state.numel(),
                        " tasks, as told by start(), got one of ", context.task_count);
}

/// Weights that sum to 1 over all tasks.
[[nodiscard]] inline Tensor<double> equal_shares(std::size_t tasks) {
    return Tensor<double>::full({static_cast<Index>(tasks)}, 1 / static_cast<double>(tasks));
}

/// Of weights that sum to 1 over all tasks those of the active ones, scaled to a sum of 1. A step moves them, and together they keep
/// the share that they had: it is nothing to those that are not active.
struct ActiveShare {
    ActiveShare(const Tensor<double>& all, const StepContext& context) : weights(context.tasks.size()) {
        for (std::size_t t = 0; t < weights.size(); ++t)
            share += weights[t] = all[static_cast<Index>(context.tasks[t])];
        for (double& weight : weights)
            weight = share > 0 ? weight / share : 1 / static_cast<double>(weights.size());
    }
    void put_back(Tensor<double>& all, const StepContext& context) const noexcept {
        for (std::size_t t = 0; t < weights.size(); ++t)
            all[static_cast<Index>(context.tasks[t])] = share * weights[t];
    }

    Weights weights;
    double share = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
