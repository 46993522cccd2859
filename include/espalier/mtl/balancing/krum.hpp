// SPDX-License-Identifier: MIT
/// @file Krum: the gradients that have the others around them.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `Krum`.
struct KrumOptions {
    std::size_t byzantine = 1;  ///< tasks of which nothing good is expected
    std::size_t selected = 1;   ///< tasks of which the mean is taken
    bool squared = true;        ///< distances, as in the paper; else as they are, as in TorchJD
};

/// Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent" (NIPS 2017), with Multi-Krum.
///
/// A gradient's score is the sum of the squared distances |g_i - g_j|^2 = G_ii + G_jj - 2 G_ij to the T - byzantine - 2 nearest
/// others, and the mean of the `selected` gradients of least score is taken. In a step with fewer tasks one other at least counts.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient. May act `on_features`.
/// Refuses no selected task, and at the start fewer tasks than byzantine + 3 or than selected.
class Krum {
public:
    explicit Krum(KrumOptions options = {}) : options_{options} {
        require<ValueError>(options_.selected >= 1, "Krum", "expected at least one selected task, got 0");
    }

    /// @throws ValueError for too few tasks
    void start(std::size_t tasks) const {
        const std::size_t fewest = std::max(options_.byzantine + 3, options_.selected);
        require<ValueError>(tasks >= fewest, "Krum", "expected at least ", fewest, " tasks, got ", tasks);
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        const std::size_t n = gramian.size();
        const std::size_t selected = std::min(options_.selected, n);
        const Weights scores = score(gramian);
        PoolVector<std::size_t> order(n);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::sort(order.begin(), order.end(),
                  [&](std::size_t i, std::size_t j) { return scores[i] != scores[j] ? scores[i] < scores[j] : i < j; });
        Weights weights(n, 0.0);
        for (std::size_t k = 0; k < selected; ++k)
            weights[order[k]] = 1 / static_cast<double>(selected);
        return weights;
    }

private:
    [[nodiscard]] Weights score(const Gramian& gramian) const {
        const std::size_t n = gramian.size();
        const std::size_t nearest = std::min(n - 1, n > options_.byzantine + 3 ? n - options_.byzantine - 2 : 1);
        Weights scores(n);
        Weights distances(n);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                const double square = std::max(gramian(i, i) + gramian(j, j) - 2 * gramian(i, j), 0.0);
                distances[j] = options_.squared ? square : std::sqrt(square);
            }
            std::swap(distances[i], distances.back());
            std::sort(distances.begin(), distances.end() - 1);
            scores[i] = std::accumulate(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(nearest), 0.0);
        }
        return scores;
    }

    KrumOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
