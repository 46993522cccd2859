// SPDX-License-Identifier: MIT
/// @file The Gramian of unit rows, which most solvers start from: gradients of tasks may differ in length by any factor.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// G = D C D with D the lengths of the rows and C their cosines. A row of 0 has length 0 and cosines 0.
struct UnitRows {
    explicit UnitRows(const Matrix& gramian) : cosines{gramian}, norms(gramian.rows()) {
        const std::size_t n = gramian.rows();
        for (std::size_t i = 0; i < n; ++i)
            norms[i] = std::sqrt(std::max(gramian(i, i), 0.0));
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j)
                cosines(i, j) = norms[i] > 0 && norms[j] > 0 ? (i == j ? 1.0 : gramian(i, j) / norms[i] / norms[j]) : 0.0;
    }

    [[nodiscard]] std::size_t size() const noexcept { return norms.size(); }

    Matrix cosines;
    Weights norms;
};

/// w^T G w, the squared length of a combination of the rows; never below 0.
[[nodiscard]] inline double squared_length(const Matrix& gramian, std::span<const double> w) {
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i)
        for (std::size_t j = 0; j < w.size(); ++j)
            sum += w[i] * gramian(i, j) * w[j];
    return std::max(sum, 0.0);
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
