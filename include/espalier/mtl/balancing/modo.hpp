// SPDX-License-Identifier: MIT
/// @file MoDo: weights that follow the gradients of two independent batches.
#pragma once

#include <espalier/mtl/balancing/cross_gramian.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/solvers/simplex.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `MoDo`.
struct MoDoOptions {
    double gamma = 0.1;  ///< step of the weights; LibMTL's default is 0.001
    double rho = 0.1;    ///< pulls them to equal ones
};

/// Multi-objective gradient with double sampling (Chen et al., "Three-Way Trade-Off in Multi-Objective Learning: Optimization,
/// Generalization and Conflict-Avoidance", NeurIPS 2023, arXiv 2305.20057): w <- projection on the simplex of w - gamma (J1 J2^T w + rho
/// w), from equal weights on, and d = J^T w with the mean of the two batches' gradients, or those of a third.
///
/// Cost: a traversal for T cotangents of each of two batches, and one more. Heads get their own gradients. State: T weights; tasks that
/// are not active keep their share. The step is not relative to the gradients' lengths. @throws ValueError for settings out of range
class MoDo {
public:
    explicit MoDo(MoDoOptions options = {}) : options_{options} {
        require<ValueError>(options.gamma > 0, "MoDo", "expected gamma above 0, got ", options.gamma);
        require<ValueError>(options.rho >= 0, "MoDo", "expected rho of at least 0, got ", options.rho);
    }

    void start(std::size_t tasks) { weights_ = detail::equal_shares(tasks); }

    [[nodiscard]] Weights operator()(const CrossGramian& products) {
        detail::check_started("MoDo", weights_, products.context());
        detail::ActiveShare active{weights_, products.context()};
        Weights moved{active.weights};
        for (std::size_t i = 0; i < moved.size(); ++i) {
            double slope = options_.rho * active.weights[i];
            for (std::size_t j = 0; j < moved.size(); ++j)
                slope += products(i, j) * active.weights[j];
            moved[i] -= options_.gamma * slope;
        }
        active.weights = solvers::project_on_simplex(moved);
        active.put_back(weights_, products.context());
        return std::move(active.weights);
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("weights", weights_);
    }

private:
    MoDoOptions options_;
    Tensor<double> weights_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
