// SPDX-License-Identifier: MIT
/// @file Functions of the losses' product, which no loss dominates by its scale.
#pragma once

#include <espalier/mtl/balancing/scalarize.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Geometric loss strategy: Chennupati et al., "MultiNet++: Multi-Stream Feature Aggregation and Geometric Loss Strategy for
/// Multi-Task Learning", CVPR workshops 2019, arXiv 1904.08492. The geometric mean `(prod L_i)^(1/T)`, calculated by logarithms; its
/// derivatives are `GLS / (T L_i)`. If a loss is 0, so are the mean and all derivatives. Costs one traversal; heads get the same
/// weights; no state. Refuses negative losses.
struct GLS {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        const StepContext& context = losses.context();
        detail::require_not_negative("GLS", context);
        Weights derivatives(losses.size(), 0.0);
        if (std::find(context.losses.begin(), context.losses.end(), 0.0) != context.losses.end())
            return scalarize("GLS", losses, 0, std::move(derivatives));
        const auto count = static_cast<double>(losses.size());
        double mean = 0;  // of the logarithms
        for (const double loss : context.losses)
            mean += std::log(loss) / count;
        for (std::size_t i = 0; i < losses.size(); ++i)
            derivatives[i] = std::exp(mean - std::log(context.losses[i])) / count;
        return scalarize("GLS", losses, std::exp(mean), std::move(derivatives));
    }
};

/// `sum log L_i`: multiplying a loss by a number changes no gradient. The paradigm of Dai et al., "Improvable Gap Balancing for
/// Multi-Task Learning", UAI 2023, arXiv 2307.15429, and the logarithms of many rules since. Costs one traversal; heads get the same
/// weights, 1 / L_i; no state. Refuses losses that are not above 0.
struct ScaleInvariant {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        detail::require_positive("ScaleInvariant", losses.context());
        const Weights ones(losses.size(), 1.0);
        return detail::weighted_logarithms("ScaleInvariant", losses, ones);
    }
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
