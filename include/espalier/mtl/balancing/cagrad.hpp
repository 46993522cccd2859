// SPDX-License-Identifier: MIT
/// @file CAGrad: near the mean of the gradients, what helps the task that gains the least.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/solvers/dual_cone.hpp>
#include <espalier/mtl/balancing/solvers/min_norm.hpp>
#include <espalier/mtl/balancing/solvers/root.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What the direction is divided by: nothing as in the paper, 1 + c^2 (LibMTL's default) or 1 + c (the authors' toy).
enum class CAGradRescale { none, one_plus_c_squared, one_plus_c };

/// Settings of `CAGrad`.
struct CAGradOptions {
    double c = 0.5;  ///< how far from the mean, relative to its length
    CAGradRescale rescale = CAGradRescale::none;
};

/// Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning" (NeurIPS 2021, arXiv:2110.14048).
///
/// The d that maximises min_i g_i d within |d - g_0| <= c |g_0|, g_0 the mean: d = g_0 + c |g_0| g_w / |g_w|, where w of the simplex
/// minimises g_w g_0 + c |g_0| |g_w|. For c < 1 it stops only where the mean is stationary; from 1 on no loss rises.
/// Solved exactly: the minimum is the min-norm point of the rows g_0 + t g_i for the one t at which t |g_w| = c |g_0|.
/// One traversal with T cotangents and one for the update; no state. Heads get their own task's gradient. May act `on_features`.
/// Refuses a negative c.
class CAGrad {
public:
    explicit CAGrad(CAGradOptions options = {}) : options_{options} {
        require<ValueError>(options_.c >= 0 && is_finite(options_.c), "CAGrad", "expected c of at least 0, got ", options_.c);
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        Weights weights = Program{gramian.matrix(), options_.c}.solve();
        const double divisor = options_.rescale == CAGradRescale::none                 ? 1
                               : options_.rescale == CAGradRescale::one_plus_c_squared ? 1 + options_.c * options_.c
                                                                                       : 1 + options_.c;
        for (double& weight : weights)
            weight /= divisor;
        return weights;
    }

private:
    class Program {
    public:
        Program(const Matrix& gramian, double c) : gramian_{gramian}, mean_(gramian.rows(), 1 / static_cast<double>(gramian.rows())) {
            const std::size_t n = gramian.rows();
            products_.assign(n, 0.0);
            for (std::size_t i = 0; i < n; ++i) {
                for (std::size_t j = 0; j < n; ++j)
                    products_[i] += gramian(i, j) * mean_[j];
                longest_ = std::max(longest_, std::sqrt(std::max(gramian(i, i), 0.0)));
            }
            mean_square_ = solvers::squared_length(gramian, mean_);
            radius_ = c * std::sqrt(mean_square_);
        }

        [[nodiscard]] Weights solve() {
            constexpr double rounding = 1e-7;  // of a length that is the difference of others
            if (radius_ <= rounding * rounding * longest_ || std::sqrt(mean_square_) <= rounding * longest_)
                return mean_;
            const Weights shortest = solvers::min_norm_weights(gramian_);
            double magnitude = 0;
            for (std::size_t i = 0; i < shortest.size(); ++i)
                magnitude += shortest[i] * std::sqrt(std::max(gramian_(i, i), 0.0));
            const double length = std::sqrt(solvers::squared_length(gramian_, shortest));
            double low = std::log(radius_ / longest_);
            if (length > rounding * magnitude)
                return search(low, std::log(radius_ / length));
            // The hull holds 0, so that no direction helps all tasks. Of those that hurt none, that nearest to the mean, if in reach.
            Weights nearest = solvers::DualCone{gramian_}.project(mean_);
            Weights apart(nearest.size());
            std::transform(nearest.begin(), nearest.end(), mean_.begin(), apart.begin(), std::minus<>{});
            if (solvers::squared_length(gramian_, apart) <= radius_ * radius_ * (1 + rounding))
                return nearest;
            double high = low + 1;
            for (int doublings = 0; reach(high) < 0; ++doublings) {
                if (doublings == 20)
                    return nearest;  // the limit
                low = high++;
            }
            return search(low, high);
        }

    private:
        /// log(t |g_w| / radius) for t = e^log_t, with t w in `added_`: it never falls.
        double reach(double log_t) {
            const double t = std::exp(log_t);
            Matrix scaled{gramian_};
            scaled *= t * t;
            Weights products(products_);
            for (double& product : products)
                product *= t;
            added_ = solvers::min_norm_weights(solvers::shifted(scaled, products, mean_square_));
            for (double& weight : added_)
                weight *= t;
            return std::log(std::sqrt(solvers::squared_length(gramian_, added_)) / radius_);
        }

        /// The mean and what is added to it at the root of `reach` between two numbers.
        [[nodiscard]] Weights search(double low, double high) {
            solvers::find_root([this](double log_t) { return reach(log_t); }, low, high);
            for (std::size_t i = 0; i < mean_.size(); ++i)
                added_[i] += mean_[i];
            return added_;
        }

        const Matrix& gramian_;
        Weights mean_;
        Weights products_;  ///< of the mean gradient with each
        Weights added_;
        double longest_ = 0;
        double mean_square_ = 0;
        double radius_ = 0;
    };

    CAGradOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
