// SPDX-License-Identifier: MIT
/// @file ExcessMTL: a task weighs the more, the farther it seems to be from its optimum.
#pragma once

#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `ExcessMTL`.
struct ExcessMTLOptions {
    double step = 0.01;         ///< of the weights: LibMTL's default; TorchJD's is 1
    Index warmup = 1;           ///< first steps of a task whose mean excess its later ones are compared with; 0: as LibMTL and TorchJD,
                       ///< where the first step's excess is used as it is and then is what later ones are compared with
    bool sum_to_tasks = false;  ///< the weights sum to T as in LibMTL, not to 1 as in the paper and TorchJD
};

/// Excess risks (He et al., "Robust Multi-Task Learning with Excess Risks", ICML 2024, arXiv 2402.02009). S_i sums the squares of g_i
/// over the steps; the excess is e_i = sum of g_i^2 / sqrt(S_i + 1e-7), r_i = e_i / (its mean in the warm-up + 1e-7),
/// w_i <- w_i exp(step r_i), divided by their sum; d = sum of w_i g_i. In the warm-up w stays as it is.
///
/// Cost: a traversal for T cotangents, the Jacobian, and two passes over it. Heads get their own gradients. Not on features, whose
/// number changes with the batch. State: T x P, and for each task the logarithm of its weight, the warm-up's sum, and its steps; tasks
/// that are not active keep their share of the weights. @throws StateError if P changes
template <class Scalar = float>
class ExcessMTL {
public:
    explicit ExcessMTL(ExcessMTLOptions options = {}) : options_{options} {
        require<ValueError>(options.step > 0, "ExcessMTL", "expected a step above 0, got ", options.step);
        require<ValueError>(options.warmup >= 0, "ExcessMTL", "expected a warm-up of at least 0 steps, got ", options.warmup);
    }

    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) {
        const StepContext& context = jacobian.context();
        const Index columns = jacobian.columns();
        auto result = Tensor<Scalar>::empty(Shape{columns});
        detail::size_rows("ExcessMTL", squares_, jacobian);
        detail::size_numbers("ExcessMTL", logs_, context);
        detail::size_numbers("ExcessMTL", baselines_, context);
        detail::size_numbers("ExcessMTL", steps_, context);

        const auto gradients = detail::rows_of(jacobian.matrix());
        const auto squares = detail::rows_of(squares_, context);
        const Weights excess = detail::sums_over_columns(
            squares.size(), columns, squares.size(), [&](Index begin, Index end, double* sums) {
                for (std::size_t t = 0; t < squares.size(); ++t)
                    detail::for_each_strip(begin, end, [&, s = squares[t], row = gradients[t]](Index from, Index to) {
                        std::array<Scalar, detail::strip_columns> parts;
                        kernels::vector_loop(from, to, [=, part = parts.data()](Index p) {
                            const Scalar square = row[p] * row[p];
                            s[p] += square;
                            part[p - from] = square / std::sqrt(s[p] + Scalar(1e-7));
                        });
                        sums[t] += solvers::lane_sum(static_cast<std::size_t>(to - from),
                                                     [part = parts.data()](std::size_t k) { return static_cast<double>(part[k]); });
                    });
            });
        Weights weights = weigh(excess, context);
        if (options_.sum_to_tasks)
            for (double& weight : weights)
                weight *= static_cast<double>(weights.size());
        detail::combine_into(result, gradients, weights, 0, columns);
        return result;
    }

    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("squares", squares_);
        visitor("logs", logs_);
        visitor("baselines", baselines_);
        visitor("steps", steps_);
    }

private:
    /// The weights after this step, which sum to 1; their logarithms are kept, as none of these becomes 0.
    [[nodiscard]] Weights weigh(const Weights& excess, const StepContext& context) {
        Weights logs(excess.size());
        for (std::size_t t = 0; t < logs.size(); ++t)
            logs[t] = logs_[static_cast<Index>(context.tasks[t])];
        const double before = log_of_sum(logs);
        for (std::size_t t = 0; t < logs.size(); ++t) {
            const auto task = static_cast<Index>(context.tasks[t]);
            const auto seen = static_cast<Index>(steps_[task]++);
            const bool raw = options_.warmup == 0 && seen == 0;
            if (seen < options_.warmup)
                baselines_[task] += excess[t] / static_cast<double>(options_.warmup);
            else
                logs[t] += options_.step * (raw ? excess[t] : excess[t] / (baselines_[task] + 1e-7));
            if (raw)
                baselines_[task] = excess[t];
        }
        const double after = log_of_sum(logs);
        for (std::size_t t = 0; t < logs.size(); ++t) {
            logs_[static_cast<Index>(context.tasks[t])] = logs[t] - after + before;
            logs[t] = std::exp(logs[t] - after);
        }
        return logs;
    }

    [[nodiscard]] static double log_of_sum(const Weights& logs) {
        const double largest = *std::max_element(logs.begin(), logs.end());
        double sum = 0;
        for (const double log : logs)
            sum += std::exp(log - largest);
        return largest + std::log(sum);
    }

    ExcessMTLOptions options_;
    Tensor<Scalar> squares_;
    Tensor<double> logs_;
    Tensor<double> baselines_;
    Tensor<double> steps_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
