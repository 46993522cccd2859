// SPDX-License-Identifier: MIT
/// @file FairGrad and Nash-MTL: weights by which each task gains what is fair.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/solvers/fair.hpp>

#include <cmath>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `FairGrad`.
struct FairGradOptions {
    double alpha = 1;  ///< the smaller the more like the plain sum, the larger the more for the worst task; 1 is Nash-MTL's fairness
};

/// Ban and Ji, "Fair Resource Allocation in Multi-Task Learning" (ICML 2024, arXiv:2402.15638).
///
/// The w > 0 with G w = w^(-1/alpha), by which the gain (J d)_i of every task is above 0. With alpha = 1 (Nash-MTL's equation) the
/// direction does not depend on the scale of any task, and its length is sqrt(T). One Newton solve to rounding, where the authors'
/// program stops least squares at 1e-4. A task whose gradient is 0 gets 0, and all do where the point is Pareto-stationary.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient, unweighted (weighted in the
/// authors' and LibMTL's programs). May act `on_features`. Refuses alpha outside [0.1, 10], where powers leave too
/// few digits.
class FairGrad {
public:
    explicit FairGrad(FairGradOptions options = {}) : options_{options} {
        require<ValueError>(options_.alpha >= 0.1 && options_.alpha <= 10, "FairGrad", "expected alpha within [0.1, 10], got ",
                            options_.alpha);
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        return solvers::FairEquation{gramian.matrix(), options_.alpha}.solve();
    }

private:
    FairGradOptions options_;
};

/// Settings of `NashMTL`.
struct NashMTLOptions {
    double max_norm = 1;             ///< of the common gradient; 0 for any
    Index update_weights_every = 1;  ///< steps; the weights are those of before in between
};

/// Navon et al., "Multi-Task Learning as a Bargaining Game" (ICML 2022, arXiv:2202.01017).
///
/// The w > 0 with G w = 1 / w, G divided by its Frobenius norm as in the authors' program: the common gradient then is as short as
/// the tasks' are, and is cut to the length max_norm. The paper's bare equation is FairGrad of alpha 1. One Newton solve to rounding
/// instead of up to 20 convex programs. A task whose gradient is 0 gets 0, and all do where the point is Pareto-stationary.
/// One traversal with T cotangents and one for the update (in every step, as the cut needs the Gramian); state: T weights and the
/// count of steps. Heads get their own task's gradient, unweighted (weighted in the authors' and LibMTL's programs). May act
/// `on_features`. Refuses a negative max_norm, update_weights_every below 1, and a step without `start`.
class NashMTL {
public:
    explicit NashMTL(NashMTLOptions options = {}) : options_{options}, steps_{Shape{1}} {
        require<ValueError>(options_.max_norm >= 0 && is_finite(options_.max_norm), "NashMTL", "expected max_norm of at least 0, got ",
                            options_.max_norm);
        require<ValueError>(options_.update_weights_every >= 1, "NashMTL", "expected update_weights_every of at least 1, got ",
                            options_.update_weights_every);
    }

    void start(std::size_t tasks) {
        weights_ = Tensor<double>::ones({static_cast<Index>(tasks)});
        steps_.fill(0);
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) {
        const auto& context = gramian.context();
        require<StateError>(std::cmp_equal(weights_.numel(), context.task_count), "NashMTL", "expected ", context.task_count,
                            " tasks as at the start, got state ", weights_.shape());
        Weights weights(gramian.size());
        if (std::fmod(steps_[0], static_cast<double>(options_.update_weights_every)) == 0) {
            weights = solvers::FairEquation{gramian.matrix(), 1}.solve();
            const double root = std::sqrt(gramian.matrix().map().norm());
            for (std::size_t i = 0; i < weights.size(); ++i)
                weights_[static_cast<Index>(context.tasks[i])] = weights[i] *= root;
        } else {
            for (std::size_t i = 0; i < weights.size(); ++i)
                weights[i] = weights_[static_cast<Index>(context.tasks[i])];
        }
        steps_[0] += 1;
        cut(gramian, weights);
        return weights;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("weights", weights_);
        visitor("steps", steps_);
    }

private:
    void cut(const Gramian& gramian, Weights& weights) const {
        const double length = std::sqrt(solvers::squared_length(gramian.matrix(), weights));
        if (options_.max_norm > 0 && length > options_.max_norm)
            for (double& weight : weights)
                weight *= options_.max_norm / length;
    }

    NashMTLOptions options_;
    Tensor<double> weights_;  ///< of all tasks, before the cut
    Tensor<double> steps_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
