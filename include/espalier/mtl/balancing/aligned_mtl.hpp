// SPDX-License-Identifier: MIT
/// @file Aligned-MTL: the gradients as if they were orthogonal and of one length.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/solvers/symmetric.hpp>
#include <espalier/mtl/balancing/task_preferences.hpp>

#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Which length the aligned gradients have: the smallest singular value of J, the (lower) median, or the root mean square of all.
enum class AlignedMTLScale { smallest, median, rmse };

/// Settings of `AlignedMTL`.
struct AlignedMTLOptions {
    AlignedMTLScale scale = AlignedMTLScale::smallest;
    TaskPreferences preference = {};
};

/// Senushkin et al., "Independent Component Alignment for Multi-Task Learning" (CVPR 2023, arXiv:2305.19000).
///
/// J is replaced by the nearest matrix whose singular values are all equal: with G = V diag(s) V^T, w = B p,
/// B = sqrt(scale) V s^(-1/2) V^T, p the preference (1 / T; LibMTL has 1, with steps T times as long). Only the space that the
/// gradients span counts: one of which less than 1e-5 of its length is beside the others adds no dimension.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient. May act `on_features`, as in
/// the paper. Refuses a negative preference, and one of another length than the criterion's tasks.
class AlignedMTL {
public:
    explicit AlignedMTL(AlignedMTLOptions options = {}) : options_{std::move(options)} {
        detail::check_preference(options_.preference, "AlignedMTL");
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        Weights preference = detail::preference_of(options_.preference, gramian.context(), "AlignedMTL");
        const solvers::SymmetricEigen eigen{gramian.matrix()};
        if (eigen.rank() == 0)
            return preference;
        const double root = std::sqrt(scale(eigen.values()));
        return eigen.apply([root](double value) { return root / std::sqrt(value); }, preference);
    }

private:
    [[nodiscard]] double scale(std::span<const double> values) const {
        switch (options_.scale) {
            case AlignedMTLScale::median: return values[values.size() / 2];  // the largest is the first
            case AlignedMTLScale::rmse: return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
            case AlignedMTLScale::smallest: break;
        }
        return values.back();
    }

    AlignedMTLOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
