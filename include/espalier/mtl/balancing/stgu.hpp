// SPDX-License-Identifier: MIT
/// @file STGU: tasks are trained in groups, one group after another on the same batch.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/side_passes.hpp>
#include <espalier/mtl/balancing/solvers/affinity_propagation.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `STGU`.
struct STGUOptions {
    double decay = 0.001;                     ///< weight of a new affinity in the running one, in (0, 1]
    Index warm_up = 100;                      ///< so many batches every task is a group of its own
    std::optional<double> preference = {};    ///< of a task as the middle of a group; none: the median of the affinities
};

/// Selective task group updates (Jeong and Yoon, "Selective Task Group Updates for Multi-Task Optimization", ICLR 2025, arXiv 2502.11986):
/// @code
/// mtl::STGU stgu{net.tasks()};
/// for (const auto& batch : loader)
///     stgu.step(net, criterion, batch, sgd);
/// @endcode
/// For each batch the groups come in random order; each gets a forward pass, a backward pass of its tasks' losses, and a step of the
/// optimizer. What the step does to every loss, 1 - L(after) / L(before), divided by the size of the group, goes into the running affinity
/// of each of its tasks to each task. Where two tasks of one group differ in sign, the larger of the two counts against both; a task's
/// affinity to itself never falls by a step that hurts it. Groups are made anew for each batch by affinity propagation on the affinities,
/// each divided by the target's own, and made symmetric; while a task's own is not above 0, or the propagation finds no end, they stay.
///
/// The authors' program takes a change for that of the group after the one that caused it, and measures no change by the last group: here
/// another forward pass without a graph does, and a single group needs no second round. A criterion's rule balances each group by itself.
/// Cost: a pass for each group, and a forward pass. State: the affinities, the groups, a count, a stream of random numbers.
class STGU {
public:
    /// @throws StateError without a task; ValueError for options out of range
    explicit STGU(std::vector<std::string> tasks, STGUOptions options = {})
        : tasks_{std::move(tasks)},
          options_{options},
          affinities_{Shape{static_cast<Index>(tasks_.size()), static_cast<Index>(tasks_.size())}},
          groups_{Shape{static_cast<Index>(tasks_.size())}} {
        require<StateError>(!tasks_.empty(), "STGU", "expected at least one task, got none");
        require<ValueError>(options.decay > 0 && options.decay <= 1, "STGU", "expected a decay in (0, 1], got ", options.decay);
        require<ValueError>(options.warm_up >= 0, "STGU", "expected a warm-up of at least 0 batches, got ", options.warm_up);
        for (Index t = 0; t < groups_.numel(); ++t)
            groups_[t] = static_cast<double>(t);
    }

    /// Trains on a batch, and returns its losses from before. If something throws, the groups before have been trained.
    /// @throws StateError for a criterion of other tasks; what net, criterion, rule and optimizer throw
    template <class Net, class Scalar, class Batch, class Optimizer>
    MultiTaskLossValue<Scalar> step(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& batch, Optimizer& optimizer) {
        auto value = criterion(detail::outputs_of(net, batch), batch.targets);
        const auto same_name = [](const auto& entry, const std::string& task) { return entry.first == task; };
        require<StateError>(std::equal(value.tasks().begin(), value.tasks().end(), tasks_.begin(), tasks_.end(), same_name), "STGU",
                            "expected losses of ", tasks_.size(), " tasks as it was made for, got ", value.tasks().names());
        if (progress_[0] >= static_cast<double>(options_.warm_up))
            regroup();
        ++progress_[0];
        const auto groups = shuffled_groups();
        const std::vector<bool> active = value.active();
        const auto first = value;
        for (std::size_t g = 0; g < groups.size(); ++g) {
            train(criterion, value, groups[g], optimizer);
            auto after = g + 1 < groups.size() ? criterion(detail::outputs_of(net, batch), batch.targets) : look(net, criterion, batch);
            observe(groups[g], active, numbers(value), numbers(after));
            value = std::move(after);
        }
        return first;
    }

    /// The running affinity of task i's training to task j's loss.
    [[nodiscard]] Matrix affinities() const {
        Matrix result{tasks_.size(), tasks_.size()};
        std::copy(affinities_.begin(), affinities_.end(), result.data());
        return result;
    }
    /// The tasks of each group.
    [[nodiscard]] std::vector<std::vector<std::string>> groups() const {
        std::vector<std::vector<std::string>> result;
        for (const auto& group : members()) {
            result.emplace_back();
            for (const std::size_t task : group)
                result.back().push_back(tasks_[task]);
        }
        return result;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("affinities", affinities_);
        visitor("groups", groups_);
        visitor("progress", progress_);
        visitor("random", random_);
    }

private:
    using Group = std::vector<std::size_t>;

