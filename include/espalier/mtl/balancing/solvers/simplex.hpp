// SPDX-License-Identifier: MIT
/// @file The nearest point of the simplex.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// The w with w >= 0 and sum `total` that is nearest to `point`: max(point - threshold, 0), the threshold found among the sorted
/// numbers (Held, Wolfe and Crowder 1974).
[[nodiscard]] inline Weights project_on_simplex(std::span<const double> point, double total = 1) {
    Weights sorted(point.begin(), point.end());
    std::sort(sorted.begin(), sorted.end(), std::greater<>{});
    // Beside far numbers `total` would be lost, and so they are measured from the largest on.
    const double origin = !sorted.empty() && std::abs(sorted.front()) > 1e3 * total ? sorted.front() : 0;
    double sum = 0;
    double threshold = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        sum += sorted[i] - origin;
        const double candidate = (sum - total) / static_cast<double>(i + 1);
        if (sorted[i] - origin <= candidate)
            break;
        threshold = candidate;
    }
    for (std::size_t i = 0; i < point.size(); ++i)
        sorted[i] = std::max(point[i] - origin - threshold, 0.0);
    return sorted;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
