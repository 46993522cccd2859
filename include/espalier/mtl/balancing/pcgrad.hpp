// SPDX-License-Identifier: MIT
/// @file PCGrad and GradVac: each task's gradient is turned away from those that it conflicts with, one after another.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// A task's gradient as a combination of all rows: c, and its inner products G c with each of them.
class TurnedGradient {
public:
    TurnedGradient(const Matrix& gramian, std::size_t task)
        : gramian_{gramian}, c_(gramian.rows(), 0.0), products_(gramian.rows()), square_{gramian(task, task)} {
        std::copy_n(&gramian.data()[task * gramian.columns()], gramian.columns(), products_.begin());
        c_[task] = 1;
    }
    [[nodiscard]] double product(std::size_t j) const noexcept { return products_[j]; }
    [[nodiscard]] double norm() const noexcept { return std::sqrt(std::max(square_, 0.0)); }
    [[nodiscard]] const Weights& weights() const noexcept { return c_; }
    void add(double times, std::size_t j) noexcept {
        square_ += times * (2 * products_[j] + times * gramian_(j, j));
        c_[j] += times;
        for (std::size_t k = 0; k < products_.size(); ++k)
            products_[k] += times * gramian_(j, k);
    }

private:
    const Matrix& gramian_;
    Weights c_;
    Weights products_;
    double square_;  ///< of its length
};

/// 0 ... n-1 but for `left_out`, in random order.
inline void draw_order(PoolVector<std::size_t>& order, std::size_t n, std::size_t left_out, Random& random) {
    order.clear();
    for (std::size_t j = 0; j < n; ++j)
        if (j != left_out)
            order.push_back(j);
    for (std::size_t k = order.size(); k > 1; --k)
        std::swap(order[k - 1], order[static_cast<std::size_t>(random.below(static_cast<Index>(k)))]);
}

}  // namespace detail

/// Yu et al., "Gradient Surgery for Multi-Task Learning" (NeurIPS 2020, arXiv:2001.06782).
///
/// For each task i, over the others j in random order: where g_i g_j < 0, g_i loses its part along the gradient g_j as it was. The
/// sum of the turned gradients is the common one. With two tasks no loss rises along it; with more a later turn may undo an earlier.
/// One traversal with T cotangents and one for the update; state: the stream of random numbers. Heads get their own task's gradient.
/// May act `on_features`. Refuses nothing.
class PCGrad {
public:
    [[nodiscard]] Weights operator()(const Gramian& gramian) {
        const std::size_t n = gramian.size();
        Weights result(n, 0.0);
        PoolVector<std::size_t> order;
        order.reserve(n);
        for (std::size_t i = 0; i < n; ++i) {
            detail::TurnedGradient turned{gramian.matrix(), i};
            detail::draw_order(order, n, i, random_);
            for (const std::size_t j : order)
                if (turned.product(j) < 0)
                    turned.add(-turned.product(j) / gramian(j, j), j);
            for (std::size_t k = 0; k < n; ++k)
                result[k] += turned.weights()[k];
        }
        return result;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("random", random_);
    }

private:
    Random random_{new_random()};
};

/// Settings of `GradVac`.
struct GradVacOptions {
    double beta = 0.5;  ///< how much of a target the newest cosine makes
};

/// Wang et al., "Gradient Vaccine" (ICLR 2021, arXiv:2010.05874), for the whole of what is shared (`balance` has scopes by layer).
///
/// As PCGrad, but the cosine of the angle to g_j is raised to a target phi_ij wherever it is below: g_i gains
/// g_j |g_i| (phi sqrt(1 - cos^2) - cos sqrt(1 - phi^2)) / (|g_j| sqrt(1 - phi^2)). The target is the running average of the cosines
/// seen, phi <- (1 - beta) phi + beta cos, from 0 on: the first step is that of PCGrad.
/// One traversal with T cotangents and one for the update; state: T x T averages and the stream of random numbers. Heads get their own
/// task's gradient. May act `on_features`. Refuses beta outside [0, 1], and a step without `start`.
class GradVac {
public:
    explicit GradVac(GradVacOptions options = {}) : options_{options} {
        require<ValueError>(options_.beta >= 0 && options_.beta <= 1, "GradVac", "expected beta within [0, 1], got ", options_.beta);
    }

    void start(std::size_t tasks) { targets_ = Tensor<double>{{static_cast<Index>(tasks), static_cast<Index>(tasks)}}; }

    [[nodiscard]] Weights operator()(const Gramian& gramian) {
        const std::size_t n = gramian.size();
        const auto& context = gramian.context();
        require<StateError>(std::cmp_equal(targets_.numel(), context.task_count * context.task_count), "GradVac", "expected ",
                            context.task_count, " tasks as at the start, got state ", targets_.shape());
        Weights result(n, 0.0);
        PoolVector<std::size_t> order;
        order.reserve(n);
        for (std::size_t i = 0; i < n; ++i) {
            detail::TurnedGradient turned{gramian.matrix(), i};
            detail::draw_order(order, n, i, random_);
            for (const std::size_t j : order)
                turn(turned, j, gramian.norm(j), targets_[static_cast<Index>(context.tasks[i] * context.task_count + context.tasks[j])]);
            for (std::size_t k = 0; k < n; ++k)
                result[k] += turned.weights()[k];
        }
        return result;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("targets", targets_);
        visitor("random", random_);
    }

private:
    void turn(detail::TurnedGradient& turned, std::size_t j, double norm_j, double& target) const {
        constexpr double least_sine = 1e-8;  // no gradient can be turned until it is parallel to another
        const double norm = turned.norm();
        if (norm == 0 || norm_j == 0)
            return;
        const double cosine = std::clamp(turned.product(j) / norm / norm_j, -1.0, 1.0);
        if (cosine < target) {
            const double sine = std::sqrt(1 - cosine * cosine);
            const double target_sine = std::max(std::sqrt(1 - target * target), least_sine);
            turned.add(norm * (target * sine - cosine * target_sine) / (norm_j * target_sine), j);
        }
        target = (1 - options_.beta) * target + options_.beta * cosine;
    }

    GradVacOptions options_;
    Tensor<double> targets_;
    Random random_{new_random()};
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
