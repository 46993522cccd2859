// SPDX-License-Identifier: MIT
/// @file PCD: the gradient of one task that matters most, held to some progress of the others.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/solvers/non_negative.hpp>
#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `PCD`.
struct PCDOptions {
    std::size_t primary = 0;  ///< which of the criterion's tasks matters most
    double tau = 0.02;        ///< of the progress that a step along a secondary task's own gradient would make
    double beta = 0.999;      ///< decay of the average squared lengths
    double eps = 1e-8;
};

/// Priority-Constrained Descent, "Not All Objectives Are Born Equal" (TMLR 2026, arXiv:2606.29521).
///
/// With h_i = g_i / sqrt(v_i + eps), v_i the running average of |g_i|^2 without its bias, and g_1 the primary task's:
/// d = argmin |d - h_1|^2 with h_j d >= tau |h_j|^2 for all others j, then made as long as g_1. An active set on the dual program,
/// exact; the authors try all sets. Where no d fulfils the constraints it is g_1, and 0 where g_1 is 0 or not in the step.
/// One traversal with T cotangents and one for the update; state: T averages and how many steps each has seen. Heads get their own
/// task's gradient. May act `on_features`. Refuses tau outside [0, 1], beta outside [0, 1), a negative eps, a primary that is no
/// task, and a step without `start`.
class PCD {
public:
    explicit PCD(PCDOptions options = {}) : options_{options} {
        require<ValueError>(options_.tau >= 0 && options_.tau <= 1, "PCD", "expected tau within [0, 1], got ", options_.tau);
        require<ValueError>(options_.beta >= 0 && options_.beta < 1, "PCD", "expected beta within [0, 1), got ", options_.beta);
        require<ValueError>(options_.eps >= 0 && is_finite(options_.eps), "PCD", "expected eps of at least 0, got ", options_.eps);
    }

    /// @throws ValueError unless there is a primary task
    void start(std::size_t tasks) {
        require<ValueError>(options_.primary < tasks, "PCD", "expected a primary task below ", tasks, ", got ", options_.primary);
        squares_ = Tensor<double>{{static_cast<Index>(tasks)}};
        steps_ = squares_;
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) {
        const auto& context = gramian.context();
        require<StateError>(std::cmp_equal(squares_.numel(), context.task_count), "PCD", "expected ", context.task_count,
                            " tasks as at the start, got state ", squares_.shape());
        const std::size_t n = gramian.size();
        const Weights scales = update(gramian);
        Weights weights(n, 0.0);
        const auto found = std::find(context.tasks.begin(), context.tasks.end(), options_.primary);
        const auto primary = static_cast<std::size_t>(found - context.tasks.begin());
        if (found == context.tasks.end() || gramian.norm(primary) == 0)
            return weights;
        if (!constrained(gramian, scales, primary, weights))
            std::fill(weights.begin(), weights.end(), 0.0);
        weights[primary] = 1;
        double magnitude = 0;
        for (std::size_t i = 0; i < n; ++i) {
            weights[i] *= scales[i];
            magnitude += weights[i] * gramian.norm(i);
        }
        const double length = std::sqrt(solvers::squared_length(gramian.matrix(), weights));
        const double times = length > 1e-7 * magnitude ? gramian.norm(primary) / length : 0.0;  // else 0 but for rounding
        for (double& weight : weights)
            weight *= times;
        return weights;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("squares", squares_);
        visitor("steps", steps_);
    }

private:
    /// Takes the squared lengths into the averages; returns what normalizes each gradient.
    [[nodiscard]] Weights update(const Gramian& gramian) {
        Weights scales(gramian.size());
        for (std::size_t i = 0; i < scales.size(); ++i) {
            const auto task = static_cast<Index>(gramian.context().tasks[i]);
            squares_[task] = options_.beta * squares_[task] + (1 - options_.beta) * std::max(gramian(i, i), 0.0);
            steps_[task] += 1;
            const double root = std::sqrt(squares_[task] / (1 - std::pow(options_.beta, steps_[task])) + options_.eps);
            scales[i] = root > 0 ? 1 / root : 0.0;
        }
        return scales;
    }

    /// How much of each h_j is to be added to h_1, the multipliers of the constraints; false if these cannot be fulfilled.
    [[nodiscard]] bool constrained(const Gramian& gramian, const Weights& scales, std::size_t primary, Weights& weights) const {
        const std::size_t n = gramian.size();
        solvers::UnitRows rows{gramian.matrix()};
        Weights lacks(n, 0.0);
        for (std::size_t j = 0; j < n; ++j)
            if (j != primary && rows.norms[j] > 0)
                lacks[j] = options_.tau * scales[j] * rows.norms[j] - scales[primary] * rows.norms[primary] * rows.cosines(primary, j);
        for (std::size_t j = 0; j < n; ++j)
            rows.cosines(primary, j) = rows.cosines(j, primary) = 0;
        const bool feasible = solvers::NonNegativeProgram{rows.cosines}.solve(lacks, weights);
        for (std::size_t j = 0; j < n; ++j)
            if (weights[j] > 0)
                weights[j] /= scales[j] * rows.norms[j];
        return feasible;
    }

    PCDOptions options_;
    Tensor<double> squares_;
    Tensor<double> steps_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
