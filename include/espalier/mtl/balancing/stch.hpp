// SPDX-License-Identifier: MIT
/// @file The smooth Tchebycheff scalarization: a largest loss that has a gradient in all of them.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `STCH`.
struct STCHOptions {
    double mu = 1;                  ///< above 0; the smaller, the closer to the largest term
    std::vector<double> weights = {};    ///< preference for each of the criterion's tasks; 1 / T for the active ones if it is empty
    std::vector<double> reference = {};  ///< ideal loss of each task; 0 if it is empty
};

/// Smooth Tchebycheff: Lin et al., "Smooth Tchebycheff Scalarization for Multi-Objective Optimization", ICML 2024, arXiv 2402.19078.
/// `mu log(sum exp(w_i (L_i - z_i) / mu))`, which overflows for no losses; the derivatives are w_i times a softmax. With weights that
/// vary it reaches all of the Pareto front, which no sum does. Costs one traversal; heads get the same weights; no state.
/// Refuses no losses. It is not scale-invariant: for losses of different scales see `NadirSTCH`.
class STCH {
public:
    STCH() : STCH{STCHOptions{}} {}
    /// @throws ValueError for a mu that is not above 0, weights below 0, or numbers that are not finite
    explicit STCH(STCHOptions options) : options_{std::move(options)} {
        require<ValueError>(options_.mu > 0 && is_finite(options_.mu), "STCH", "expected a finite mu above 0, got ", options_.mu);
        detail::require_weights("STCH", "weights", options_.weights);
        detail::require_finite("STCH", "references", options_.reference);
    }

    /// @throws ShapeError if weights or references are given, and not one for each task
    void start(std::size_t tasks) const {
        detail::require_one_per_task("STCH", "weights", options_.weights, tasks);
        detail::require_one_per_task("STCH", "references", options_.reference, tasks);
    }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        const StepContext& context = losses.context();
        start(context.task_count);
        Weights weights(losses.size(), 1 / static_cast<double>(losses.size()));
        Weights terms(losses.values().begin(), losses.values().end());
        for (std::size_t i = 0; i < losses.size(); ++i) {
            const std::size_t task = context.tasks[i];
            if (!options_.weights.empty())
                weights[i] = options_.weights[task];
            if (!options_.reference.empty())
                terms[i] -= options_.reference[task];
            terms[i] *= weights[i];
        }
        const double largest = *std::max_element(terms.begin(), terms.end());
        for (double& term : terms)
            term = (term - largest) / options_.mu;  // before the division, which might overflow
        const double value = largest + options_.mu * detail::to_softmax(terms);
        for (std::size_t i = 0; i < losses.size(); ++i)
            terms[i] *= weights[i];
        return scalarize("STCH", losses, value, std::move(terms));
    }

private:
    STCHOptions options_;
};

/// Settings of `NadirSTCH`.
struct NadirSTCHOptions {
    double mu = 1;          ///< above 0
    Index warmup_epochs = 4;  ///< at least 0
};

/// STCH as its authors train networks with it (their program, and LibMTL's "STCH"): after the warm-up epochs, and one more whose mean
/// losses are the nadir n, `T mu log(sum exp(log(L_i / n_i) / mu))`; up to then `sum log L_i`. The derivatives are
/// T softmax(log(L / n) / mu)_i / L_i. Costs one traversal; heads get the same weights; the state is two numbers a task. A task that
/// was masked in all of that epoch takes the first loss that is seen of it for its nadir. Refuses losses that are not above 0.
class NadirSTCH {
public:
    NadirSTCH() = default;
    /// @throws ValueError for a mu that is not above 0, or a negative number of epochs
    explicit NadirSTCH(const NadirSTCHOptions& options) : options_{options} {
        require<ValueError>(options.mu > 0 && is_finite(options.mu), "NadirSTCH", "expected a finite mu above 0, got ", options.mu);
        require<ValueError>(options.warmup_epochs >= 0, "NadirSTCH", "expected at least 0 warm-up epochs, got ", options.warmup_epochs);
    }

    void start(std::size_t tasks) { nadir_.start(tasks); }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        const StepContext& context = losses.context();
        detail::require_started("NadirSTCH", nadir_.size(), context);
        detail::require_positive("NadirSTCH", context);
        if (context.epoch <= options_.warmup_epochs) {
            if (context.epoch == options_.warmup_epochs)
                nadir_.add(context);
            return detail::weighted_logarithms<Scalar>("NadirSTCH", losses, Weights(losses.size(), 1.0));
        }
        nadir_.add_missing(context);
        Weights shares(losses.size());
        for (std::size_t i = 0; i < losses.size(); ++i)
            shares[i] = std::log(context.losses[i] / nadir_[context.tasks[i]]) / options_.mu;
        const auto count = static_cast<double>(losses.size());
        const double value = count * options_.mu * detail::to_softmax(shares);
        for (std::size_t i = 0; i < losses.size(); ++i)
            shares[i] *= count / context.losses[i];
        return scalarize("NadirSTCH", losses, value, std::move(shares));
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("nadir", nadir_);
    }

private:
    NadirSTCHOptions options_;
    LossAverage nadir_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