    [[nodiscard]] std::vector<Group> members() const {
        std::vector<Group> result;
        for (std::size_t t = 0; t < tasks_.size(); ++t) {
            const auto group = static_cast<std::size_t>(groups_[static_cast<Index>(t)]);
            result.resize(std::max(result.size(), group + 1));
            result[group].push_back(t);
        }
        return result;
    }
    [[nodiscard]] std::vector<Group> shuffled_groups() {
        const auto groups = members();
        std::vector<Group> result;
        for (const Index g : random_.permutation(static_cast<Index>(groups.size())))
            result.push_back(groups[static_cast<std::size_t>(g)]);
        return result;
    }
    void regroup() {
        const auto n = static_cast<Index>(tasks_.size());
        for (Index t = 0; t < n; ++t)
            if (!(affinities_.at(t, t) > 0))
                return;
        Matrix similarities{tasks_.size(), tasks_.size()};
        for (Index i = 0; i < n; ++i)
            for (Index j = 0; j < n; ++j)
                similarities(static_cast<std::size_t>(i), static_cast<std::size_t>(j)) =
                    (affinities_.at(i, j) / affinities_.at(j, j) + affinities_.at(j, i) / affinities_.at(i, i)) / 2;
        const double preference = options_.preference ? *options_.preference : median(similarities);
        for (std::size_t t = 0; t < tasks_.size(); ++t)
            similarities(t, t) = preference;
        const auto labels = solvers::AffinityPropagation{std::move(similarities)}.groups();
        std::copy(labels.begin(), labels.end(), groups_.begin());
    }
    [[nodiscard]] static double median(const Matrix& matrix) {
        PoolVector<double> sorted(matrix.data(), matrix.data() + matrix.rows() * matrix.columns());
        std::sort(sorted.begin(), sorted.end());
        return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
    }

    template <class Scalar, class Optimizer>
    static void train(const MultiTaskLoss<Scalar>& criterion, const MultiTaskLossValue<Scalar>& value, const Group& group,
                      Optimizer& optimizer) {
        std::size_t task = 0;
        const auto own = criterion.join(value.tasks().map([&](const std::string&, const Variable<Scalar>& loss) {
            return std::find(group.begin(), group.end(), task++) != group.end() ? loss : loss.detach();
        }));
        optimizer.zero_grad();
        own.backward();
        optimizer.step();
    }
    template <class Net, class Scalar, class Batch>
    [[nodiscard]] static MultiTaskLossValue<Scalar> look(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& batch) {
        const NoGrad no_graph;
        detail::ParameterList<Scalar> parameters{net};
        const detail::MovedParameters<Scalar> statistics{net, parameters};
        return criterion(detail::outputs_of(net, batch), batch.targets);
    }
    template <class Scalar>
    [[nodiscard]] static PoolVector<double> numbers(const MultiTaskLossValue<Scalar>& value) {
        PoolVector<double> result;
        for (const auto& [name, loss] : value.tasks())
            result.push_back(static_cast<double>(loss.item()));
        return result;
    }

    void observe(const Group& group, const std::vector<bool>& active, const PoolVector<double>& before, const PoolVector<double>& after) {
        const auto known = [&](std::size_t task) { return active[task] && before[task] > 0; };
        const auto change = [&](std::size_t task) { return (1 - after[task] / before[task]) / static_cast<double>(group.size()); };
        for (const std::size_t source : group)
            for (std::size_t target = 0; target < tasks_.size(); ++target) {
                if (!known(source) || !known(target))
                    continue;
                double affinity = change(target);
                if (target == source && affinity < 0)
                    continue;
                const bool together = std::find(group.begin(), group.end(), target) != group.end();
                if (together && affinity * change(source) < 0)
                    affinity = -std::max(affinity, change(source));
                double& running = affinities_.at(static_cast<Index>(source), static_cast<Index>(target));
                running = (1 - options_.decay) * running + options_.decay * affinity;
            }
    }

    std::vector<std::string> tasks_;
    STGUOptions options_;
    Tensor<double> affinities_;
    Tensor<double> groups_;  ///< of each task
    Tensor<double> progress_{Shape{1}};
    Random random_{new_random()};
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
