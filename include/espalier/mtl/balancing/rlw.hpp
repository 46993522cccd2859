// SPDX-License-Identifier: MIT
/// @file Weights drawn anew in each step.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What weights are drawn from.
enum class RandomWeights {
    normal,     ///< softmax of standard normal numbers
    dirichlet,  ///< from a symmetric Dirichlet distribution
};

/// Settings of `RLW`.
struct RLWOptions {
    RandomWeights distribution = RandomWeights::normal;
    double concentration = 1;  ///< of the Dirichlet distribution, above 0: 1 draws all weights alike, smaller ones the corners
};

/// Random loss weighting: Lin et al., "Reasonable Effectiveness of Random Weighting", TMLR 2022, arXiv 2111.10603. `sum w_i L_i` with
/// constants w_i whose sum is 1, drawn in each step for the active tasks. The yardstick of all adaptive rules. Costs one traversal;
/// heads get the same weights; the state is where its stream of random numbers stands. Refuses nothing.
class RLW {
public:
    RLW() = default;
    /// @throws ValueError for a concentration that is not above 0
    explicit RLW(const RLWOptions& options) : options_{options} {
        require<ValueError>(options.concentration > 0 && is_finite(options.concentration), "RLW",
                            "expected a finite concentration above 0, got ", options.concentration);
    }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        Weights weights(losses.size());
        for (double& weight : weights)
            weight = draw();
        detail::to_softmax(weights);
        return weighted(losses, weights);
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("random", random_);
    }

private:
    /// Shares of numbers from a gamma distribution are Dirichlet's. The numbers themselves can all be too small, so they are drawn as
    /// logarithms: X U^(1/a) has shape a if X has a + 1.
    [[nodiscard]] double draw() {
        if (options_.distribution == RandomWeights::normal)
            return random_.normal();
        const double a = options_.concentration;
        const double larger = random_.gamma(a + 1);
        return std::log(larger) + std::log1p(-random_.uniform()) / a;
    }

    RLWOptions options_;
    Random random_{new_random()};
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
