// SPDX-License-Identifier: MIT
/// @file SAM-GS: gradients of much unequal lengths are equalised, those of similar lengths modulated by their momentum.
#pragma once

#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `SAMGS`.
struct SAMGSOptions {
    double beta1 = 0.9;
    double beta2 = 0.99;
    double gamma = 0.1;           ///< similarity below which gradients are equalised
    double eps = 1e-8;
    bool distinct_pairs = false;  ///< similarity is the mean over pairs i < j, as in the authors' program, not over all T^2
};

/// Similarity-aware momentum gradient surgery (Borsani et al., ECML-PKDD 2025, arXiv 2506.06130). The similarity S is the mean over all
/// pairs of 2 |g_i| |g_j| / (|g_i|^2 + |g_j|^2). Running averages m_i of g_i, and h <- beta2 h + (1 - beta2) (1 - S)^2 + eps, both
/// corrected for their start at 0. If S < gamma, d = sum of (mean length / |g_i|) g_i; else, element by element,
/// d = sum of |m_i| / (sqrt(h) + eps) g_i. As a pair of a task with itself has similarity 1, S >= 1 / T unless `distinct_pairs`.
///
/// Cost: a traversal for T cotangents, the Jacobian, and two passes over it. Heads get their own gradients. Not on features, whose
/// number changes with the batch. State: T x P, h, and how many steps a task was in. @throws StateError if P changes
template <class Scalar = float>
class SAMGS {
public:
    explicit SAMGS(SAMGSOptions options = {}) : options_{options} {
        require<ValueError>(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1, "SAMGS",
                            "expected betas in [0, 1), got ", options.beta1, " and ", options.beta2);
        require<ValueError>(options.gamma >= 0 && options.gamma <= 1, "SAMGS", "expected gamma in [0, 1], got ", options.gamma);
        require<ValueError>(options.eps > 0, "SAMGS", "expected eps above 0, got ", options.eps);
    }

    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) {
        const StepContext& context = jacobian.context();
        const Index columns = jacobian.columns();
        auto result = Tensor<Scalar>::empty(Shape{columns});
        const auto gradients = detail::rows_of(jacobian.matrix());
        const Weights norms = detail::norms_of(gradients, 0, columns);
        const double unlike = 1 - similarity(norms);
        detail::size_rows("SAMGS", momenta_, jacobian);
        detail::size_numbers("SAMGS", steps_, context);

        spread_[0] = options_.beta2 * spread_[0] + (1 - options_.beta2) * unlike * unlike + options_.eps;
        ++spread_[1];
        const double spread = std::sqrt(spread_[0] / (1 - std::pow(options_.beta2, spread_[1]))) + options_.eps;
        const bool equalise = 1 - unlike < options_.gamma;
        double mean = 0;
        for (const double norm : norms)
            mean += norm / static_cast<double>(norms.size());
        Weights factors(norms.size());
        for (std::size_t t = 0; t < factors.size(); ++t) {
            const double step = ++steps_[static_cast<Index>(context.tasks[t])];
            factors[t] = !equalise ? 1 / (spread * (1 - std::pow(options_.beta1, step))) : norms[t] > 0 ? mean / norms[t] : 0;
        }
        const auto momenta = detail::rows_of(momenta_, context);
        parallel_for(columns, detail::columns_of_chunk(norms.size(), columns), [&](Index begin, Index end) {
            detail::for_each_strip(begin, end,
                                   [&](Index from, Index to) { modulate(gradients, momenta, factors, equalise, from, to, result.data()); });
        });
        return result;
    }

    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("momenta", momenta_);
        visitor("spread", spread_);
        visitor("steps", steps_);
    }

private:
    [[nodiscard]] double similarity(const Weights& norms) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < norms.size(); ++i)
            for (std::size_t j = 0; j < i; ++j) {
                const double longer = std::max(norms[i], norms[j]), ratio = longer > 0 ? std::min(norms[i], norms[j]) / longer : 1;
                sum += 2 * ratio / (1 + ratio * ratio);
            }
        const auto tasks = static_cast<double>(norms.size());
        if (options_.distinct_pairs && norms.size() > 1)
            return sum / (tasks * (tasks - 1) / 2);
        return (2 * sum + tasks) / (tasks * tasks);
    }

    void modulate(const detail::RowPointers<const Scalar>& gradients, const detail::RowPointers<Scalar>& momenta, const Weights& factors,
                  bool equalise, Index from, Index to, Scalar* result) const {
        const double fresh = 1 - options_.beta1;
        std::array<double, detail::strip_columns> sums{};
        for (std::size_t t = 0; t < gradients.size(); ++t)
            kernels::vector_loop(from, to, [=, g = gradients[t], m = momenta[t], factor = factors[t], sum = sums.data()](Index p) {
                const double gradient = static_cast<double>(g[p]), before = static_cast<double>(m[p]);
                const double moved = before + fresh * (gradient - before);
                m[p] = static_cast<Scalar>(moved);
                sum[p - from] += factor * gradient * (equalise ? 1 : std::abs(moved));
            });
        kernels::vector_loop(from, to, [=, sum = sums.data()](Index p) { result[p] = static_cast<Scalar>(sum[p - from]); });
    }

    SAMGSOptions options_;
    Tensor<Scalar> momenta_;
    Tensor<double> spread_{{2}};  ///< h and of how many steps
    Tensor<double> steps_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
