// SPDX-License-Identifier: MIT
/// @file One weight for each group of tasks whose risks are alike.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `GO4Align`.
struct GO4AlignOptions {
    Index groups = 2;         ///< at least 1; no more than there are active tasks are made
    double step_size = 1e-4;  ///< eta, at least 0
};

namespace detail {

/// Replaces each of some numbers by the mean of its group, where the groups are those whose sum of squared distances from their means
/// is the smallest there is. On a line these are runs of the sorted numbers, which n^2 k steps of dynamic programming find.
inline void replace_by_group_means(std::span<double> values, std::size_t groups) {
    const std::size_t n = values.size();
    groups = std::min(groups, n);
    PoolVector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });

    Matrix costs{groups + 1, n + 1};  // (k, last): of the first `last` numbers in k groups
    Matrix means{groups + 1, n + 1};  // of the last group of these
    PoolVector<std::size_t> firsts((groups + 1) * (n + 1), 0);  // and where it starts
    for (std::size_t k = 1; k <= groups; ++k)
        for (std::size_t last = k; last <= n; ++last) {
            double mean = 0;
            double squares = 0;
            bool found = false;
            for (std::size_t first = last; first-- > k - 1;) {  // the group grows downwards
                const double value = values[order[first]];
                const double before = mean;
                mean += (value - mean) / static_cast<double>(last - first);
                squares += (value - before) * (value - mean);
                if (k == 1 && first > 0)
                    continue;  // nothing is left for no group
                const double cost = costs(k - 1, first) + squares;
                if (!found || cost < costs(k, last)) {
                    found = true;
                    costs(k, last) = cost;
                    means(k, last) = mean;
                    firsts[k * (n + 1) + last] = first;
                }
            }
        }
    for (std::size_t k = groups, last = n; k > 0; --k) {
        const std::size_t first = firsts[k * (n + 1) + last];
        for (std::size_t i = first; i < last; ++i)
            values[order[i]] = means(k, last);
        last = first;
    }
}

}  // namespace detail

/// GO4Align: Shen et al., "Group Optimization for Multi-Task Alignment", NeurIPS 2024, arXiv 2404.06486. `sum w_i L_i` with constants w:
/// p_i, 1 / T at the start, is multiplied by exp(-eta L_i) and divided by the sum in each step; v_i = p_i (sum L) / L_i; and w_i is the
/// mean of v over the task's group, found by k-means on the line, exactly. Costs one traversal and T^2 K operations; heads get the same
/// weights; the state is log p. A masked task keeps its p, and the p of the active ones are taken relative to their sum. Refuses losses
/// that are not above 0.
class GO4Align {
public:
    GO4Align() = default;
    /// @throws ValueError for less than one group or a negative step size
    explicit GO4Align(const GO4AlignOptions& options) : options_{options} {
        require<ValueError>(options.groups >= 1, "GO4Align", "expected at least 1 group, got ", options.groups);
        require<ValueError>(options.step_size >= 0 && is_finite(options.step_size), "GO4Align",
                            "expected a finite step size of at least 0, got ", options.step_size);
    }

    void start(std::size_t tasks) { logs_ = Tensor<double>{Shape{static_cast<Index>(tasks)}}; }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        const StepContext& context = losses.context();
        detail::require_started("GO4Align", logs_, context);
        detail::require_positive("GO4Align", context);
        return weighted(losses, weights(context));
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("logs", logs_);
    }

private:
    [[nodiscard]] Weights weights(const StepContext& context) {
        const std::size_t count = context.losses.size();
        Weights shares(count);
        for (std::size_t i = 0; i < count; ++i)
            shares[i] = detail::of_task(logs_, context.tasks[i]);
        const double before = detail::to_softmax(shares);
        for (std::size_t i = 0; i < count; ++i)
            shares[i] = detail::of_task(logs_, context.tasks[i]) - options_.step_size * context.losses[i];
        const double after = detail::to_softmax(shares);
        double total = 0;
        for (std::size_t i = 0; i < count; ++i) {  // together the active tasks keep their share
            detail::of_task(logs_, context.tasks[i]) += before - after - options_.step_size * context.losses[i];
            total += context.losses[i];
        }
        for (std::size_t i = 0; i < count; ++i)
            shares[i] *= total / context.losses[i];
        detail::replace_by_group_means(shares, static_cast<std::size_t>(options_.groups));
        return shares;
    }

    GO4AlignOptions options_;
    Tensor<double> logs_;  ///< of p, up to a common constant
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
