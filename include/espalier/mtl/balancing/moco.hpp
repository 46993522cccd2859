// SPDX-License-Identifier: MIT
/// @file MoCo: gradients that are tracked over the steps, and weights that follow them.
#pragma once

#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/solvers/simplex.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `MoCo`.
struct MoCoOptions {
    double beta = 0.5;         ///< step of the tracked gradients, in (0, 1]
    double beta_sigma = 0.5;   ///< its decay: beta / k^beta_sigma in step k
    double gamma = 0.1;        ///< step of the weights
    double gamma_sigma = 0.5;  ///< its decay
    double rho = 0.0;          ///< pulls the weights to equal ones
    bool normalised = false;   ///< track L_i g_i / |g_i|, as LibMTL, instead of g_i
    bool softmax = false;      ///< brings the weights back to the simplex as LibMTL; the paper projects
};

/// Multi-objective gradient correction (Fernando et al., "Mitigating Gradient Bias in Multi-objective Learning", ICLR 2023,
/// arXiv 2210.12624): y_i <- y_i - beta_k (y_i - g_i) from 0 on, lambda <- projection on the simplex of lambda - gamma_k (Y Y^T + rho I)
/// lambda from equal weights on, d = Y^T lambda. The steps' default sizes are LibMTL's.
///
/// Cost: a traversal for T cotangents, the Jacobian, and two passes over it (three if normalised). Heads get their own gradients. Not on
/// features, whose number changes with the batch. State: T x P and T weights; tasks that are not active keep their share of these.
/// @throws StateError if P changes
template <class Scalar = float>
class MoCo {
public:
    explicit MoCo(MoCoOptions options = {}) : options_{options} {
        require<ValueError>(options.beta > 0 && options.beta <= 1, "MoCo", "expected beta in (0, 1], got ", options.beta);
        require<ValueError>(options.gamma >= 0 && options.rho >= 0, "MoCo", "expected gamma and rho of at least 0, got ", options.gamma,
                            " and ", options.rho);
        require<ValueError>(options.beta_sigma >= 0 && options.gamma_sigma >= 0, "MoCo", "expected decays of at least 0, got ",
                            options.beta_sigma, " and ", options.gamma_sigma);
    }

    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) {
        const StepContext& context = jacobian.context();
        const Index columns = jacobian.columns();
        auto result = Tensor<Scalar>::empty(Shape{columns});
        detail::size_rows("MoCo", tracked_, jacobian);
        if (weights_.numel() == 0)
            weights_ = detail::equal_shares(context.task_count);

        const auto gradients = detail::rows_of(jacobian.matrix());
        Weights scales(gradients.size(), 1.0);
        if (options_.normalised) {
            const Weights norms = detail::norms_of(gradients, 0, columns);
            for (std::size_t t = 0; t < norms.size(); ++t)
                scales[t] = norms[t] > 0 ? context.losses[t] / norms[t] : 0;
        }
        const auto tracked = detail::rows_of(tracked_, context);
        detail::ActiveShare active{weights_, context};
        Weights& lambda = active.weights;
        const Weights products = track(gradients, scales, tracked, lambda, columns, decayed(options_.beta, options_.beta_sigma, context));
        const double gamma = decayed(options_.gamma, options_.gamma_sigma, context);
        for (std::size_t t = 0; t < lambda.size(); ++t)
            lambda[t] -= gamma * (products[t] + options_.rho * lambda[t]);
        lambda = options_.softmax ? softmax(lambda) : solvers::project_on_simplex(lambda);
        active.put_back(weights_, context);
        detail::combine_into(result, tracked, lambda, 0, columns);
        return result;
    }

    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("tracked", tracked_);
        visitor("weights", weights_);
    }

private:
    [[nodiscard]] static double decayed(double step, double sigma, const StepContext& context) {
        return step / std::pow(static_cast<double>(context.step + 1), sigma);
    }

    /// Moves Y to the gradients and gives Y Y^T lambda, strip by strip as Y (Y^T lambda).
    [[nodiscard]] static Weights track(const detail::RowPointers<const Scalar>& gradients, const Weights& scales,
                                       const detail::RowPointers<Scalar>& tracked, const Weights& lambda, Index columns, double beta) {
        return detail::sums_over_columns(tracked.size(), columns, tracked.size(), [&](Index begin, Index end, double* products) {
            detail::for_each_strip(begin, end, [&](Index from, Index to) {
                std::array<double, detail::strip_columns> common{};
                for (std::size_t t = 0; t < tracked.size(); ++t)
                    kernels::vector_loop(from, to,
                                         [=, y = tracked[t], g = gradients[t], scale = scales[t], weight = lambda[t],
                                          sum = common.data()](Index p) {
                                             const double before = static_cast<double>(y[p]);
                                             y[p] = static_cast<Scalar>(before - beta * (before - scale * static_cast<double>(g[p])));
                                             sum[p - from] += weight * static_cast<double>(y[p]);
                                         });
                for (std::size_t t = 0; t < tracked.size(); ++t)
                    products[t] += solvers::dot(tracked[t] + from, common.data(), static_cast<std::size_t>(to - from));
            });
        });
    }

    [[nodiscard]] static Weights softmax(Weights values) {
        const double largest = *std::max_element(values.begin(), values.end());
        double sum = 0;
        for (double& value : values)
            sum += value = std::exp(value - largest);
        for (double& value : values)
            value /= sum;
        return values;
    }

    MoCoOptions options_;
    Tensor<Scalar> tracked_;
    Tensor<double> weights_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
