// SPDX-License-Identifier: MIT
/// @file SDMGrad: a common direction near that of the mean, from independent batches.
#pragma once

#include <espalier/mtl/balancing/cross_gramian.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/solvers/simplex.hpp>
#include <espalier/mtl/balancing/state.hpp>
#include <espalier/mtl/balancing/task_preferences.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `SDMGrad`.
struct SDMGradOptions {
    double lambda = 0.3;             ///< how strongly the direction is pulled to the preferred one
    double step = 10;                ///< of the inner descent
    double momentum = 0.5;           ///< of it, in [0, 1)
    Index iterations = 20;           ///< of it, at each step
    TaskPreferences preference = {};  ///< of the tasks, with a sum of 1; none: the mean
};

/// Direction-oriented multi-objective learning (Xiao et al., "Direction-oriented Multi-objective Learning: Simple and Provable Stochastic
/// Algorithms", NeurIPS 2023, arXiv 2305.18409). `iterations` steps of projected descent on the simplex, from where the last training
/// step ended, along A (w + lambda p) with A = J1 J2^T divided by the square of its mean length, mean sqrt(max(A_ii, 0)); then
/// d = (J3^T w + lambda J3^T p) / (1 + lambda). Where the authors' program and TorchJD divide by that square + 1e-8, the scale of the
/// gradients is nothing to this one.
///
/// Cost: a traversal for T cotangents of each of two batches, and one of a third. Heads get their own gradients. State: T weights; tasks
/// that are not active keep their share. @throws ValueError for settings out of range; ShapeError unless
/// there is a preference for each task
class SDMGrad {
public:
    explicit SDMGrad(SDMGradOptions options = {}) : options_{std::move(options)} {
        require<ValueError>(options_.lambda >= 0, "SDMGrad", "expected lambda of at least 0, got ", options_.lambda);
        require<ValueError>(options_.step > 0, "SDMGrad", "expected a step above 0, got ", options_.step);
        require<ValueError>(options_.momentum >= 0 && options_.momentum < 1, "SDMGrad", "expected a momentum in [0, 1), got ",
                            options_.momentum);
        require<ValueError>(options_.iterations > 0, "SDMGrad", "expected at least 1 iteration, got ", options_.iterations);
        detail::check_preference(options_.preference, "SDMGrad");
    }

    void start(std::size_t tasks) { weights_ = detail::equal_shares(tasks); }

    [[nodiscard]] Weights operator()(const CrossGramian& products) {
        const StepContext& context = products.context();
        detail::check_started("SDMGrad", weights_, context);
        const Weights preference = detail::preference_of(options_.preference, context, "SDMGrad");
        const std::size_t tasks = products.size();
        detail::ActiveShare active{weights_, context};
        double length = 0, largest = 0;
        for (std::size_t i = 0; i < tasks; ++i) {
            length += std::sqrt(std::max(products(i, i), 0.0)) / static_cast<double>(tasks);
            for (std::size_t j = 0; j < tasks; ++j)
                largest = std::max(largest, std::abs(products(i, j)));
        }
        if (largest > 0)  // the diagonal of two unlike batches may be 0 or negative
            descend(products, 1 / std::max(length * length, 1e-12 * largest), preference, active.weights);
        active.put_back(weights_, context);
        for (std::size_t t = 0; t < tasks; ++t)
            active.weights[t] = (active.weights[t] + options_.lambda * preference[t]) / (1 + options_.lambda);
        return std::move(active.weights);
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("weights", weights_);
    }

private:
    void descend(const CrossGramian& products, double scale, const Weights& preference, Weights& weights) const {
        Weights velocity(weights.size(), 0.0);
        for (Index k = 0; k < options_.iterations; ++k) {
            for (std::size_t i = 0; i < weights.size(); ++i) {
                double slope = 0;
                for (std::size_t j = 0; j < weights.size(); ++j)
                    slope += scale * products(i, j) * (weights[j] + options_.lambda * preference[j]);
                velocity[i] = options_.momentum * velocity[i] + slope;
            }
            for (std::size_t i = 0; i < weights.size(); ++i)
                weights[i] -= options_.step * velocity[i];
            weights = solvers::project_on_simplex(weights);
        }
    }

    SDMGradOptions options_;
    Tensor<double> weights_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
