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

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

template <class Scalar>
class RuleBalancer final : public Balancer<Scalar> {
public:
    RuleBalancer(std::unique_ptr<AnyRule<Scalar>> rule, BalanceOptions options, std::vector<std::string> tasks)
        : options_{std::move(options)}, pristine_{std::move(rule)}, task_count_{tasks.size()}, names_{std::move(tasks)} {
        if (!by_parts())
            (void)rule_of("");
    }

    std::unique_ptr<Balancer<Scalar>> clone() const override { return std::unique_ptr<Balancer<Scalar>>{new RuleBalancer(*this)}; }
    bool makes_total() const noexcept override { return pristine_->evidence() == Evidence::losses; }

    Variable<Scalar> total(const ActiveTasks<Scalar>& active, const std::shared_ptr<Decision>& decision) override {
        decision->observed.assign(task_count_, 0.0);
        PoolVector<Variable<Scalar>> losses;
        for (std::size_t i = 0; i < active.losses.size(); ++i)
            losses.push_back(observed(active.losses[i], active.factors[i], active.tasks[i], decision));
        const StepContext context = context_of(active);
        Variable<Scalar> total = rule_of("").total(Losses<Scalar>{losses, context});
        require<ValueError>(total.numel() == 1 && is_finite(total.item()), "MultiTaskLoss",
                            "expected a finite total of one element from the rule, got ", total.shape(), ' ',
                            total.numel() == 1 ? total.item() : Scalar(0));
        taken(context);
        return total;
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

    bool collecting() const noexcept override { return pending_.has_value(); }
    bool wants_after_step() const noexcept override { return pristine_->wants_after_step(); }
    void after_step(const ActiveTasks<Scalar>& active) override {
        require<StateError>(active.tasks == last_tasks_, "after_step", "expected the batch of the last step, in which ", last_tasks_.size(),
                            " tasks were active, got one in which others are");
        const StepContext context = context_of(active);
        for (auto& part : parts_)
            part.rule->after_step(context.losses);
    }
    void end_epoch() override {
        ++epoch_;
        for (auto& part : parts_)
            part.rule->end_epoch();
    }

    void visit(RuleVisitor<Scalar>& visitor) override {
        Tensor<double> progress{{2}, {static_cast<double>(step_), static_cast<double>(epoch_)}};
        visitor("progress", progress);
        step_ = static_cast<Index>(progress[0]);
        epoch_ = static_cast<Index>(progress[1]);
        for (auto& part : parts_)
            visitor(by_parts() ? "part|" + part.name + "|" : std::string{"rule"}, *part.rule);
    }
    void prepare(const std::vector<std::string>& paths) override {
        for (const std::string_view path : paths)
            if (by_parts() && path.starts_with("part|"))
                (void)rule_of(path.substr(5, path.find('|', 5) - 5));
    }

private:
    using TaskGradients = autograd::TaskGradients<Scalar>;

    /// A part of what is shared, with the rule that looks at it.
    struct Part {
        std::string name;
        std::unique_ptr<AnyRule<Scalar>> rule;
    };
    /// Of the batches since the last decision.
    struct Pending {
        PoolVector<TaskGradients> gradients;
        PoolVector<std::optional<double>> losses;  ///< of all tasks, if there was one
    };

    RuleBalancer(const RuleBalancer& other)
        : Balancer<Scalar>{other},
          options_{other.options_},
          pristine_{other.pristine_->clone()},
          task_count_{other.task_count_},
          names_{other.names_},
          step_{other.step_},
          epoch_{other.epoch_},
          last_tasks_{other.last_tasks_} {
        for (const Part& part : other.parts_)
            parts_.push_back({part.name, part.rule->clone()});
    }

    [[nodiscard]] bool by_parts() const noexcept { return options_.scope == Scope::layers || !options_.groups.empty(); }
    [[nodiscard]] bool at_features() const noexcept { return options_.scope == Scope::features; }

    /// `trunk.0` of `trunk.0.weight`, or the group that it belongs to.
    [[nodiscard]] std::string_view part_of(std::string_view parameter) const {
        if (options_.scope == Scope::layers)
            return parameter.substr(0, std::min(parameter.rfind('.'), parameter.size()));
        for (const std::string& group : options_.groups)
            if (parameter.starts_with(group) && (parameter.size() == group.size() || parameter[group.size()] == '.'))
                return group;
        return "";
    }
    [[nodiscard]] std::size_t index_of(std::string_view name) {
        const auto found = std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.name == name; });
        if (found != parts_.end())
            return static_cast<std::size_t>(found - parts_.begin());
        parts_.push_back({std::string{name}, pristine_->clone()});
        return parts_.size() - 1;
    }
    [[nodiscard]] AnyRule<Scalar>& rule_of(std::string_view name) { return *parts_[index_of(name)].rule; }

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
                              .task_count = task_count_,
                              .rows = pristine_->evidence() == Evidence::jacobian || collects,
                              .at_features = at_features()}};
    }

    void collect(TaskGradients gradients, const StepContext& context) {
        if (!pending_)
            pending_.emplace();
        if (pending_->gradients.empty() || at_features())  // whose features are others than those of the batches before
            pending_->gradients.push_back(std::move(gradients));
        else
            pending_->gradients.front().absorb(std::move(gradients));
        pending_->losses.resize(task_count_);
        for (std::size_t i = 0; i < context.tasks.size(); ++i) {
            auto& loss = pending_->losses[context.tasks[i]];
            loss = loss.value_or(0) + context.losses[i];
        }
    }
    [[nodiscard]] StepContext context_of(const Pending& pending) const {
        StepContext context = context_of(ActiveTasks<Scalar>{});
        context.task_count = task_count_;
        for (std::size_t task = 0; task < task_count_; ++task)
            if (pending.losses[task]) {
                context.tasks.push_back(task);
                context.losses.push_back(*pending.losses[task]);
            }
        return context;
    }

    void decide(std::span<TaskGradients> gradients, const StepContext& context, Decision& decision, double scale) {
        bool shared = false;
        for (const TaskGradients& part : gradients)
            shared = shared || part.pieces() > 0;
        if (!shared || context.tasks.size() < 2)
            take_all(gradients, context, decision, scale);  // there is nothing to decide
        else if (pristine_->evidence() == Evidence::losses)
            decide_by_losses(gradients, context, decision);
        else if (pristine_->evidence() == Evidence::gramian)
            decide_by_gramians(gradients, context, decision, scale);
        else
            decide_by_rows(gradients, context, scale);
        taken(context);
    }

    /// Every task with weight 1.
    void take_all(std::span<TaskGradients> gradients, const StepContext& context, Decision& decision, double scale) const {
        const Weights scales(task_count_, scale);
        for (TaskGradients& part : gradients)
            part.combine([&](std::size_t) { return scales.data(); }, scales);
        decision.weights = scattered(Weights(context.tasks.size(), 1.0), context);
    }

    /// With the derivatives of the rule's total as weights.
    void decide_by_losses(std::span<TaskGradients> gradients, const StepContext& context, Decision& decision) {
        PoolVector<Variable<Scalar>> losses;
        for (const double loss : context.losses)
            losses.emplace_back(Tensor<Scalar>::scalar(static_cast<Scalar>(loss)), true);
        rule_of("").total(Losses<Scalar>{losses, context}).backward();
        Weights weights;
        for (const auto& loss : losses)
            weights.push_back(loss.has_grad() ? static_cast<double>(loss.grad().item()) : 0);
        decision.weights = scattered(weights, context);
        for (TaskGradients& part : gradients)
            part.combine([&](std::size_t) { return decision.weights->data(); }, *decision.weights);
    }

    /// Which part of the rule each piece of the gradients belongs to, piece after piece.
    [[nodiscard]] PoolVector<std::size_t> parts_of(std::span<const TaskGradients> gradients) {
        PoolVector<std::size_t> result;
        for (const TaskGradients& part : gradients)
            for (std::size_t piece = 0; piece < part.pieces(); ++piece)
                result.push_back(index_of(by_parts() ? part_of(part.name(piece)) : std::string_view{}));
        return result;
    }

    void decide_by_gramians(std::span<TaskGradients> gradients, const StepContext& context, Decision& decision, double scale) {
        const auto part_of_piece = parts_of(gradients);
        PoolVector<Matrix> gramians(parts_.size());
        const std::size_t* part = part_of_piece.data();
        for (const TaskGradients& from : gradients)
            for (std::size_t piece = 0; piece < from.pieces(); ++piece) {
                Matrix& gramian = gramians[*part++];
                if (gramian.rows() == 0)
                    gramian = Matrix{task_count_, task_count_};
                from.add_gramian(piece, gramian.data());
            }
        Matrix whole{task_count_, task_count_};
        for (const Matrix& gramian : gramians)
            if (gramian.rows() > 0)
                whole += gramian;
        for (const std::size_t task : context.tasks)
            require_finite(whole(task, task), names_[task]);
        PoolVector<Weights> weights(parts_.size());
        Weights mean(task_count_, 0.0);
        double count = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i)
            if (gramians[i].rows() > 0) {
                const Weights given = parts_[i].rule->weights(Gramian{chosen(gramians[i], context.tasks), context});
                check(given, context.tasks.size());
                weights[i] = scattered(given, context);
                for (std::size_t t = 0; t < mean.size(); ++t)
                    mean[t] += weights[i][t];
                ++count;
                for (double& weight : weights[i])
                    weight *= scale;
            }
        for (double& weight : mean)
            weight /= count;
        Weights own(task_count_, scale);
        if (options_.weigh_heads)
            std::transform(mean.begin(), mean.end(), own.begin(), [scale](double weight) { return weight * scale; });
        decision.weights = std::move(mean);
        decision.gramian = std::move(whole);
        part = part_of_piece.data();
        for (TaskGradients& from : gradients) {
            from.combine([&](std::size_t piece) { return weights[part[piece]].data(); }, own);
            part += from.pieces();
        }
    }

    /// Each part's columns side by side, the gradients' pieces in their order.
    struct Columns {
        PoolVector<JacobianBlock> blocks;
        Index size = 0;
        Tensor<Scalar> direction;
    };

    void decide_by_rows(std::span<TaskGradients> gradients, const StepContext& context, double scale) {
        const auto part_of_piece = parts_of(gradients);
        PoolVector<Columns> columns(parts_.size());
        PoolVector<Index> firsts;
        const std::size_t* part = part_of_piece.data();
        for (const TaskGradients& from : gradients)
            for (std::size_t piece = 0; piece < from.pieces(); ++piece) {
                Columns& to = columns[*part++];
                firsts.push_back(to.size);
                to.blocks.push_back({from.name(piece), to.size, from.numel(piece)});
                to.size += from.numel(piece);
            }
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (columns[i].blocks.empty())
                continue;
            Tensor<Scalar> rows = rows_of(gradients, i, part_of_piece, firsts, columns[i].size, context.tasks);
            for (std::size_t t = 0; t < context.tasks.size(); ++t)
                for (Index p = 0; p < columns[i].size; ++p)
                    require_finite(static_cast<double>(rows[static_cast<Index>(t) * columns[i].size + p]), names_[context.tasks[t]]);
            columns[i].direction = parts_[i].rule->direction(Jacobian<Scalar>{std::move(rows), context, columns[i].blocks});
            check(columns[i].direction, columns[i].size);
            for (Scalar& value : columns[i].direction)
                value *= static_cast<Scalar>(scale);
        }
        const Weights own(task_count_, scale);
        std::size_t first = 0;
        for (TaskGradients& from : gradients) {
            from.apply([&](std::size_t piece) { return columns[part_of_piece[first + piece]].direction.data() + firsts[first + piece]; },
                       own);
            first += from.pieces();
        }
    }

    [[nodiscard]] Tensor<Scalar> rows_of(std::span<const TaskGradients> gradients, std::size_t wanted,
                                         const PoolVector<std::size_t>& part_of_piece, const PoolVector<Index>& firsts, Index columns,
                                         const PoolVector<std::size_t>& tasks) const {
        auto all = Tensor<Scalar>::empty({static_cast<Index>(task_count_), columns});
        std::size_t index = 0;
        for (const TaskGradients& from : gradients)
            for (std::size_t piece = 0; piece < from.pieces(); ++piece, ++index)
                if (part_of_piece[index] == wanted)
                    from.write_rows(piece, all.data() + firsts[index], columns);
        if (tasks.size() == task_count_)
            return all;
        auto active = Tensor<Scalar>::empty({static_cast<Index>(tasks.size()), columns});
        for (std::size_t t = 0; t < tasks.size(); ++t)
            std::copy_n(all.data() + static_cast<Index>(tasks[t]) * columns, columns, active.data() + static_cast<Index>(t) * columns);
        return active;
    }

    static void require_finite(double value, const std::string& task) {
        require<ValueError>(is_finite(value), "backward", "expected finite gradients to balance, got ", value, " in those of task '", task,
                            '\'');
    }
    static void check(const Weights& weights, std::size_t tasks) {
        require<ShapeError>(weights.size() == tasks, "backward", "expected from the rule a weight for each of ", tasks,
                            " active tasks, got ", weights.size());
        for (const double weight : weights)
            require<ValueError>(is_finite(weight), "backward", "expected finite weights from the rule, got ", weight);
    }
    static void check(const Tensor<Scalar>& direction, Index columns) {
        require<ShapeError>(direction.shape() == Shape{columns}, "backward", "expected from the rule a direction of shape (", columns,
                            ",), got ", direction.shape());
        for (const Scalar value : direction)
            require<ValueError>(is_finite(value), "backward", "expected a finite direction from the rule, got ", value);
    }

    [[nodiscard]] static Matrix chosen(const Matrix& all, const PoolVector<std::size_t>& tasks) {
        Matrix result{tasks.size(), tasks.size()};
        for (std::size_t i = 0; i < tasks.size(); ++i)
            for (std::size_t j = 0; j < tasks.size(); ++j)
                result(i, j) = all(tasks[i], tasks[j]);
        return result;
    }
    [[nodiscard]] Weights scattered(const Weights& of_active, const StepContext& context) const {
        Weights result(task_count_, 0.0);
        for (std::size_t i = 0; i < of_active.size(); ++i)
            result[context.tasks[i]] = of_active[i];
        return result;
    }

    BalanceOptions options_;
    std::unique_ptr<AnyRule<Scalar>> pristine_;  ///< what parts get copies of
    std::vector<Part> parts_;
    std::size_t task_count_;
    std::vector<std::string> names_;
    Index step_ = 0;
    Index epoch_ = 0;
    PoolVector<std::size_t> last_tasks_;
    std::optional<Pending> pending_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
