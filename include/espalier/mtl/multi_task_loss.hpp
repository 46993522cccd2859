// SPDX-License-Identifier: MIT
/// @file The sum of the tasks' losses, `L = sum over T of w_T L_T`.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/losses/loss.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/mtl/balancing/rule_balancer.hpp>
#include <espalier/mtl/balancing/rule_state.hpp>
#include <espalier/mtl/multi_task_loss_value.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A task's name, its loss, and the loss's weight in the sum.
template <class Scalar = float>
struct TaskLoss {
    std::string name;
    losses::Loss<Scalar> loss;
    double weight = 1;
};

/// In the place of the loss of an output that has none, as one that others are derived from: `{"conversion", mtl::no_loss}`.
inline constexpr std::nullptr_t no_loss = nullptr;

/// One loss for each task, and their weighted sum, or what a balancing rule makes of them.
///
/// Copies balance on their own, each with its state. A criterion with a rule is used by one thread at a time.
template <class Scalar = float>
class MultiTaskLoss {
public:
    /// An output with `no_loss` is no task of the criterion.
    /// @throws StateError without a task, or for a name that comes twice; ValueError for a weight that is negative or not finite.
    ESPALIER_COLD explicit MultiTaskLoss(std::vector<TaskLoss<Scalar>> tasks) {
        for (auto& task : tasks) {
            require<StateError>(!tasks_.contains(task.name) && !has_none(task.name), "MultiTaskLoss",
                                "expected one loss for each task, got '", task.name, "' twice");
            check_weight(task.name, task.weight);
            std::string name = task.name;
            if (task.loss)
                tasks_.insert(std::move(name), std::move(task));
            else
                without_loss_.push_back(std::move(name));
        }
        require<StateError>(!tasks_.empty(), "MultiTaskLoss", "expected at least one task, got none");
    }
    ESPALIER_COLD MultiTaskLoss(std::initializer_list<TaskLoss<Scalar>> tasks) : MultiTaskLoss{std::vector<TaskLoss<Scalar>>(tasks)} {}

    /// The losses of a batch. Every output needs a loss or `no_loss`, every loss an output and a target.
    /// @throws StateError naming the task that lacks one; ValueError if a task's loss is not finite; what a loss throws,
    /// with the name of its task.
    [[nodiscard]] MultiTaskLossValue<Scalar> operator()(const Named<Variable<Scalar>>& outputs,
                                                        const losses::Targets<Scalar>& targets) const {
        if (outputs.size() != tasks_.size() || !without_loss_.empty())  // else all have one if each loss has its output
            require_losses(outputs);
        PoolVector<double> weights;
        PoolVector<bool> active;
        weights.reserve(tasks_.size());
        active.reserve(tasks_.size());
        auto values = tasks_.map([&](const std::string& name, const TaskLoss<Scalar>& task) -> Variable<Scalar> {
            const Variable<Scalar>* const found = outputs.find(name, weights.size());
            if (!found) {
                require_losses(outputs);
                fail<StateError>("MultiTaskLoss", "expected an output for task '", name, "', got ", outputs.names());
            }
            const losses::Target<Scalar>* const labels = targets.find(name, weights.size());
            if (!labels)
                fail<StateError>("MultiTaskLoss", "expected a target for task '", name, "', got ", targets.names());
            const Variable<Scalar>& output = *found;
            const losses::Target<Scalar>& target = *labels;
            weights.push_back(task.weight);
            active.push_back(target.labelled_count() > 0);
            if (!active.back())  // not asked: the mean over nothing of a user's own loss may well be NaN
                return Tensor<Scalar>::scalar(0);
            Variable<Scalar> value = evaluate(task, output, target);
            check_loss("MultiTaskLoss", name, value);
            active.back() = value.requires_grad() || !output.requires_grad();  // of labels none of which counts it is a constant
            return value;
        });
        return joined(std::move(values), std::move(weights), std::move(active));
    }

    /// The losses of what `predict` gave. @throws as above
    [[nodiscard]] MultiTaskLossValue<Scalar> operator()(const Named<Tensor<Scalar>>& outputs,
                                                        const losses::Targets<Scalar>& targets) const {
        return (*this)(outputs.map([](const std::string&, const Tensor<Scalar>& output) { return Variable<Scalar>{output}; }), targets);
    }

