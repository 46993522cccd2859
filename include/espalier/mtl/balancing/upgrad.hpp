// SPDX-License-Identifier: MIT
/// @file UPGrad and DualProj: projections on the cone of directions along which no loss rises.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/solvers/dual_cone.hpp>
#include <espalier/mtl/balancing/task_preferences.hpp>

#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `UPGrad`.
struct UPGradOptions {
    TaskPreferences preference = {};
};

/// Quinton and Rey, "Jacobian Descent for Multi-Objective Optimization" (2024, arXiv:2406.16232).
///
/// Each gradient times its preference p_i is projected on the cone of all d with J d >= 0, and the projections are added: w = sum of
/// argmin v^T G v over v >= p_i e_i. No loss rises along J^T w, and it is linear in the length of each gradient. T small programs
/// by an active set, exact for any rank; TorchJD adds 1e-4 of the trace to the diagonal first.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient. May act `on_features`.
/// Refuses a negative preference, and one of another length than the criterion's tasks.
class UPGrad {
public:
    explicit UPGrad(UPGradOptions options = {}) : options_{std::move(options)} { detail::check_preference(options_.preference, "UPGrad"); }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        const std::size_t n = gramian.size();
        const Weights preference = detail::preference_of(options_.preference, gramian.context(), "UPGrad");
        solvers::DualCone cone{gramian.matrix()};
        Weights result(n, 0.0);
        Weights one(n, 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            one[i] = preference[i];
            const Weights projected = cone.project(one);
            one[i] = 0;
            for (std::size_t k = 0; k < n; ++k)
                result[k] += projected[k];
        }
        return result;
    }

private:
    UPGradOptions options_;
};

/// Settings of `DualProj`.
struct DualProjOptions {
    TaskPreferences preference = {};
};

/// Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning" (NIPS 2017, arXiv:1706.08840), for the mean of the tasks.
///
/// The preferred combination J^T p of the gradients, projected on the cone of all d with J d >= 0: w = argmin v^T G v over v >= p, p = 1 /
/// T by default. No loss rises along it. Exact for any rank. One traversal with T cotangents and one for the update; no state. Heads get
/// their own task's gradient. May act `on_features`. Refuses a negative preference, and one of another length than the criterion's tasks.
class DualProj {
public:
    explicit DualProj(DualProjOptions options = {}) : options_{std::move(options)} {
        detail::check_preference(options_.preference, "DualProj");
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        return solvers::DualCone{gramian.matrix()}.project(detail::preference_of(options_.preference, gramian.context(), "DualProj"));
    }

private:
    DualProjOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
