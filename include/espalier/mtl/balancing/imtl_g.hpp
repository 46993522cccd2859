// SPDX-License-Identifier: MIT
/// @file IMTL-G and ConFIG: the direction that has the same angle to every task's gradient.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/solvers/symmetric.hpp>
#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

#include <cmath>
#include <cstddef>
#include <numeric>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// Weights v of the direction x = J^T v for which u_i x = 1 with every unit gradient u_i, or by least squares where these are
/// dependent: x = U^+ 1, v = D^-1 C^+ 1 with the lengths D and cosines C. A row of 0 gets 0, and all do where the best is x = 0.
[[nodiscard]] inline Weights equal_angles(const Matrix& gramian) {
    const solvers::UnitRows rows{gramian};
    Weights v(rows.size());
    for (std::size_t i = 0; i < v.size(); ++i)
        v[i] = rows.norms[i] > 0 ? 1.0 : 0.0;
    const solvers::SymmetricEigen eigen{rows.cosines};
    const Weights within = eigen.apply([](double) { return 1.0; }, v);  // what a direction can do about 1, 1, ... 1
    const bool any = std::inner_product(v.begin(), v.end(), within.begin(), 0.0) > 1e-20;
    v = eigen.pseudo_solve(v);
    for (std::size_t i = 0; i < v.size(); ++i)
        v[i] = any && rows.norms[i] > 0 ? v[i] / rows.norms[i] : 0.0;
    return v;
}

}  // namespace detail

/// The gradient part of Liu et al., "Towards Impartial Multi-Task Learning" (ICLR 2021).
///
/// w of sum 1 so that J^T w has equal projections on all unit gradients: w = v / sum v, v = D^-1 C^+ 1, which is G^-1 d with the
/// lengths d if the gradients are independent. Where they are not, the paper has no formula: this is least squares in unit gradients,
/// so that the direction still does not depend on the scale of any task, as TorchJD's G^+ d does. With three tasks and more the sum of
/// v can be 0 or negative: weights are 0 in the first case, and losses rise in the second.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient. May act `on_features`.
/// Refuses nothing.
struct IMTLG {
    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        Weights v = detail::equal_angles(gramian.matrix());
        double sum = 0;
        double magnitude = 0;
        for (const double weight : v) {
            sum += weight;
            magnitude += std::abs(weight);
        }
        const bool balanced = std::abs(sum) > 1e-12 * magnitude;
        for (double& weight : v)
            weight = balanced ? weight / sum : 0.0;
        return v;
    }
};

/// Liu, Chu and Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks" (ICLR 2025, arXiv:2408.11104).
///
/// The direction x = U^+ 1 of equal angles to all gradients, as long as the sum of the gradients' projections on it:
/// w = v (1^T G v) / (v^T G v), v = D^-1 C^+ 1. No loss rises along it if the gradients are independent.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient. May act `on_features`.
/// Refuses nothing.
struct ConFIG {
    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        Weights v = detail::equal_angles(gramian.matrix());
        double projections = 0;
        double magnitude = 0;
        for (std::size_t i = 0; i < v.size(); ++i)
            for (std::size_t j = 0; j < v.size(); ++j)
                projections += gramian(i, j) * v[j];
        for (std::size_t i = 0; i < v.size(); ++i)
            magnitude += gramian.norm(i) * std::abs(v[i]);
        const double square = solvers::squared_length(gramian.matrix(), v);
        const double times = square > 1e-20 * magnitude * magnitude ? projections / square : 0.0;
        for (double& weight : v)
            weight *= times;
        return v;
    }
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
