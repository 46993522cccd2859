// SPDX-License-Identifier: MIT
/// @file Weights from each loss's ratio to what it was before.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `LBTW`.
struct LBTWOptions {
    double alpha = 0.5;  ///< at least 0; the larger, the more do tasks count that learn slowly
};

/// Loss-balanced task weighting: Liu, Liang and Gitter, "Loss-Balanced Task Weighting to Reduce Negative Transfer in Multi-Task
/// Learning", AAAI 2019. `sum w_i L_i` with the constants w_i = (L_i / F_i)^alpha, F_i the task's loss in the first batch of the epoch
/// that has the task. `end_epoch()` ends an epoch. Costs one traversal; heads get the same weights; the state is F.
/// Refuses losses that are not above 0.
class LBTW {
public:
    LBTW() = default;
    /// @throws ValueError for a negative alpha
    explicit LBTW(const LBTWOptions& options) : alpha_{options.alpha} {
        require<ValueError>(alpha_ >= 0 && is_finite(alpha_), "LBTW", "expected a finite alpha of at least 0, got ", alpha_);
    }

    void start(std::size_t tasks) { firsts_ = Tensor<double>{Shape{static_cast<Index>(tasks)}}; }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        const StepContext& context = losses.context();
        detail::require_started("LBTW", firsts_, context);
        detail::require_positive("LBTW", context);
        Weights weights(losses.size());
        for (std::size_t i = 0; i < losses.size(); ++i) {
            double& first = detail::of_task(firsts_, context.tasks[i]);
            if (first == 0)
                first = context.losses[i];
            weights[i] = std::pow(context.losses[i] / first, alpha_);
        }
        return weighted(losses, weights);
    }
    void end_epoch() { firsts_.fill(0); }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("firsts", firsts_);
    }

private:
    double alpha_ = 0.5;
    Tensor<double> firsts_;  ///< 0 before the first batch
};

/// Coefficient-of-variation weighting: Groenendijk et al., "Multi-Loss Weighting with Coefficient of Variations", WACV 2021,
/// arXiv 2009.01717. `sum w_i L_i` with the constants w_i in proportion to the standard deviation by the mean of L_i / (mean of L_i
/// before), over all steps before; their sum is 1. Equal weights until each active task was seen twice. The 1e-8 that the authors'
/// program adds to the variance is kept. Costs one traversal; heads get the same weights; the state is four numbers a task.
/// Refuses losses below 0. (The form with a decaying mean is left out.)
class CoVWeighting {
public:
    void start(std::size_t tasks) {
        counts_ = Tensor<double>{Shape{static_cast<Index>(tasks)}};
        losses_ = ratios_ = squares_ = counts_;
    }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        const StepContext& context = losses.context();
        detail::require_started("CoVWeighting", counts_, context);
        detail::require_not_negative("CoVWeighting", context);
        auto total = weighted(losses, weights(context));
        for (std::size_t i = 0; i < losses.size(); ++i)
            add(context.tasks[i], context.losses[i]);
        return total;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("counts", counts_);
        v("losses", losses_);
        v("ratios", ratios_);
        v("squares", squares_);
    }

private:
    [[nodiscard]] Weights weights(const StepContext& context) const {
        Weights result(context.tasks.size(), 1.0);
        double total = 0;
        bool known = true;
        for (std::size_t i = 0; i < result.size(); ++i) {
            const std::size_t task = context.tasks[i];
            const double count = detail::of_task(counts_, task);
            known = known && count >= 2;
            if (known)
                total += result[i] = std::sqrt(detail::of_task(squares_, task) / count + 1e-8) / detail::of_task(ratios_, task);
        }
        if (!known) {
            result.assign(result.size(), 1.0);
            total = static_cast<double>(result.size());
        }
        for (double& weight : result)
            weight /= total;
        return result;
    }

    /// Welford's running mean and sum of squares.
    void add(std::size_t task, double loss) {
        const double count = detail::of_task(counts_, task) += 1;
        double& mean_loss = detail::of_task(losses_, task);
        double& mean_ratio = detail::of_task(ratios_, task);
        const double ratio = mean_loss > 0 ? loss / mean_loss : 1;  // of a mean of nothing, or of zeros
        const double before = mean_ratio;
        mean_ratio += (ratio - mean_ratio) / count;
        detail::of_task(squares_, task) += (ratio - before) * (ratio - mean_ratio);
        mean_loss += (loss - mean_loss) / count;
    }

    Tensor<double> counts_;
    Tensor<double> losses_;   ///< their means
    Tensor<double> ratios_;   ///< the means of L / (mean of L before)
    Tensor<double> squares_;  ///< sums of the squared distances of these from their mean
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