    /// The same of losses that were made elsewhere, of one element each; a task whose loss is a constant is not active.
    /// @throws StateError unless there is one for each task, in the order of the criterion; ShapeError; ValueError for one that is not
    /// finite
    [[nodiscard]] MultiTaskLossValue<Scalar> join(Named<Variable<Scalar>> task_losses) const {
        const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
        require<StateError>(std::equal(tasks_.begin(), tasks_.end(), task_losses.begin(), task_losses.end(), same_name), "join",
                            "expected losses of ", tasks_.names(), ", got ", task_losses.names());
        PoolVector<double> weights;
        PoolVector<bool> active;
        for (const auto& [name, task] : tasks_)
            weights.push_back(task.weight);
        for (const auto& [name, loss] : task_losses) {
            check_loss("join", name, loss);
            active.push_back(loss.requires_grad());
        }
        return joined(std::move(task_losses), std::move(weights), std::move(active));
    }

    /// @throws StateError for a task that is not there; ValueError for a weight that is negative or not finite.
    void set_weight(std::string_view task, double weight) {
        TaskLoss<Scalar>& entry = tasks_.at(task);
        check_weight(task, weight);
        entry.weight = weight;
    }
    [[nodiscard]] double weight(std::string_view task) const { return tasks_.at(task).weight; }

    /// Lets a rule decide what the tasks' losses, or their gradients, count: one of the library, as `NashMTL{}`, or any copyable value
    /// with a call as evidence.hpp has them. The training loop stays as it is.
    /// @throws ValueError for a rule that sees gradients on a criterion of one task, for scopes that it cannot have, and what the
    /// rule's own checks throw
    template <class Rule>
    void balance(Rule&& rule, BalanceOptions options = {}) {
        static_assert(BalancingRule<std::remove_cvref_t<Rule>, Scalar>,
                      "a balancing rule is copyable and called with const Losses<Scalar>&, const Gramian& or const Jacobian<Scalar>&, "
                      "and gives a Variable<Scalar>, numbers or a Tensor<Scalar>");
        if constexpr (Scalarizer<std::remove_cvref_t<Rule>, Scalar>)
            require<ValueError>(options.scope == Scope::whole && options.groups.empty() && !options.weigh_heads, "balance",
                                "expected no scope for a rule that sees losses alone, got one");
        else
            require<ValueError>(tasks_.size() > 1, "balance", "expected at least two tasks to balance by their gradients, got one");
        require<ValueError>(options.scope == Scope::whole || options.groups.empty(), "balance",
                            "expected groups or another scope than the whole, got both");
        std::vector<std::string> names;
        for (const auto& [name, task] : tasks_)
            names.push_back(name);
        balancer_.hold(std::make_unique<detail::RuleBalancer<Scalar>>(detail::any_rule<Scalar>(std::forward<Rule>(rule), tasks_.size()),
                                                                      std::move(options), std::move(names)));
    }

    /// For rules that look at the losses once more after the optimizer's step, of the same batch, as FAMO does; others do not mind.
    /// @throws StateError if other tasks are active than in the step; what the call for losses throws
    void after_step(const Named<Variable<Scalar>>& outputs, const losses::Targets<Scalar>& targets) const {
        if (balancer_.held() && balancer_.held()->wants_after_step())
            balancer_.held()->after_step(active_of((*this)(outputs, targets)));
    }
    /// The same with the outputs to be made, `[&] { return net(batch.input); }`, only if a rule wants them.
    template <std::invocable MakeOutputs>
    void after_step(const MakeOutputs& make_outputs, const losses::Targets<Scalar>& targets) const {
        if (balancer_.held() && balancer_.held()->wants_after_step())
            after_step(make_outputs(), targets);
    }
    /// For rules that tell epochs apart, between two of them; others do not mind.
    void end_epoch() const {
        if (balancer_.held())
            balancer_.held()->end_epoch();
    }

    /// Weights that a rule learns, for an optimizer.
    [[nodiscard]] std::vector<Variable<Scalar>> parameters() const {
        detail::CollectLearned<Scalar> collect;
        if (balancer_.held())
            balancer_.held()->visit(collect);
        return std::move(collect.parameters);
    }
    /// The same behind those of a net: all that one optimizer trains. @code optim::Adam adam{criterion.parameters(net.parameters())};
    [[nodiscard]] std::vector<Variable<Scalar>> parameters(std::vector<Variable<Scalar>> of_net) const {
        for (Variable<Scalar>& learned : parameters())
            of_net.push_back(std::move(learned));
        return of_net;
    }
    /// All that the rule remembers, learned weights too; nothing without a rule.
    [[nodiscard]] Named<Tensor<double>> state_dict() const {
        detail::CollectState<Scalar> collect;
        if (balancer_.held())
            balancer_.held()->visit(collect);
        return std::move(collect.state);
    }
    /// Goes on from what `state_dict()` gave under the same rule. @throws StateError, and changes nothing, for a state of another.
    void load_state_dict(const Named<Tensor<double>>& state) {
        detail::BalancerOwner<Scalar> trial = balancer_;
        restore(trial, state);
        restore(balancer_, state);  // in place, for the optimizer that has the learned weights
    }

