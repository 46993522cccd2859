// SPDX-License-Identifier: MIT
/// @file DB-MTL: gradients of the losses' logarithms, brought to one length.
#pragma once

#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <algorithm>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `DBMTL`.
struct DBMTLOptions {
    double beta = 0.9;   ///< of the running average, in [0, 1)
    double sigma = 0.0;  ///< its decay: beta / k^sigma in step k
};

/// Dual balancing (Lin et al., "Dual-Balancing for Multi-Task Learning", 2023, arXiv 2308.12029). Running averages of the gradients of
/// log L_i, m_i <- g_i + (beta / k^sigma) (m_i - g_i) with g_i = (dL_i) / L_i, from 0 on; d = sum of (max_j |m_j|) / |m_i| m_i.
///
/// Cost: a traversal for T cotangents, the Jacobian, and two passes over it. Heads get the gradients of their own losses, not of the
/// logarithms as in the paper. Not on features, whose number changes with the batch. State: T x P. @throws ValueError for a loss that
/// is not positive; StateError if P changes
template <class Scalar = float>
class DBMTL {
public:
    explicit DBMTL(DBMTLOptions options = {}) : options_{options} {
        require<ValueError>(options.beta >= 0 && options.beta < 1, "DBMTL", "expected beta in [0, 1), got ", options.beta);
        require<ValueError>(options.sigma >= 0, "DBMTL", "expected sigma of at least 0, got ", options.sigma);
    }

    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) {
        const StepContext& context = jacobian.context();
        for (const double loss : context.losses)
            require<ValueError>(loss > 0, "DBMTL", "expected positive losses, as it takes their logarithms, got ", loss);
        const Index columns = jacobian.columns();
        auto result = Tensor<Scalar>::empty(Shape{columns});
        detail::size_rows("DBMTL", averages_, jacobian);
        const double keep = options_.beta / std::pow(static_cast<double>(context.step + 1), options_.sigma);
        const auto gradients = detail::rows_of(jacobian.matrix());
        const auto averages = detail::rows_of(averages_, context);
        Weights weights = detail::sums_over_columns(
            averages.size(), columns, averages.size(), [&](Index begin, Index end, double* squares) {
                for (std::size_t t = 0; t < averages.size(); ++t)
                    detail::for_each_strip(begin, end, [&, m = averages[t], row = gradients[t]](Index from, Index to) {
                        const double inverse = 1 / context.losses[t];
                        kernels::vector_loop(from, to, [=](Index p) {
                            const double g = static_cast<double>(row[p]) * inverse;
                            m[p] = static_cast<Scalar>(g + keep * (static_cast<double>(m[p]) - g));
                        });
                        squares[t] += solvers::dot(m + from, m + from, static_cast<std::size_t>(to - from));
                    });
            });
        const double longest = std::sqrt(*std::max_element(weights.begin(), weights.end()));
        for (double& weight : weights)
            weight = weight > 0 ? longest / std::sqrt(weight) : 0;
        detail::combine_into(result, averages, weights, 0, columns);
        return result;
    }

    void visit(RuleVisitor<Scalar>& visitor) { visitor("averages", averages_); }

private:
    DBMTLOptions options_;
    Tensor<Scalar> averages_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
