// SPDX-License-Identifier: MIT
/// @file Weights by which all losses fall at the same rate, learned from how they fell in the step before.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `FAMO`.
struct FAMOOptions {
    double learning_rate = 0.025;    ///< of the logits
    double weight_decay = 1e-3;      ///< of the logits, the paper's gamma; its program has 1e-5
    std::vector<double> min_losses = {};  ///< what each of the criterion's tasks' loss cannot fall below; 0 if it is empty
};

/// Fast adaptive multitask optimization: Liu et al., NeurIPS 2023, arXiv 2306.03792. `c sum z_i log D_i` with D_i = L_i - b_i + 1e-8,
/// z = softmax(logits) and the constant c = 1 / sum(z_i / D_i), so that the weights c z_i / D_i sum to 1. `after_step` learns the logits
/// by Adam from log D before the update minus log D after it: what fell fast counts less. Their program also clips the shared gradient
/// to norm 1, which `optim::clip_grad_norm` does. Costs one traversal and a second forward pass; heads get the same weights; the state
/// is five numbers a task. A masked task keeps its logit. Refuses losses below their minimum.
class FAMO {
public:
    FAMO() : FAMO{FAMOOptions{}} {}
    /// @throws ValueError for a learning rate or weight decay below 0, or numbers that are not finite
    explicit FAMO(FAMOOptions options) : options_{std::move(options)} {
        require<ValueError>(options_.learning_rate >= 0 && is_finite(options_.learning_rate), "FAMO",
                            "expected a finite learning rate of at least 0, got ", options_.learning_rate);
        require<ValueError>(options_.weight_decay >= 0 && is_finite(options_.weight_decay), "FAMO",
                            "expected a finite weight decay of at least 0, got ", options_.weight_decay);
        detail::require_finite("FAMO", "min_losses", options_.min_losses);
    }

    /// @throws ShapeError if min_losses are given, and not one for each task
    void start(std::size_t tasks) {
        detail::require_one_per_task("FAMO", "min_losses", options_.min_losses, tasks);
        logits_ = Tensor<double>{Shape{static_cast<Index>(tasks)}};
        means_ = squares_ = steps_ = before_ = logits_;
    }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        const StepContext& context = losses.context();
        detail::require_started("FAMO", logits_, context);
        Weights gaps(losses.size());
        for (std::size_t i = 0; i < losses.size(); ++i)
            gaps[i] = gap(context.tasks[i], context.losses[i]);
        before_.fill(0);
        for (std::size_t i = 0; i < losses.size(); ++i)
            detail::of_task(before_, context.tasks[i]) = gaps[i];
        Weights derivatives = shares();
        double normalizer = 0;
        for (std::size_t i = 0; i < losses.size(); ++i)
            normalizer += derivatives[i] / gaps[i];
        double value = 0;
        for (std::size_t i = 0; i < losses.size(); ++i) {
            value += derivatives[i] / normalizer * std::log(gaps[i]);
            derivatives[i] /= gaps[i] * normalizer;
        }
        return scalarize("FAMO", losses, value, std::move(derivatives));
    }

    /// The losses of the step's tasks on its batch after the update. @throws StateError unless there are as many as the step before
    /// had tasks, or if that was told already; ValueError for a loss below its minimum
    void after_step(std::span<const double> losses) {
        const auto count = static_cast<std::size_t>(std::count_if(before_.begin(), before_.end(), [](double d) { return d > 0; }));
        require<StateError>(count == losses.size() && count > 0, "FAMO", "expected a step before after_step, and a loss for each of its ",
                            count, " tasks, got ", losses.size());
        Weights falls;
        falls.reserve(count);
        double mean = 0;
        const Weights weights = shares();
        for (std::size_t task = 0; falls.size() < count; ++task)
            if (const double before = detail::of_task(before_, task); before > 0) {
                const std::size_t i = falls.size();
                falls.push_back(std::log(before) - std::log(gap(task, losses[i])));
                mean += weights[i] * falls[i];
            }
        for (std::size_t task = 0, i = 0; i < count; ++task)
            if (detail::of_task(before_, task) > 0) {
                learn(task, weights[i] * (falls[i] - mean));
                ++i;
            }
        before_.fill(0);
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("logits", logits_);
        v("means", means_);
        v("squares", squares_);
        v("steps", steps_);
        v("before", before_);
    }

private:
    /// D_i, above 0.
    [[nodiscard]] double gap(std::size_t task, double loss) const {
        const double least = options_.min_losses.empty() ? 0 : options_.min_losses[task];
        require<ValueError>(loss >= least, "FAMO", "expected losses of at least ", least, ", got ", loss, " for task ", task);
        return loss - least + 1e-8;
    }

    /// z, of the tasks of the last step.
    [[nodiscard]] Weights shares() const {
        Weights result;
        result.reserve(static_cast<std::size_t>(before_.numel()));
        for (Index task = 0; task < before_.numel(); ++task)
            if (before_[task] > 0)
                result.push_back(logits_[task]);
        detail::to_softmax(result);
        return result;
    }

    /// A step of Adam, each task counting its own.
    void learn(std::size_t task, double gradient) {
        constexpr double beta1 = 0.9;
        constexpr double beta2 = 0.999;
        double& logit = detail::of_task(logits_, task);
        double& mean = detail::of_task(means_, task);
        double& square = detail::of_task(squares_, task);
        const double steps = detail::of_task(steps_, task) += 1;
        gradient += options_.weight_decay * logit;
        mean += (1 - beta1) * (gradient - mean);
        square += (1 - beta2) * (gradient * gradient - square);
        const double root = std::sqrt(square / (1 - std::pow(beta2, steps)));
        logit -= options_.learning_rate * mean / (1 - std::pow(beta1, steps)) / (root + 1e-8);
    }

    FAMOOptions options_;
    Tensor<double> logits_;
    Tensor<double> means_;    ///< Adam's, of the gradient
    Tensor<double> squares_;  ///< and of its square
    Tensor<double> steps_;    ///< that each logit has learned
    Tensor<double> before_;   ///< D of the last step's tasks, 0 for others
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
