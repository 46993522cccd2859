// SPDX-License-Identifier: MIT
/// @file PE-LTR: the shortest combination of the gradients in which each task has at least its part.
#pragma once

#include <espalier/mtl/balancing/solvers/min_norm.hpp>

#include <numeric>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `PELTR`.
struct PELTROptions {
    std::vector<double> lowest = {};  ///< weight of each task, at least, together at most 1; none: 0, which is MGDA
};

/// Pareto-efficient learning to rank (Lin et al., "A Pareto-Efficient Algorithm for Multiple Objective Optimization in E-Commerce
/// Recommendation", RecSys 2019): min |sum of w_i g_i|^2 with w >= lowest and sum w = 1. The paper solves it without w >= lowest and
/// then brings the weights into bounds by least squares; here the whole problem is solved exactly.
///
/// Cost: a traversal for T cotangents, then T x T. Heads get their own gradients. May act on features. No state. A task that is not
/// active takes its part with it. @throws ValueError for bounds below 0, of a sum above 1, or not one for each task
class PELTR {
public:
    explicit PELTR(PELTROptions options = {}) : options_{std::move(options)} {
        for (const double bound : options_.lowest)
            require<ValueError>(bound >= 0, "PELTR", "expected weights of at least 0, got ", bound);
        const double sum = std::accumulate(options_.lowest.begin(), options_.lowest.end(), 0.0);
        require<ValueError>(sum <= 1 + 1e-12, "PELTR", "expected lowest weights that together are at most 1, got ", sum);
    }

    void start(std::size_t tasks) const {
        require<ValueError>(options_.lowest.empty() || options_.lowest.size() == tasks, "PELTR", "expected a lowest weight for each of ",
                            tasks, " tasks, got ", options_.lowest.size());
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        start(gramian.context().task_count);
        if (options_.lowest.empty())
            return solvers::min_norm_weights(gramian.matrix());
        Weights lowest(gramian.size());
        for (std::size_t t = 0; t < lowest.size(); ++t)
            lowest[t] = options_.lowest[gramian.context().tasks[t]];
        return solvers::min_norm_weights(gramian.matrix(), lowest);
    }

private:
    PELTROptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
