// SPDX-License-Identifier: MIT
/// @file PMGDA: first to the ray of a preference, then down along it.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/solvers/linear_program.hpp>
#include <espalier/mtl/balancing/solvers/min_norm.hpp>
#include <espalier/mtl/balancing/task_preferences.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `PMGDA`.
struct PMGDAOptions {
    TaskPreferences preference = {};  ///< proportions that the losses are to have; none: all alike
    double sigma = 0.1;              ///< how fast the distance to the ray must fall, relative to its steepest descent, in [0, 1]
    double tolerance = 0.01;         ///< distance from the ray below which the step is MGDA's
};

/// Preference-guided multiple gradient descent (Zhang et al., "PMGDA: A Preference-based Multiple Gradient Descent Algorithm", 2024,
/// arXiv 2402.09492). h is the distance of the losses from the ray of the preference. Below the tolerance w is MGDA's. Else, with u_j
/// the unit vectors of g_1 ... g_T and of the gradient of h, v = sum of m_j u_j over the simplex maximises the least g_i v, with
/// (gradient of h) v >= sigma |gradient of h|; w are the numbers with J^T w = v, which may be negative.
///
/// Cost: a traversal for T cotangents, then a linear program of T + 3 unknowns. Heads get their own gradients. May act on features. No
/// state. @throws ValueError for preferences that are not positive; ShapeError unless there is one for each task
class PMGDA {
public:
    explicit PMGDA(PMGDAOptions options = {}) : options_{std::move(options)} {
        for (const double part : options_.preference)
            require<ValueError>(part > 0 && is_finite(part), "PMGDA", "expected positive preferences, got ", part);
        require<ValueError>(options_.sigma >= 0 && options_.sigma <= 1, "PMGDA", "expected sigma in [0, 1], got ", options_.sigma);
        require<ValueError>(options_.tolerance >= 0, "PMGDA", "expected a tolerance of at least 0, got ", options_.tolerance);
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) const {
        const std::size_t tasks = gramian.size();
        Weights slopes(tasks);  // of h by the losses
        const double distance = distance_from_ray(gramian, slopes);
        const double trace = gramian.matrix().map().trace();
        if (distance < options_.tolerance || distance == 0 || !(trace > 0))
            return solvers::min_norm_weights(gramian.matrix());

        Matrix products{tasks + 1, tasks + 1};  // of the gradients and that of h, which is the last
        products.map().topLeftCorner(size(tasks), size(tasks)) = gramian.matrix().map() / trace;
        for (std::size_t i = 0; i < tasks; ++i)
            for (std::size_t j = 0; j < tasks; ++j)
                products(i, tasks) += products(i, j) * slopes[j];
        for (std::size_t i = 0; i < tasks; ++i) {
            products(tasks, i) = products(i, tasks);
            products(tasks, tasks) += products(i, tasks) * slopes[i];
        }
        Weights norms(tasks + 1);
        for (std::size_t i = 0; i <= tasks; ++i)
            norms[i] = std::sqrt(std::max(products(i, i), 0.0));
        const auto mixture = correct(products, norms);
        if (!mixture)
            return solvers::min_norm_weights(gramian.matrix());
        Weights weights(tasks);
        const double length = std::sqrt(trace);
        const double last = norms[tasks] > 0 ? (*mixture)[tasks] / norms[tasks] : 0;
        for (std::size_t i = 0; i < tasks; ++i)
            weights[i] = ((norms[i] > 0 ? (*mixture)[i] / norms[i] : 0) + last * slopes[i]) / length;
        return weights;
    }

private:
    [[nodiscard]] static Eigen::Index size(std::size_t n) noexcept { return static_cast<Eigen::Index>(n); }

    [[nodiscard]] double distance_from_ray(const Gramian& gramian, Weights& slopes) const {
        const auto losses = gramian.losses();
        const Weights ray = detail::preference_of(options_.preference, gramian.context(), "PMGDA");
        double along = 0, length = 0;
        for (std::size_t i = 0; i < ray.size(); ++i) {
            along += ray[i] * losses[i];
            length += ray[i] * ray[i];
        }
        double squares = 0;
        for (std::size_t i = 0; i < ray.size(); ++i) {
            slopes[i] = losses[i] - along / length * ray[i];
            squares += slopes[i] * slopes[i];
        }
        const double distance = std::sqrt(squares);
        for (double& slope : slopes)
            slope = distance > 0 ? slope / distance : 0;
        return distance;
    }

    /// m over the simplex, with the least g_i v as the difference of two further unknowns.
    [[nodiscard]] std::optional<Weights> correct(const Matrix& products, const Weights& norms) const {
        const std::size_t vectors = norms.size();
        Matrix a{1 + vectors, vectors + 2};
        Weights b(1 + vectors, 0.0), least(vectors + 2, 0.0);
        for (std::size_t j = 0; j < vectors; ++j) {
            a(0, j) = 1;
            for (std::size_t i = 0; i < vectors; ++i)
                a(1 + i, j) = norms[j] > 0 ? -products(i, j) / norms[j] : 0;
        }
        for (std::size_t i = 0; i + 1 < vectors; ++i) {
            a(1 + i, vectors) = 1;
            a(1 + i, vectors + 1) = -1;
        }
        b[0] = 1;
        b[vectors] = -options_.sigma * norms[vectors - 1];
        least[vectors] = 1;
        least[vectors + 1] = -1;
        return solvers::LinearProgram{a, b, 1}.maximise(least);
    }

    PMGDAOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
