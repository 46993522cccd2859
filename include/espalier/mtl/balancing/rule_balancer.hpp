// SPDX-License-Identifier: MIT
/// @file A step under a rule: what the rule must see is computed, the rule decides, and the gradients are added as it said.
///
/// A rule, or a gradient, that is refused leaves everything as it was.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/autograd/task_gradients.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/any_rule.hpp>
#include <espalier/mtl/balancing/balancer.hpp>
#include <espalier/mtl/balancing/decide.hpp>
#include <espalier/mtl/balancing/rule_parts.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

template <class Scalar>
class RuleBalancer final : public Balancer<Scalar> {
public:
    RuleBalancer(std::unique_ptr<AnyRule<Scalar>> rule, BalanceOptions options, std::vector<std::string> tasks)
        : options_{std::move(options)}, rules_{std::move(rule), options_.scope, options_.groups}, names_{std::move(tasks)} {}

    std::unique_ptr<Balancer<Scalar>> clone() const override { return std::unique_ptr<Balancer<Scalar>>{new RuleBalancer(*this)}; }
    bool makes_total() const noexcept override { return rules_.evidence() == Evidence::losses; }

    Variable<Scalar> total(const ActiveTasks<Scalar>& active, const std::shared_ptr<Decision>& decision) override {
        decision->observed.assign(names_.size(), 0.0);
        PoolVector<Variable<Scalar>> losses;
        for (std::size_t i = 0; i < active.losses.size(); ++i)
            losses.push_back(observed(active.losses[i], active.factors[i], active.tasks[i], decision));
        const StepContext context = context_of(active);
        Variable<Scalar> total = rules_.whole().total(Losses<Scalar>{losses, context});
        require<ValueError>(total.numel() == 1 && is_finite(total.item()), "MultiTaskLoss",
                            "expected a finite total of one element from the rule, got ", total.shape(), ' ',
                            total.numel() == 1 ? total.item() : Scalar(0));
        taken(context);
        return active.term ? plus(total, *active.term) : total;
    }

    void backward(const ActiveTasks<Scalar>& active, const Variable<Scalar>* total, Decision& decision,
                  const BackwardOptions& options) override {
        require<ValueError>(is_finite(options.scale), "backward", "expected a finite scale, got ", options.scale);
        if (total) {
            total->backward({.retain_graph = options.retain_graph, .scale = options.scale});
            if (options.scale == 0)
                return;  // what each task counts cannot be seen then
            decision.weights = decision.observed;
            for (double& weight : *decision.weights)
                weight /= options.scale;
            return;
        }
        // Held apart until the rule has decided, so that one that throws leaves all gradients as they were.
        std::optional<TaskGradients> beside;
        if (active.term && active.term->requires_grad())
            beside.emplace(std::span<const Variable<Scalar>>{&*active.term, 1},
                           autograd::TaskGradientsOptions{.retain_graph = true});  // gates, say, lie on the tasks' graphs too
        balance(active, decision, options);
        if (beside)
            beside->combine([](std::size_t) { return nullptr; }, {&options.scale, 1});
    }

    bool collecting() const noexcept override { return pending_.has_value(); }
    bool wants_after_step() const noexcept override { return rules_.wants_after_step(); }
    void after_step(const ActiveTasks<Scalar>& active) override {
        require<StateError>(active.tasks == last_tasks_, "after_step", "expected the batch of the last step, in which ", last_tasks_.size(),
                            " tasks were active, got one in which others are");
        rules_.after_step(context_of(active).losses);
    }
    void end_epoch() override {
        ++epoch_;
        rules_.end_epoch();
    }

    void visit(RuleVisitor<Scalar>& visitor) override {
        Tensor<double> progress{{2}, {static_cast<double>(step_), static_cast<double>(epoch_)}};
        visitor("progress", progress);
        step_ = static_cast<Index>(progress[0]);
        epoch_ = static_cast<Index>(progress[1]);
        rules_.visit(visitor);
    }
    void prepare(const std::vector<std::string>& paths) override { rules_.prepare(paths); }

private:
    using TaskGradients = autograd::TaskGradients<Scalar>;

    /// Of the batches since the last decision.
    struct Pending {
        PoolVector<TaskGradients> gradients;
        PoolVector<std::optional<double>> losses;  ///< of all tasks, if there was one
    };

