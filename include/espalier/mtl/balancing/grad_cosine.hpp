// SPDX-License-Identifier: MIT
/// @file GradCosine: auxiliary gradients count where they point with the main one.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `GradCosine`.
struct GradCosineOptions {
    std::size_t main = 0;   ///< the task that counts, by its place in the criterion
    bool weighted = false;  ///< auxiliary gradients weigh max(cosine, 0), instead of 1 or 0
};

/// Gradient cosine similarity (Du et al., "Adapting Auxiliary Losses Using Gradient Similarity", 2018, arXiv 1812.02224): the main task
/// weighs 1, another one 1 if the cosine of the angle between its gradient and the main one is at least 0, else 0. Without the main
/// task there is nothing to compare with, and all weigh 1.
///
/// Cost: a traversal for T cotangents. Heads get their own gradients, also those of tasks that are dropped. May act on features. No
/// state. @throws ValueError if there is no task `main`
class GradCosine {
public:
    explicit GradCosine(GradCosineOptions options = {}) noexcept : options_{options} {}

    void start(std::size_t tasks) const {
        require<ValueError>(options_.main < tasks, "GradCosine", "expected a main task below ", tasks, ", got ", options_.main);
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        const auto& tasks = gramian.context().tasks;
        start(gramian.context().task_count);
        Weights weights(gramian.size(), 1.0);
        const auto found = std::find(tasks.begin(), tasks.end(), options_.main);
        if (found == tasks.end())
            return weights;
        const auto main = static_cast<std::size_t>(found - tasks.begin());
        for (std::size_t t = 0; t < weights.size(); ++t) {
            const double cosine = gramian.cosine(main, t);
            if (t != main)
                weights[t] = options_.weighted ? std::max(cosine, 0.0) : cosine >= 0 ? 1 : 0;
        }
        return weights;
    }

private:
    GradCosineOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