    /// Whether a rule decides by the tasks' gradients, or their inner products.
    [[nodiscard]] bool balances_gradients() const noexcept { return balancer_.held() && !balancer_.held()->makes_total(); }

private:
    [[nodiscard]] MultiTaskLossValue<Scalar> joined(Named<Variable<Scalar>> values, PoolVector<double> weights,
                                                    PoolVector<bool> active) const {
        PoolVector<Variable<Scalar>> terms;
        PoolVector<Scalar> factors;
        std::size_t task = 0;
        for (const auto& [name, value] : values) {
            if (active[task]) {
                terms.push_back(value.rank() == 0 ? value : autograd::reshape(value, {}));
                factors.push_back(static_cast<Scalar>(weights[task]));
            }
            ++task;
        }
        Variable<Scalar> total = terms.empty() ? Variable<Scalar>{Tensor<Scalar>::scalar(0)}
                                               : autograd::weighted_sum<Scalar>(terms, factors);
        MultiTaskLossValue<Scalar> result{std::move(total), std::move(values), std::move(weights), std::move(active)};
        if (balancer_.held() && (result.total_.requires_grad() || balancer_.held()->collecting()))
            result.step_ = step_of(result);
        return result;
    }

    static void check_loss(const char* operation, const std::string& name, const Variable<Scalar>& value) {
        require<ShapeError>(value.numel() == 1, operation, "expected a loss of one element for task '", name, "', got ", value.shape(),
                            ": use the mean or the sum");
        require<ValueError>(is_finite(value.item()), operation, "expected a finite loss for task '", name, "', got ", value.item());
    }

    /// Those that count in a batch, for a rule.
    [[nodiscard]] detail::ActiveTasks<Scalar> active_of(const MultiTaskLossValue<Scalar>& value) const {
        detail::ActiveTasks<Scalar> result;
        result.task_count = tasks_.size();
        std::size_t task = 0;
        for (const auto& [name, loss] : value.tasks_) {
            if (value.active_[task] && value.weights_[task] > 0) {
                result.losses.push_back(loss);
                result.factors.push_back(value.weights_[task]);
                result.tasks.push_back(task);
            }
            ++task;
        }
        return result;
    }
    [[nodiscard]] std::shared_ptr<detail::BalancedStep<Scalar>> step_of(const MultiTaskLossValue<Scalar>& value) const {
        using Step = detail::BalancedStep<Scalar>;
        return std::allocate_shared<Step>(PoolAllocator<Step>{}, Step{balancer_.held(), active_of(value)});
    }

    static void restore(const detail::BalancerOwner<Scalar>& balancer, const Named<Tensor<double>>& state) {
        detail::RestoreState<Scalar> restore{state};
        if (balancer.held()) {
            balancer.held()->prepare(restore.paths());
            balancer.held()->visit(restore);
        }
        restore.require_fit();
    }

    static void check_weight(std::string_view task, double weight) {
        require<ValueError>(weight >= 0 && is_finite(weight), "MultiTaskLoss", "expected a weight of at least 0 for task '", task,
                            "', got ", weight);
    }

    ESPALIER_COLD void require_losses(const Named<Variable<Scalar>>& outputs) const {
        for (const auto& [name, output] : outputs)
            if (!tasks_.contains(name) && !has_none(name))
                fail<StateError>("MultiTaskLoss", "expected a loss for every task, got none for '", name, "', only for ", tasks_.names());
        for (const std::string& name : without_loss_)
            if (!outputs.contains(name))
                fail<StateError>("MultiTaskLoss", "expected an output '", name, "', which has no loss, got ", outputs.names());
    }
    [[nodiscard]] bool has_none(const std::string& name) const noexcept {
        return std::find(without_loss_.begin(), without_loss_.end(), name) != without_loss_.end();
    }

    [[nodiscard]] static Variable<Scalar> evaluate(const TaskLoss<Scalar>& task, const Variable<Scalar>& output,
                                                   const losses::Target<Scalar>& target) {
        try {
            return task.loss(output, target);
        } catch (Error& error) {
            error.append(concat(", for task '", task.name, "'"));
            throw;
        }
    }

    Named<TaskLoss<Scalar>> tasks_;
    std::vector<std::string> without_loss_;  ///< outputs
    detail::BalancerOwner<Scalar> balancer_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