    /// By the gradients of the tasks, of this batch or of all that are collected.
    void balance(const ActiveTasks<Scalar>& active, Decision& decision, const BackwardOptions& options) {
        const bool collects = options.more || pending_;
        auto gradients = gradients_of(active, options, collects);
        const StepContext context = context_of(active, collects ? options.scale : 1);
        if (!collects)
            return decide({&gradients, 1}, context, decision, options.scale);
        collect(std::move(gradients), context);
        if (options.more)
            return;
        Pending all = *std::exchange(pending_, std::nullopt);
        decide(all.gradients, context_of(all), decision, 1);
    }

    RuleBalancer(const RuleBalancer& other)
        : Balancer<Scalar>{other},
          options_{other.options_},
          rules_{other.rules_},
          names_{other.names_},
          step_{other.step_},
          epoch_{other.epoch_},
          last_tasks_{other.last_tasks_} {}

    [[nodiscard]] bool at_features() const noexcept { return options_.scope == Scope::features; }

    [[nodiscard]] StepContext context_of(const ActiveTasks<Scalar>& active, double scale = 1) const {
        StepContext context;
        context.tasks = active.tasks;
        context.task_count = active.task_count;
        context.step = step_;
        context.epoch = epoch_;
        for (std::size_t i = 0; i < active.losses.size(); ++i)
            context.losses.push_back(static_cast<double>(active.losses[i].item()) * active.factors[i] * scale);
        return context;
    }
    void taken(const StepContext& context) {
        ++step_;
        last_tasks_ = context.tasks;
    }

    /// A loss times its factor, which notes how much of it the rule takes.
    [[nodiscard]] static Variable<Scalar> observed(const Variable<Scalar>& loss, double factor, std::size_t task,
                                                   const std::shared_ptr<Decision>& decision) {
        auto value = Tensor<Scalar>::scalar(static_cast<Scalar>(static_cast<double>(loss.item()) * factor));
        return autograd::record<Scalar>("task_loss", std::move(value), {loss}, [=](autograd::Gradients<Scalar>& g) {
            decision->observed[task] = static_cast<double>(g.cotangent()[0]) * factor;
            g.add(0, Tensor<Scalar>::full(g.input(0).shape().prepended(1),
                                          static_cast<Scalar>(static_cast<double>(g.cotangent()[0]) * factor)));
        });
    }

    [[nodiscard]] TaskGradients gradients_of(const ActiveTasks<Scalar>& active, const BackwardOptions& options, bool collects) const {
        PoolVector<double> factors = active.factors;
        for (double& factor : factors)
            factor *= collects ? options.scale : 1;
        return TaskGradients{active.losses,
                             {.retain_graph = options.retain_graph,
                              .weights = factors,
                              .tasks = active.tasks,
                              .task_count = names_.size(),
                              .rows = rules_.evidence() == Evidence::jacobian || collects,
                              .at_features = at_features()}};
    }

    void collect(TaskGradients gradients, const StepContext& context) {
        if (!pending_)
            pending_.emplace();
        if (pending_->gradients.empty() || at_features())  // whose features are others than those of the batches before
            pending_->gradients.push_back(std::move(gradients));
        else
            pending_->gradients.front().absorb(std::move(gradients));
        pending_->losses.resize(names_.size());
        for (std::size_t i = 0; i < context.tasks.size(); ++i) {
            auto& loss = pending_->losses[context.tasks[i]];
            loss = loss.value_or(0) + context.losses[i];
        }
    }
    [[nodiscard]] StepContext context_of(const Pending& pending) const {
        StepContext context = context_of(ActiveTasks<Scalar>{});
        context.task_count = names_.size();
        for (std::size_t task = 0; task < names_.size(); ++task)
            if (pending.losses[task]) {
                context.tasks.push_back(task);
                context.losses.push_back(*pending.losses[task]);
            }
        return context;
    }

    void decide(std::span<TaskGradients> gradients, const StepContext& context, Decision& decision, double scale) {
        detail::decide(OpenStep<Scalar>{gradients, context, names_, rules_, options_.weigh_heads, scale, decision});
        taken(context);
    }

    BalanceOptions options_;
    RuleParts<Scalar> rules_;
    std::vector<std::string> names_;
    Index step_ = 0;
    Index epoch_ = 0;
    PoolVector<std::size_t> last_tasks_;
    std::optional<Pending> pending_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
