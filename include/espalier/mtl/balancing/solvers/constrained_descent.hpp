// SPDX-License-Identifier: MIT
/// @file The steepest common descent of several functions that lowers another one at a pace of its own.
#pragma once

#include <espalier/mtl/balancing/solvers/min_norm.hpp>
#include <espalier/mtl/balancing/solvers/non_negative.hpp>
#include <espalier/mtl/balancing/solvers/root.hpp>
#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// min over d of max_i <g_i, d> + 1/2 |d|^2 with <q, d> <= -rho |q|^2, exactly: d = -(sum w_i g_i + nu q).
///
/// By duality w and nu minimise 1/2 |sum w_i g_i + nu q|^2 - nu rho |q|^2 over w >= 0 of sum 1 and nu >= 0, so that the inner products
/// of the rows g_1, ..., g_T and, last, q are all that is needed. For w alone the best nu is `multiplier(w)`. If that is 0 for the
/// min-norm point, this is the answer. Otherwise it is above 0, and what is left is 1/2 w^T M w + rho sum w_i <g_i, q>, M the products
/// of what the g_i have beside q.
class ConstrainedDescent {
public:
    ConstrainedDescent(const Matrix& gramian, double rho) : gramian_{gramian}, rho_{rho}, size_{gramian.rows() - 1} {}

    /// nu for given w.
    [[nodiscard]] double multiplier(std::span<const double> weights) const {
        const double squared = gramian_(size_, size_);
        const double along = std::inner_product(weights.begin(), weights.end(), gramian_.row(size_), 0.0);
        return squared > 0 ? std::max(rho_ - along / squared, 0.0) : 0;
    }

    /// w; where it is not unique, one of them.
    [[nodiscard]] Weights weights() const {
        Matrix tasks{size_, size_};
        for (std::size_t i = 0; i < size_; ++i)
            std::copy_n(gramian_.row(i), size_, tasks.row(i));
        const Weights free = min_norm_weights(tasks);
        return size_ < 2 || multiplier(free) <= rounding(free) ? free : bound(beside(std::move(tasks)));
    }

private:
    /// What the multiplier of w may be for rounding alone.
    [[nodiscard]] double rounding(std::span<const double> weights) const {
        double magnitude = 0;
        for (std::size_t i = 0; i < size_; ++i)
            magnitude += weights[i] * std::sqrt(std::max(gramian_(i, i), 0.0));
        const double squared = gramian_(size_, size_);
        return 1e-13 * (rho_ + (squared > 0 ? magnitude / std::sqrt(squared) : 0));
    }

    /// M of the products of the g_i. What is 0 but for rounding is 0.
    [[nodiscard]] Matrix beside(Matrix tasks) const {
        const double* const along = gramian_.row(size_);
        for (std::size_t i = 0; i < size_; ++i)
            for (std::size_t j = 0; j < size_; ++j)
                tasks(i, j) -= along[i] / gramian_(size_, size_) * along[j];
        for (std::size_t i = 0; i < size_; ++i)
            if (tasks(i, i) <= 1e-14 * gramian_(i, i))
                for (std::size_t j = 0; j < size_; ++j)
                    tasks(i, j) = tasks(j, i) = 0;
        return tasks;
    }

    /// The minimum where nu is above 0. With kappa / 2 (sum w)^2 added, which is the same for all w that count, the sum of the w >= 0
    /// that minimise it minus t sum w never falls with t; t is found where it is 1. At kappa it is at most that.
    [[nodiscard]] Weights bound(Matrix products) const {
        Weights lift(gramian_.row(size_), gramian_.row(size_) + size_);  // rho <g_i, q>, above the lowest
        const double lowest = *std::min_element(lift.begin(), lift.end());
        for (double& value : lift)
            value = rho_ * (value - lowest);
        double shortest = 0;
        double longest = 0;
        for (std::size_t i = 0; i < size_; ++i)
            if (const double own = products(i, i); own > 0) {
                shortest = shortest > 0 ? std::min(shortest, own) : own;
                longest = std::max(longest, own);
            }
        const double highest = *std::max_element(lift.begin(), lift.end());
        const double kappa = shortest > 0 ? shortest : highest > 0 ? highest : 1;  // the scale of the solution
        for (double& value : lift)
            value = std::min(value, 2 * longest + kappa);  // from 2 |g|^2 on a row gets no weight
        for (std::size_t i = 0; i < size_; ++i)
            for (std::size_t j = 0; j < size_; ++j)
                products(i, j) += kappa;
        const UnitRows rows{products};
        NonNegativeProgram program{rows.cosines};
        Weights pull(size_);
        Weights result(size_);
        double sum = 0;
        const auto excess = [&](double t) {
            for (std::size_t i = 0; i < size_; ++i)
                pull[i] = (t * kappa - lift[i]) / rows.norms[i];
            (void)program.solve(pull, result);  // is bounded: what is squared is 0 along no direction in which all numbers rise
            sum = 0;
            for (std::size_t i = 0; i < size_; ++i)
                sum += result[i] /= rows.norms[i];
            return sum - 1;
        };
        double low = 1;
        double high = 2;
        for (; excess(high) < 0 && high < 1e100; high *= 16)
            low = high;
        find_root(excess, low, high);
        for (double& weight : result)
            weight /= sum;
        return result;
    }

    const Matrix& gramian_;
    double rho_;
    std::size_t size_;  ///< T
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
