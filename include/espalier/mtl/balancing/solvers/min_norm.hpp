// SPDX-License-Identifier: MIT
/// @file The point of the convex hull of the gradients that is nearest to 0.
#pragma once

#include <espalier/mtl/balancing/solvers/non_negative.hpp>
#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// argmin w^T G w over w >= 0 of sum 1, exactly; where that is not unique, one of them.
///
/// As non-negative least squares: z = t w minimises z^T G z + (1 - sum z)^2 for the very w that is wanted (the minimum over t is
/// a rising function of w^T G w). Lengths are divided out first. Rows of 0 share the weight.
[[nodiscard]] inline Weights min_norm_weights(const Matrix& gramian) {
    const std::size_t n = gramian.rows();
    UnitRows rows{gramian};
    Weights result(n, 0.0);
    if (const auto zeros = std::count(rows.norms.begin(), rows.norms.end(), 0.0); zeros > 0) {
        std::transform(rows.norms.begin(), rows.norms.end(), result.begin(),
                       [zeros](double norm) { return norm == 0 ? 1.0 / static_cast<double>(zeros) : 0.0; });
        return result;
    }
    if (n == 2) {
        const double apart = gramian(0, 0) + gramian(1, 1) - 2 * gramian(0, 1);
        result[0] = apart > 0 ? std::clamp((gramian(1, 1) - gramian(0, 1)) / apart, 0.0, 1.0) : 0.5;
        result[1] = 1 - result[0];
        return result;
    }
    const double shortest = n == 0 ? 0 : *std::min_element(rows.norms.begin(), rows.norms.end());
    Weights ones(n);  // in the scale of the unit rows
    for (std::size_t i = 0; i < n; ++i)
        ones[i] = shortest / rows.norms[i];
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
            rows.cosines(i, j) += ones[i] * ones[j];
    (void)NonNegativeProgram{rows.cosines}.solve(ones, result);  // is bounded: what is squared cannot fall below 0
    for (std::size_t i = 0; i < n; ++i)
        result[i] *= ones[i];
    const double sum = std::accumulate(result.begin(), result.end(), 0.0);
    for (double& weight : result)
        weight /= sum;
    return result;
}

/// The Gramian of the rows g_i + shift, of which `products` are g_i shift and `squared` is shift shift. What is 0 but for rounding is 0.
[[nodiscard]] inline Matrix shifted(const Matrix& gramian, std::span<const double> products, double squared) {
    Matrix result{gramian};
    for (std::size_t i = 0; i < gramian.rows(); ++i)
        for (std::size_t j = 0; j < gramian.rows(); ++j)
            result(i, j) += products[i] + products[j] + squared;
    for (std::size_t i = 0; i < gramian.rows(); ++i)
        if (result(i, i) <= 1e-14 * (gramian(i, i) + squared))
            result(i, i) = 0;
    return result;
}

/// The same with w >= `lowest`, whose sum is at most 1: the nearest point of the hull of the rows s g_i + J^T lowest, where s is what
/// the sum of `lowest` leaves of 1.
[[nodiscard]] inline Weights min_norm_weights(const Matrix& gramian, std::span<const double> lowest) {
    const double rest = 1 - std::accumulate(lowest.begin(), lowest.end(), 0.0);
    Weights result(lowest.begin(), lowest.end());
    if (rest <= 0)
        return result;
    Matrix scaled{gramian};
    scaled *= rest * rest;
    Weights products(lowest.size(), 0.0);
    for (std::size_t i = 0; i < lowest.size(); ++i)
        for (std::size_t j = 0; j < lowest.size(); ++j)
            products[i] += rest * gramian(i, j) * lowest[j];
    const Weights inner = min_norm_weights(shifted(scaled, products, squared_length(gramian, lowest)));
    for (std::size_t i = 0; i < result.size(); ++i)
        result[i] += rest * inner[i];
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
