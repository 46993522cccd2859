// SPDX-License-Identifier: MIT
/// @file Numbers by which methods that train the same tasks are compared: their results against single-task baselines, and ranks.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// One metric of one task: what a method reached, and what a net of that task alone did.
struct MetricResult {
    double value = 0;
    double baseline = 0;  ///< not 0
    bool higher_is_better = true;
    double weight = 1;  ///< in the mean: 1 / (metrics of its task) if every task is to count the same
};

/// Δm as Nash-MTL, FAMO and their successors print it, after Maninis et al. (CVPR 2019): the mean over all metrics of how much worse
/// the method is than the baselines, in percent of these. LOWER IS BETTER, below 0 it beats them.
/// @throws ShapeError for no metric; ValueError for a baseline of 0, a weight that is not above 0, or what is not finite
[[nodiscard]] inline double delta_m_drop(std::span<const MetricResult> metrics) {
    require<ShapeError>(!metrics.empty(), "delta_m", "expected at least one metric, got none");
    double sum = 0;
    double weights = 0;
    for (std::size_t k = 0; k < metrics.size(); ++k) {
        const auto& [value, baseline, higher_is_better, weight] = metrics[k];
        require<ValueError>(is_finite(value) && is_finite(baseline) && baseline != 0, "delta_m",
                            "expected finite metrics with baselines other than 0, got ", value, " with ", baseline, " at ", k);
        require<ValueError>(is_finite(weight) && weight > 0, "delta_m", "expected finite weights above 0, got ", weight, " at ", k);
        const double change = (value - baseline) / std::abs(baseline);
        sum += weight * (higher_is_better ? -change : change);
        weights += weight;
    }
    return 100 * sum / weights;
}

/// Δm as Vandenhende et al. and LibMTL print it: the mean improvement over the baselines in percent. HIGHER IS BETTER, above 0 it
/// beats them. It is `-delta_m_drop`.
[[nodiscard]] inline double delta_m_improvement(std::span<const MetricResult> metrics) { return -delta_m_drop(metrics); }

/// The mean of each method's ranks over all metrics, 1 being the best; equal results share the mean of their ranks. LOWER IS BETTER.
/// `results` is (methods, metrics), and `higher_is_better` has a flag for each metric.
/// @throws ShapeError unless it has, and there is at least one; ValueError for a result that is not finite
[[nodiscard]] inline std::vector<double> mean_rank(const Tensor<double>& results, const std::vector<bool>& higher_is_better) {
    require<ShapeError>(results.rank() == 2 && results.size(1) > 0 && static_cast<std::size_t>(results.size(1)) == higher_is_better.size(),
                        "mean_rank", "expected results (methods, ", higher_is_better.size(), ") for as many flags, got ", results.shape());
    for (const double result : results)
        require<ValueError>(is_finite(result), "mean_rank", "expected finite results, got ", result);
    const Index methods = results.size(0);
    const Index metrics = results.size(1);
    std::vector<double> ranks(static_cast<std::size_t>(methods));
    for (Index i = 0; i < methods; ++i) {
        double sum = 0;
        for (Index k = 0; k < metrics; ++k)
            for (Index j = 0; j < methods; ++j) {
                const double own = results[i * metrics + k];
                const double other = results[j * metrics + k];
                const bool better = higher_is_better[static_cast<std::size_t>(k)] ? other > own : other < own;
                sum += better ? 1 : other == own ? 0.5 : 0;
            }
        ranks[static_cast<std::size_t>(i)] = sum / static_cast<double>(metrics) + 0.5;  // it is its own equal
    }
    return ranks;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
