// SPDX-License-Identifier: MIT
/// @file MGDA: the shortest of all averages of the gradients.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/solvers/min_norm.hpp>

#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What a task's gradient is divided by before the shortest average is looked for.
enum class MGDANormalization { none, l2, loss, loss_l2 };

/// Settings of `MGDA`.
struct MGDAOptions {
    MGDANormalization normalization = MGDANormalization::none;
};

/// Sener and Koltun, "Multi-Task Learning as Multi-Objective Optimization" (NeurIPS 2018, arXiv:1810.04650), after Desideri (2012).
///
/// w = argmin w^T G w over w >= 0 of sum 1, exactly (their program stops at 0.001, and keeps two tasks' weights in [0.001, 0.999]).
/// No loss rises along J^T w, which is 0 where the point is Pareto-stationary. The normalizations of their program, by the length of
/// a gradient, its loss or both ("loss+"), change which average is the shortest; the weights then multiply the gradients as they are
/// (LibMTL multiplies the normalized ones), so that the promises are those of `none`.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient. May act `on_features`, which
/// is the paper's MGDA-UB. Refuses losses that are not above 0 if it divides by them.
class MGDA {
public:
    MGDA() = default;
    explicit MGDA(MGDAOptions options) : options_{options} {}

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        const std::size_t n = gramian.size();
        if (options_.normalization == MGDANormalization::none)
            return solvers::min_norm_weights(gramian.matrix());
        const bool by_length = options_.normalization != MGDANormalization::loss;
        const bool by_loss = options_.normalization != MGDANormalization::l2;
        Matrix scaled = by_length ? solvers::UnitRows{gramian.matrix()}.cosines : gramian.matrix();
        for (std::size_t i = 0; by_loss && i < n; ++i) {
            const double loss = gramian.losses()[i];
            require<ValueError>(loss > 0, "MGDA", "expected losses above 0 to divide gradients by, got ", loss);
            for (std::size_t j = 0; j < n; ++j) {
                scaled(i, j) /= loss;
                scaled(j, i) /= loss;
            }
        }
        return solvers::min_norm_weights(scaled);
    }

private:
    MGDAOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
