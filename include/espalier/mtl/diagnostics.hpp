// SPDX-License-Identifier: MIT
/// @file What happens between the tasks while they train: losses, weights, norms and angles of their gradients, step by step.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/multi_task_loss.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A weighting that gives every task the weight 1: the plain sum, whose gradients are seen, so that a `Diagnostics` has them too.
/// Cost: T traversals of the trunk, or one with `{.scope = Scope::features}`.
struct UnitWeights {
    Weights operator()(const Gramian& gramian) const { return Weights(gramian.size(), 1.0); }
};

/// Means over the steps since the last reset; NaN where nothing was seen, as of gradients under a rule that does not look at them.
struct DiagnosticsSummary {
    std::size_t steps = 0;
    std::vector<double> losses;   ///< of the steps in which the task was active
    std::vector<double> weights;  ///< in the gradient, see `MultiTaskLossValue::weights`
    std::vector<double> norms;    ///< of the gradients on what the tasks share
    Matrix cosines;               ///< (T, T), of the angles between them
    Matrix conflicts;             ///< (T, T), the share of steps in which the angle was above 90 degrees
    double conflict_rate = 0;     ///< the same over all pairs of tasks
    /// (T, T): about how much of task j's loss a step of size 1 along task i's gradient takes away, <g_i, g_j> / L_j: the first order of
    /// inter-task affinity (Fifty et al., "Efficiently identifying task groupings for multi-task learning", NeurIPS 2021).
    Matrix affinities;
};

/// Collects what the losses of a step tell after their backward pass:
/// @code
/// mtl::Diagnostics diagnostics{net.tasks()};
/// ... loss.backward(); diagnostics.record(loss); ...
/// const auto summary = diagnostics.summary();
/// @endcode
/// It costs T T additions a step and no traversal of its own.
class Diagnostics {
public:
    /// @throws StateError without a task
    explicit Diagnostics(std::vector<std::string> tasks) : tasks_{std::move(tasks)} {
        require<StateError>(!tasks_.empty(), "Diagnostics", "expected at least one task, got none");
        reset();
    }

    [[nodiscard]] const std::vector<std::string>& tasks() const& noexcept { return tasks_; }
    [[nodiscard]] std::vector<std::string> tasks() && noexcept { return std::move(tasks_); }

    /// To be called after `loss.backward()`. @throws StateError for losses of other tasks, and under a rule before the backward pass
    template <class Scalar>
    void record(const MultiTaskLossValue<Scalar>& loss) {
        require_tasks(loss);
        const bool sees_gradients = loss.has_gramian();
        const std::vector<double> weights = loss.has_weights() ? loss.weights() : std::vector<double>{};
        const Matrix gramian = sees_gradients ? loss.gramian() : Matrix{};
        const std::vector<bool> active = loss.active();
        PoolVector<double> losses;
        for (const auto& [task, value] : loss.tasks())
            losses.push_back(static_cast<double>(value.item()));
        ++steps_;
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            if (!active[i])
                continue;
            losses_[i].add(losses[i]);
            if (!weights.empty())
                weights_[i].add(weights[i]);
            if (!sees_gradients)
                continue;
            norms_[i].add(std::sqrt(gramian(i, i)));
            for (std::size_t j = 0; j < tasks_.size(); ++j)
                if (active[j])
                    add_pair(i, j, gramian, losses[j]);
        }
    }

    [[nodiscard]] DiagnosticsSummary summary() const {
        const std::size_t count = tasks_.size();
        DiagnosticsSummary result;
        result.steps = steps_;
        result.cosines = result.conflicts = result.affinities = Matrix{count, count};
        Mean conflicts;
        for (std::size_t i = 0; i < count; ++i) {
            result.losses.push_back(losses_[i].value());
            result.weights.push_back(weights_[i].value());
            result.norms.push_back(norms_[i].value());
            for (std::size_t j = 0; j < count; ++j) {
                result.cosines(i, j) = cosines_[i * count + j].value();
                result.conflicts(i, j) = conflicts_[i * count + j].value();
                result.affinities(i, j) = affinities_[i * count + j].value();
                if (i < j)
                    conflicts.add(conflicts_[i * count + j]);
            }
        }
        result.conflict_rate = conflicts.value();
        return result;
    }

    /// Forgets all steps, as at the begin of an epoch.
    void reset() {
        const std::size_t count = tasks_.size();
        steps_ = 0;
        losses_.assign(count, {});
        weights_.assign(count, {});
        norms_.assign(count, {});
        cosines_.assign(count * count, {});
        conflicts_.assign(count * count, {});
        affinities_.assign(count * count, {});
    }

private:
    struct Mean {
        double sum = 0;
        double count = 0;

        void add(double value) noexcept {
            sum += value;
            ++count;
        }
        void add(const Mean& other) noexcept {
            sum += other.sum;
            count += other.count;
        }
        [[nodiscard]] double value() const noexcept { return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN(); }
    };

    template <class Scalar>
    void require_tasks(const MultiTaskLossValue<Scalar>& loss) const {
        std::size_t i = 0;
        for (const auto& [task, value] : loss.tasks()) {
            require<StateError>(i < tasks_.size() && task == tasks_[i], "Diagnostics", "expected losses of the tasks ", listed(), ", got ",
                                loss.tasks().names());
            ++i;
        }
        require<StateError>(i == tasks_.size(), "Diagnostics", "expected losses of the tasks ", listed(), ", got ", loss.tasks().names());
    }
    [[nodiscard]] std::string listed() const {
        std::string result;
        for (const auto& task : tasks_)
            result += (result.empty() ? "'" : ", '") + task + "'";
        return result;
    }

    void add_pair(std::size_t i, std::size_t j, const Matrix& gramian, double loss_of_j) {
        const std::size_t pair = i * tasks_.size() + j;
        const double length = std::sqrt(gramian(i, i)) * std::sqrt(gramian(j, j));
        if (length > 0)
            cosines_[pair].add(gramian(i, j) / length);
        conflicts_[pair].add(gramian(i, j) < 0 ? 1 : 0);
        if (loss_of_j > 0)
            affinities_[pair].add(gramian(i, j) / loss_of_j);
    }

    std::vector<std::string> tasks_;
    std::size_t steps_ = 0;
    PoolVector<Mean> losses_, weights_, norms_;               // of each task
    PoolVector<Mean> cosines_, conflicts_, affinities_;  // of each pair
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
