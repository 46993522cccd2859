// SPDX-License-Identifier: MIT
/// @file GradDrop: in each element of the gradients, either the positive or the negative ones count.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `GradDrop`.
struct GradDropOptions {
    std::vector<double> leak = {};  ///< for each task the part of its gradient that is never dropped, in [0, 1]; none: 0
};

/// Gradient sign dropout (Chen et al., "Just Pick a Sign", NeurIPS 2020, arXiv 2010.06808), algorithm 1 with f(p) = p. At each element
/// P = (1 + sum g_i / sum |g_i|) / 2 is the purity of the positive sign; with U uniform in (0, 1), positive entries stay if P > U and
/// negative ones if P < U, and d = sum of (l_i + (1 - l_i) kept) g_i.
///
/// Cost: a traversal for T cotangents, the Jacobian. Heads get their own gradients. On features it is the paper's own place, but there
/// the paper multiplies by the activations' signs and sums over the batch, which this does not. State: a random stream, in which each
/// element of each step has a draw of its own. @throws ValueError for a leak outside [0, 1], or not one for each task
class GradDrop {
public:
    explicit GradDrop(GradDropOptions options = {}) : options_{std::move(options)} {
        for (const double leak : options_.leak)
            require<ValueError>(leak >= 0 && leak <= 1, "GradDrop", "expected leaks in [0, 1], got ", leak);
    }

    void start(std::size_t tasks) const {
        require<ValueError>(options_.leak.empty() || options_.leak.size() == tasks, "GradDrop", "expected a leak for each of ", tasks,
                            " tasks, got ", options_.leak.size());
    }

    template <class Scalar>
    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) {
        const StepContext& context = jacobian.context();
        start(context.task_count);
        Weights leaks(jacobian.size(), 0.0);
        for (std::size_t t = 0; t < leaks.size() && !options_.leak.empty(); ++t)
            leaks[t] = options_.leak[context.tasks[t]];
        const auto rows = detail::rows_of(jacobian.matrix());
        const Index columns = jacobian.columns();
        auto result = Tensor<Scalar>::empty(Shape{columns});
        parallel_for(columns, detail::columns_of_chunk(rows.size(), columns), [&](Index begin, Index end) {
            detail::for_each_strip(begin, end, [&](Index from, Index to) { drop(rows, leaks, from, to, result.data()); });
        });
        random_.skip(static_cast<std::uint64_t>(columns));
        return result;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("random", random_);
    }

private:
    template <class Scalar>
    void drop(const detail::RowPointers<const Scalar>& rows, const Weights& leaks, Index from, Index to, Scalar* result) const {
        std::array<double, detail::strip_columns> sums{}, lengths{};
        double* const sum = sums.data();
        double* const length = lengths.data();
        for (const Scalar* const row : rows)
            kernels::vector_loop(from, to, [=](Index p) {
                sum[p - from] += static_cast<double>(row[p]);
                length[p - from] += std::abs(static_cast<double>(row[p]));
            });
        for (Index p = from; p < to; ++p) {
            // From the middles of the 2^53 draws: neither 0 nor 1, so that a pure sign always stays.
            const double drawn = Random::to_unit<double>(random_.at(random_.position() + static_cast<std::uint64_t>(p))) + 0x1p-54;
            const double purity = length[p - from] > 0 ? 0.5 * (1 + sum[p - from] / length[p - from]) : 0.5;
            length[p - from] = purity > drawn ? 1 : -1;  // the sign that stays
        }
        sums.fill(0);
        for (std::size_t t = 0; t < rows.size(); ++t)
            kernels::vector_loop(from, to, [=, row = rows[t], leak = leaks[t]](Index p) {
                const double g = static_cast<double>(row[p]);
                const double kept = g * length[p - from] > 0 ? g : 0;
                sum[p - from] += leak * g + (1 - leak) * kept;
            });
        kernels::vector_loop(from, to, [=](Index p) { result[p] = static_cast<Scalar>(sum[p - from]); });
    }

    GradDropOptions options_;
    Random random_{new_random()};
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
