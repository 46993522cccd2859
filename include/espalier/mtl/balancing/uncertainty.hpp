// SPDX-License-Identifier: MIT
/// @file Weights from the uncertainty of each task: learned, or the best that could be learned.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>
#include <espalier/nn/parameter.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What a task's loss is the negative logarithm of, up to a factor and a constant.
enum class Likelihood {
    regression,      ///< a normal distribution of variance e^s: `e^-s L / 2 + s / 2`
    classification,  ///< a softmax of logits divided by e^s: `e^-s L + s / 2`
};

/// Settings of `UncertaintyWeighting`.
struct UncertaintyOptions {
    double init = 0;                      ///< log-variance of every task at the start; LibMTL's is -0.5
    std::vector<Likelihood> likelihoods = {};  ///< of each task, of all tasks if it has one entry; regression if it is empty
};

namespace detail {

/// A Parameter for a logarithm of each task's scale.
template <class Scalar>
[[nodiscard]] nn::Parameter<Scalar> log_scales(std::size_t tasks, double init) {
    return nn::Parameter<Scalar>{Tensor<Scalar>::full(Shape{static_cast<Index>(tasks)}, static_cast<Scalar>(init))};
}

/// `sum over i of a_i e^(sign s_i) L_i - b_i sign s_i` of the active tasks, with a = `factor(task)` and b = `slope`.
template <class Scalar, class Factor>
[[nodiscard]] Variable<Scalar> scaled_by_learned(const char* rule, const Losses<Scalar>& losses, const nn::Parameter<Scalar>& logs,
                                                 double sign, double slope, const Factor& factor) {
    const StepContext& context = losses.context();
    require_started(rule, static_cast<std::size_t>(logs.value().numel()), context);
    const std::size_t count = losses.size();
    PoolVector<Variable<Scalar>> inputs(losses.variables().begin(), losses.variables().end());
    inputs.push_back(logs.variable());
    Weights derivatives(count + context.task_count, 0.0);
    double value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t task = context.tasks[i];
        const double s = sign * static_cast<double>(logs.value()[static_cast<Index>(task)]);
        const double weight = factor(task) * std::exp(s);
        value += weight * context.losses[i] - slope * s;
        derivatives[i] = weight;
        derivatives[count + task] = sign * (weight * context.losses[i] - slope);
    }
    return scalarize<Scalar>(rule, inputs, value, std::move(derivatives));
}

}  // namespace detail

/// UW, learned uncertainties: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry
/// and Semantics", CVPR 2018, arXiv 1705.07115. `sum e^-s_i L_i / 2 + s_i / 2` with a log-variance s_i for each task, which the
/// optimizer learns with the model; `likelihoods` has the paper's other form for classification. Costs one traversal and T numbers;
/// heads get the same weights. The state is the parameter, (T,) for all tasks: that of a masked task gets a gradient of 0.
/// It refuses nothing, though a loss that stays below 0 drives its s to minus infinity.
template <class Scalar = float>
class UncertaintyWeighting {
public:
    UncertaintyWeighting() : UncertaintyWeighting{UncertaintyOptions{}} {}
    /// @throws ValueError for an init that is not finite
    explicit UncertaintyWeighting(UncertaintyOptions options) : options_{std::move(options)} {
        require<ValueError>(is_finite(options_.init), "UncertaintyWeighting", "expected a finite init, got ", options_.init);
    }

    /// @throws ShapeError for another number of likelihoods than one, none or one for each task
    void start(std::size_t tasks) {
        const std::size_t given = options_.likelihoods.size();
        require<ShapeError>(given <= 1 || given == tasks, "UncertaintyWeighting", "expected ", tasks,
                            " likelihoods, one for each task, got ", given);
        log_variances_ = detail::log_scales<Scalar>(tasks, options_.init);
    }
    [[nodiscard]] const nn::Parameter<Scalar>& log_variances() const& noexcept { return log_variances_; }

    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        return detail::scaled_by_learned("UncertaintyWeighting", losses, log_variances_, -1, 0.5, [this](std::size_t task) {
            const auto& given = options_.likelihoods;
            const bool regression = given.empty() || given[given.size() == 1 ? 0 : task] == Likelihood::regression;
            return regression ? 0.5 : 1.0;
        });
    }
    void visit(RuleVisitor<Scalar>& v) { v("log_variances", log_variances_); }

private:
    UncertaintyOptions options_;
    nn::Parameter<Scalar> log_variances_;
};

/// IMTL-L, the loss part of "Towards Impartial Multi-task Learning" (Liu et al., ICLR 2021): `sum e^s_i L_i - s_i` with a learned
/// s_i for each task, 0 at the start; at its minimum in s every weighted loss is 1. It is twice `UncertaintyWeighting` with -s.
/// Costs, state, heads and what is refused are the same.
template <class Scalar = float>
class IMTLL {
public:
    void start(std::size_t tasks) { log_scales_ = detail::log_scales<Scalar>(tasks, 0); }
    [[nodiscard]] const nn::Parameter<Scalar>& log_scales() const& noexcept { return log_scales_; }

    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        return detail::scaled_by_learned("IMTLL", losses, log_scales_, 1, 1, [](std::size_t) { return 1.0; });
    }
    void visit(RuleVisitor<Scalar>& v) { v("log_scales", log_scales_); }

private:
    nn::Parameter<Scalar> log_scales_;
};

/// UW-O, the uncertainties of `UncertaintyWeighting` at their optimum instead of learned: Kirchdorfer et al., "Analytical
/// Uncertainty-Based Loss Weighting in Multi-Task Learning", GCPR 2024, arXiv 2408.07985. `sum w_i L_i` with w_i = 1 / L_i, a
/// constant: the value is always T, the gradient that of `ScaleInvariant`. Costs one traversal; heads get the same weights; no state.
/// Refuses losses that are not above 0.
struct OptimalUncertaintyWeighting {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        detail::require_positive("OptimalUncertaintyWeighting", losses.context());
        Weights weights(losses.values().begin(), losses.values().end());
        for (double& weight : weights)
            weight = 1 / weight;
        return weighted(losses, weights);
    }
};

/// Settings of `SoftOptimalUncertaintyWeighting`.
struct SoftOptimalUncertaintyOptions {
    double temperature = 1;  ///< above 0; the higher, the more equal the weights. The paper tunes it for each data set
};

/// UW-SO, of the same paper: `sum w_i L_i` with the weights softmax((1 / L_i) / temperature), constants whose sum is 1, so that none
/// of them explodes where a loss vanishes. Costs one traversal; heads get the same weights; no state.
/// Refuses losses that are not above 0.
class SoftOptimalUncertaintyWeighting {
public:
    SoftOptimalUncertaintyWeighting() = default;
    /// @throws ValueError for a temperature that is not above 0
    explicit SoftOptimalUncertaintyWeighting(const SoftOptimalUncertaintyOptions& options) : temperature_{options.temperature} {
        require<ValueError>(temperature_ > 0 && is_finite(temperature_), "SoftOptimalUncertaintyWeighting",
                            "expected a finite temperature above 0, got ", temperature_);
    }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        detail::require_positive("SoftOptimalUncertaintyWeighting", losses.context());
        Weights weights(losses.values().begin(), losses.values().end());
        for (double& weight : weights)  // between losses beyond all scales no exponent may be infinite
            weight = std::min(1 / weight / temperature_, std::numeric_limits<double>::max());
        detail::to_softmax(weights);
        return weighted(losses, weights);
    }

private:
    double temperature_ = 1;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
