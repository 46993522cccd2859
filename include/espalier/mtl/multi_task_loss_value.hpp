// SPDX-License-Identifier: MIT
/// @file The losses of one batch under a criterion, and their backward pass.
#pragma once

#include <espalier/autograd/backward.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/balancer.hpp>

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// The losses of one batch: the total, and each task's own. A task of which nothing counts in the batch, as without a labelled
/// sample, is not active: its loss is 0, and neither its head nor the trunk receives a gradient from it.
template <class Scalar = float>
class MultiTaskLossValue {
public:
    /// @throws StateError unless there is a weight and a flag for each task.
    MultiTaskLossValue(Variable<Scalar> total, Named<Variable<Scalar>> tasks, PoolVector<double> weights, PoolVector<bool> active)
        : total_{std::move(total)},
          learned_from_{total_.requires_grad()},
          tasks_{std::move(tasks)},
          weights_{std::move(weights)},
          active_{std::move(active)} {
        require<StateError>(weights_.size() == tasks_.size() && active_.size() == tasks_.size(), "MultiTaskLossValue", "expected ",
                            tasks_.size(), " weights and flags, got ", weights_.size(), " and ", active_.size());
    }

    /// Adds a term that is of no task, as `net.penalty()`. It is part of the total, and its gradient of what `backward()` adds, times
    /// the scale and not weighed by a rule: rules see the tasks alone. @throws ShapeError unless it has one element; ValueError if it
    /// is not finite
    MultiTaskLossValue& add(const Variable<Scalar>& term) & {
        require<ShapeError>(term.numel() == 1, "add", "expected a term of one element, got ", term.shape());
        require<ValueError>(is_finite(term.item()), "add", "expected a finite term, got ", term.item());
        total_ = detail::plus(total_, term);
        if (step_)
            step_->add(term);
        return *this;
    }
    [[nodiscard]] MultiTaskLossValue add(const Variable<Scalar>& term) && { return std::move(add(term)); }

    /// The weighted sum over the active tasks, or what a rule that sees losses makes of them, and what was added. The gradient of it is not
    /// what a rule that sees gradients makes: `backward()` of these losses is.
    /// @throws what a rule throws
    [[nodiscard]] const Variable<Scalar>& total() const& { return step_ && step_->balancer->makes_total() ? step_->make_total() : total_; }
    [[nodiscard]] Variable<Scalar> total() && { return std::as_const(*this).total(); }
    [[nodiscard]] Scalar item() const { return total().item(); }
    /// Every task's own loss, unweighted.
    [[nodiscard]] const Named<Variable<Scalar>>& tasks() const& noexcept { return tasks_; }
    [[nodiscard]] Named<Variable<Scalar>> tasks() && { return std::move(tasks_); }
    /// One task's own loss, unweighted. @throws StateError for a task that is not there.
    [[nodiscard]] Scalar item(std::string_view task) const { return tasks_.at(task).item(); }
    /// How much of each task's loss there is in the gradient, in the order of `tasks()`; under a rule it is known after `backward()`,
    /// 0 for a task that was not active, and the mean over its parts if the rule looks at several. @throws StateError before that, if
    /// the rule gives no weights, or if it makes the total and the pass had a scale of 0.
    [[nodiscard]] std::vector<double> weights() const {
        if (!step_)
            return {weights_.begin(), weights_.end()};
        require<StateError>(step_->decision->weights.has_value(), "weights",
                            "expected a backward pass under a rule that gives weights, got none");
        return {step_->decision->weights->begin(), step_->decision->weights->end()};
    }
    /// The inner products of the tasks' gradients on what they share, (T, T), 0 where a task was not active.
    /// @throws StateError unless a backward pass has computed them for a rule.
    [[nodiscard]] Matrix gramian() const {
        require<StateError>(step_ && step_->decision->gramian, "gramian",
                            "expected a backward pass under a rule that sees inner products of gradients, got none");
        return *step_->decision->gramian;
    }
    /// Whether `weights()` and `gramian()` have something to tell.
    [[nodiscard]] bool has_weights() const noexcept { return !step_ || step_->decision->weights.has_value(); }
    [[nodiscard]] bool has_gramian() const noexcept { return step_ && step_->decision->gramian.has_value(); }
    /// Whether each task, in the order of `tasks()`, had anything that counts.
    [[nodiscard]] std::vector<bool> active() const { return {active_.begin(), active_.end()}; }

    /// Adds the gradient of the total, or what a rule makes of the tasks' gradients, times `scale` to all parameters. If no task is
    /// active there is none, and nothing happens. One step of the optimizer on k batches: `loss.backward({.scale = 1.0 / k})` for each,
    /// which a rule decides on one by one; with `.more` in all but the last it decides once, as on one batch of all.
    /// @throws what a rule throws; ValueError for gradients or weights that are not finite; ShapeError for weights of another number.
    /// Nothing has changed then.
    void backward(bool retain_graph = false) const { backward(BackwardOptions{.retain_graph = retain_graph}); }
    void backward(const BackwardOptions& options) const {
        if (step_ && (learned_from_ || step_->balancer->collecting()))
            step_->backward(options);
        else if (total_.requires_grad())
            total_.backward({.retain_graph = options.retain_graph, .scale = options.scale});
    }

private:
    template <class>
    friend class MultiTaskLoss;

    Variable<Scalar> total_;
    bool learned_from_;  ///< whether any task has a gradient
    Named<Variable<Scalar>> tasks_;
    PoolVector<double> weights_;
    PoolVector<bool> active_;
    std::shared_ptr<detail::BalancedStep<Scalar>> step_;  ///< null without a rule
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
