// SPDX-License-Identifier: MIT
/// @file EPO search: to the Pareto-optimal point on the ray of a preference.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/solvers/linear_program.hpp>
#include <espalier/mtl/balancing/solvers/min_norm.hpp>
#include <espalier/mtl/balancing/task_preferences.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `EPO`.
struct EPOOptions {
    TaskPreferences preference = {};  ///< r of each task: at the end all r_i L_i are alike, a larger one is a smaller loss; none: 1
    double tolerance = 1e-4;         ///< non-uniformity of r_i L_i below which the step only descends
};

/// Exact Pareto-optimal search (Mahapatra and Rajan, "Multi-Task Learning with User Preferences: Gradient Descent with Controlled Ascent
/// in Pareto Optimization", ICML 2020). With l_i = r_i L_i / sum r L, non-uniformity m = sum l_i log(T l_i), anchors
/// a_i = r_i (log(T l_i) - m) and p = G a: above the tolerance max p w over the simplex with (G w)_j >= 0 for the largest r_i L_i and
/// >= p_j where p_j <= 0 (>= 0 everywhere if no p_j > 0); below it max sum G w with G w >= 0 and a G w >= min(max p, 0), or without the
/// last where that is impossible. d = J^T w; the authors' program multiplies it by T.
///
/// Cost: a traversal for T cotangents, then a linear program of T unknowns. Heads get their own gradients. May act on features. No
/// state. Losses may rise on the way to the ray. @throws ValueError for a loss below 0, or preferences that are not positive; ShapeError
/// unless there is one for each task
class EPO {
public:
    explicit EPO(EPOOptions options = {}) : options_{std::move(options)} {
        for (const double r : options_.preference)
            require<ValueError>(r > 0 && is_finite(r), "EPO", "expected positive preferences, got ", r);
        require<ValueError>(options_.tolerance >= 0, "EPO", "expected a tolerance of at least 0, got ", options_.tolerance);
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        for (const double loss : gramian.losses())
            require<ValueError>(loss >= 0, "EPO", "expected losses of at least 0, got ", loss);
        const std::size_t tasks = gramian.size();
        const double trace = gramian.matrix().map().trace();
        if (!(trace > 0))
            return Weights(tasks, 1 / static_cast<double>(tasks));
        Matrix products{gramian.matrix()};
        products.map() /= trace;

        Weights scaled(tasks), anchors(tasks), rises(tasks, 0.0);
        const double uneven = non_uniformity(gramian, scaled, anchors);
        for (std::size_t i = 0; i < tasks; ++i)
            for (std::size_t j = 0; j < tasks; ++j)
                rises[i] += products(i, j) * anchors[j];
        std::optional<Weights> weights;
        if (uneven > options_.tolerance)
            weights = balance(products, scaled, rises);
        else {
            weights = descend(products, rises, true);
            if (!weights)
                weights = descend(products, rises, false);
        }
        return weights ? *std::move(weights) : solvers::min_norm_weights(gramian.matrix());  // which descends for all, but for rounding
    }

private:
    /// m; and r L and the anchors.
    [[nodiscard]] double non_uniformity(const Gramian& gramian, Weights& scaled, Weights& anchors) const {
        const auto tasks = static_cast<double>(scaled.size());
        Weights ratios(scaled.size(), 1.0);
        if (!options_.preference.empty())
            ratios = detail::preference_of(options_.preference, gramian.context(), "EPO");
        for (std::size_t i = 0; i < scaled.size(); ++i)
            scaled[i] = ratios[i] * gramian.losses()[i];
        const double sum = std::accumulate(scaled.begin(), scaled.end(), 0.0);
        double uneven = 0;
        for (std::size_t i = 0; i < scaled.size(); ++i) {
            const double part = sum > 0 ? scaled[i] / sum : 1 / tasks;
            anchors[i] = std::log(tasks * std::max(part, std::numeric_limits<double>::epsilon()));
            uneven += part * anchors[i];
        }
        for (std::size_t i = 0; i < scaled.size(); ++i)
            anchors[i] = ratios[i] * (anchors[i] - uneven);
        return uneven;
    }

    [[nodiscard]] static std::optional<Weights> balance(const Matrix& products, const Weights& scaled, const Weights& rises) {
        const std::size_t tasks = scaled.size();
        const double largest = *std::max_element(scaled.begin(), scaled.end());
        const bool any = std::any_of(rises.begin(), rises.end(), [](double rise) { return rise > 0; });
        Matrix a{1 + tasks, tasks};
        Weights b(1 + tasks, 0.0);
        for (std::size_t i = 0; i < tasks; ++i)
            if (!any || rises[i] <= 0 || scaled[i] == largest) {
                for (std::size_t j = 0; j < tasks; ++j)
                    a(1 + i, j) = -products(i, j);
                b[1 + i] = any && scaled[i] != largest ? -rises[i] : 0;
            }
        return solve(a, b, rises);
    }

    [[nodiscard]] static std::optional<Weights> descend(const Matrix& products, const Weights& rises, bool keep_balance) {
        const std::size_t tasks = rises.size();
        Matrix a{1 + tasks + keep_balance, tasks};
        Weights b(a.rows(), 0.0), total(tasks, 0.0);
        for (std::size_t i = 0; i < tasks; ++i)
            for (std::size_t j = 0; j < tasks; ++j) {
                a(1 + i, j) = -products(i, j);
                total[j] += products(i, j);
            }
        if (keep_balance) {
            for (std::size_t j = 0; j < tasks; ++j)
                a(1 + tasks, j) = -rises[j];
            b[1 + tasks] = -std::min(*std::max_element(rises.begin(), rises.end()), 0.0);
        }
        return solve(a, b, total);
    }

    /// On the simplex, which is the first row.
    [[nodiscard]] static std::optional<Weights> solve(Matrix& a, Weights& b, const Weights& objective) {
        for (std::size_t j = 0; j < a.columns(); ++j)
            a(0, j) = 1;
        b[0] = 1;
        return solvers::LinearProgram{a, b, 1}.maximise(objective);
    }

    EPOOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
