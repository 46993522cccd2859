// SPDX-License-Identifier: MIT
/// @file CR-MOGM: any weighting with weights averaged over the steps.
#pragma once

#include <espalier/mtl/balancing/cross_gramian.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <concepts>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `CRMOGM`.
struct CRMOGMOptions {
    double alpha = 0.9;  ///< part of the weights before that stays: 0 leaves the inner rule as it is, 1 its first weights
};

/// Stochastic multi-objective gradient manipulation (Zhou et al., "On the Convergence of Stochastic Multi-Objective Gradient
/// Manipulation and Beyond", NeurIPS 2022) around any weighting: `CRMOGM{MGDA{}, {.alpha = 0.9}}`.
/// w <- alpha w + (1 - alpha) what the inner rule says; a task begins with what that says in its first step. The paper lets alpha rise
/// to 1 as the learning rate falls.
///
/// Cost, heads, features and what is refused: as the inner rule's. State: that one's, and a weight for each task.
template <class Inner>
class CRMOGM {
public:
    explicit CRMOGM(Inner inner = Inner{}, CRMOGMOptions options = {}) : inner_{std::move(inner)}, options_{options} {
        require<ValueError>(options.alpha >= 0 && options.alpha <= 1, "CRMOGM", "expected alpha in [0, 1], got ", options.alpha);
    }

    void start(std::size_t tasks) {
        weights_ = seen_ = Tensor<double>{Shape{static_cast<Index>(tasks)}};
        if constexpr (requires { inner_.start(tasks); })
            inner_.start(tasks);
    }

    template <class Evidence>
        requires(std::same_as<Evidence, Gramian> || std::same_as<Evidence, CrossGramian>) && std::invocable<Inner&, const Evidence&>
    [[nodiscard]] Weights operator()(const Evidence& evidence) {
        const StepContext& context = evidence.context();
        detail::check_started("CRMOGM", weights_, context);
        const auto returned = inner_(evidence);
        const std::span<const double> fresh = returned;
        require<ShapeError>(fresh.size() == context.tasks.size(), "CRMOGM", "expected ", context.tasks.size(),
                            " weights from the inner rule, got ", fresh.size());
        Weights weights(fresh.begin(), fresh.end());
        for (std::size_t t = 0; t < weights.size(); ++t) {
            const auto task = static_cast<Index>(context.tasks[t]);
            if (seen_[task] != 0)
                weights[t] = options_.alpha * weights_[task] + (1 - options_.alpha) * weights[t];
            weights_[task] = weights[t];
            seen_[task] = 1;
        }
        return weights;
    }

    void after_step(std::span<const double> losses)
        requires requires(Inner& rule) { rule.after_step(losses); }
    {
        inner_.after_step(losses);
    }
    void end_epoch()
        requires requires(Inner& rule) { rule.end_epoch(); }
    {
        inner_.end_epoch();
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("weights", weights_);
        visitor("seen", seen_);
        if constexpr (requires { inner_.visit(visitor); })
            visitor("inner", inner_);
    }

private:
    Inner inner_;
    CRMOGMOptions options_;
    Tensor<double> weights_;
    Tensor<double> seen_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
