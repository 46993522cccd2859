// SPDX-License-Identifier: MIT
/// @file Sums over short arrays of doubles. Eigen's would do as well, but are compiled in every unit that sees a solver, used or not.
#pragma once

#include <espalier/core/config.hpp>

#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// The sum of a_i b_i, of four chains that do not wait for one another.
[[nodiscard]] inline double dot(const double* a, const double* b, std::size_t size) noexcept {
    double sums[4] = {};
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4)
        for (std::size_t k = 0; k < 4; ++k)
            sums[k] += a[i + k] * b[i + k];
    for (; i < size; ++i)
        sums[0] += a[i] * b[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// y += factor x
inline void add_scaled(double factor, const double* x, double* y, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i)
        y[i] += factor * x[i];
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
