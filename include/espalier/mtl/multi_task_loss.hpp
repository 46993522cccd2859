// SPDX-License-Identifier: MIT
/// @file The sum of the tasks' losses, `L = sum over T of w_T L_T`.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/losses/loss.hpp>
#include <espalier/losses/target.hpp>

#include <cmath>
#include <initializer_list>
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

/// The losses of one batch: the total, and each task's own. A task of which nothing counts in the batch, as without a labelled
/// sample, is not active: its loss is 0, and neither its head nor the trunk receives a gradient from it.
template <class Scalar = float>
class MultiTaskLossValue {
public:
    /// @throws StateError unless there is a weight and a flag for each task.
    MultiTaskLossValue(Variable<Scalar> total, Named<Variable<Scalar>> tasks, PoolVector<double> weights, PoolVector<bool> active)
        : total_{std::move(total)}, tasks_{std::move(tasks)}, weights_{std::move(weights)}, active_{std::move(active)} {
        require<StateError>(weights_.size() == tasks_.size() && active_.size() == tasks_.size(), "MultiTaskLossValue", "expected ",
                            tasks_.size(), " weights and flags, got ", weights_.size(), " and ", active_.size());
    }

    /// The weighted sum over the active tasks.
    [[nodiscard]] const Variable<Scalar>& total() const& noexcept { return total_; }
    [[nodiscard]] Variable<Scalar> total() && { return std::move(total_); }
    [[nodiscard]] Scalar item() const { return total_.item(); }
    /// Every task's own loss, unweighted.
    [[nodiscard]] const Named<Variable<Scalar>>& tasks() const& noexcept { return tasks_; }
    [[nodiscard]] Named<Variable<Scalar>> tasks() && { return std::move(tasks_); }
    /// One task's own loss, unweighted. @throws StateError for a task that is not there.
    [[nodiscard]] Scalar item(std::string_view task) const { return tasks_.at(task).item(); }
    /// The weight of each task, in the order of `tasks()`.
    [[nodiscard]] std::vector<double> weights() const { return {weights_.begin(), weights_.end()}; }
    /// Whether each task, in the order of `tasks()`, had anything that counts.
    [[nodiscard]] std::vector<bool> active() const { return {active_.begin(), active_.end()}; }

    /// Adds the gradient of the total, times `scale`, to all parameters: `loss.backward({.scale = 1.0 / k})` in each of k steps
    /// before one of the optimizer makes one batch of k. If no task is active there is none, and nothing happens.
    void backward(bool retain_graph = false) const { backward(autograd::BackwardOptions{.retain_graph = retain_graph}); }
    void backward(const autograd::BackwardOptions& options) const {
        if (total_.requires_grad())
            total_.backward(options);
    }

private:
    Variable<Scalar> total_;
    Named<Variable<Scalar>> tasks_;
    PoolVector<double> weights_;
    PoolVector<bool> active_;
};

/// One loss for each task and their weighted sum.
template <class Scalar = float>
class MultiTaskLoss {
public:
    /// @throws StateError without a task, or for a name that comes twice; ValueError for a weight that is negative or not finite.
    ESPALIER_COLD explicit MultiTaskLoss(std::vector<TaskLoss<Scalar>> tasks) {
        require<StateError>(!tasks.empty(), "MultiTaskLoss", "expected at least one task, got none");
        for (auto& task : tasks) {
            require<StateError>(!tasks_.contains(task.name), "MultiTaskLoss", "expected one loss for each task, got '", task.name,
                                "' twice");
            check_weight(task.name, task.weight);
            std::string name = task.name;
            tasks_.insert(std::move(name), std::move(task));
        }
    }
    ESPALIER_COLD MultiTaskLoss(std::initializer_list<TaskLoss<Scalar>> tasks) : MultiTaskLoss{std::vector<TaskLoss<Scalar>>(tasks)} {}

    /// The losses of a batch. Every output needs a loss, every loss an output and a target.
    /// @throws StateError naming the task that lacks one; ValueError if a task's loss is not finite; what a loss throws,
    /// with the name of its task.
    [[nodiscard]] MultiTaskLossValue<Scalar> operator()(const Named<Variable<Scalar>>& outputs,
                                                        const losses::Targets<Scalar>& targets) const {
        if (outputs.size() != tasks_.size())  // else all have one if each loss has its output
            require_losses(outputs);
        PoolVector<Variable<Scalar>> terms;
        PoolVector<Scalar> factors;
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
            require<ShapeError>(value.numel() == 1, "MultiTaskLoss", "expected a loss of one element for task '", name, "', got ",
                                value.shape(), ": use the mean or the sum");
            require<ValueError>(is_finite(value.item()), "MultiTaskLoss", "expected a finite loss for task '", name, "', got ",
                                value.item());
            active.back() = value.requires_grad() || !output.requires_grad();  // of labels none of which counts it is a constant
            if (active.back()) {
                terms.push_back(value.rank() == 0 ? value : autograd::reshape(value, {}));
                factors.push_back(static_cast<Scalar>(task.weight));
            }
            return value;
        });
        Variable<Scalar> total = terms.empty() ? Variable<Scalar>{Tensor<Scalar>::scalar(0)}
                                               : autograd::weighted_sum<Scalar>(terms, factors);
        return {std::move(total), std::move(values), std::move(weights), std::move(active)};
    }

    /// The losses of what `predict` gave. @throws as above
    [[nodiscard]] MultiTaskLossValue<Scalar> operator()(const Named<Tensor<Scalar>>& outputs,
                                                        const losses::Targets<Scalar>& targets) const {
        return (*this)(outputs.map([](const std::string&, const Tensor<Scalar>& output) { return Variable<Scalar>{output}; }), targets);
    }

    /// @throws StateError for a task that is not there; ValueError for a weight that is negative or not finite.
    void set_weight(std::string_view task, double weight) {
        TaskLoss<Scalar>& entry = tasks_.at(task);
        check_weight(task, weight);
        entry.weight = weight;
    }
    [[nodiscard]] double weight(std::string_view task) const { return tasks_.at(task).weight; }

private:
    static void check_weight(std::string_view task, double weight) {
        require<ValueError>(weight >= 0 && is_finite(weight), "MultiTaskLoss", "expected a weight of at least 0 for task '", task,
                            "', got ", weight);
    }

    ESPALIER_COLD void require_losses(const Named<Variable<Scalar>>& outputs) const {
        for (const auto& [name, output] : outputs)
            if (!tasks_.contains(name))
                fail<StateError>("MultiTaskLoss", "expected a loss for every task, got none for '", name, "', only for ", tasks_.names());
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
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
