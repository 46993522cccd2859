// SPDX-License-Identifier: MIT
/// @file Sums over arrays. Eigen's would do as well, but are compiled in every unit that sees a solver, used or not.
#pragma once

#include <espalier/core/config.hpp>

#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// Sum over i in [0, size) of `term(i)`, in eight lanes: those a compiler may put into vectors without changing the order.
template <class Term>
[[nodiscard]] double lane_sum(std::size_t size, const Term& term) {
    constexpr std::size_t width = 8;
    double lanes[width] = {};
    std::size_t i = 0;
    for (; i + width <= size; i += width)
        for (std::size_t k = 0; k < width; ++k)
            lanes[k] += term(i + k);
    double sum = 0;
    for (; i < size; ++i)
        sum += term(i);
    for (const double lane : lanes)
        sum += lane;
    return sum;
}

/// The sum of a_i b_i, in double.
template <class Left, class Right>
[[nodiscard]] double dot(const Left* a, const Right* b, std::size_t size) {
    return lane_sum(size, [=](std::size_t i) { return static_cast<double>(a[i]) * static_cast<double>(b[i]); });
}

/// y += factor x
inline void add_scaled(double factor, const double* x, double* y, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i)
        y[i] += factor * x[i];
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
