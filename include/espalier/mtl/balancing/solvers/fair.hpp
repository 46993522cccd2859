// SPDX-License-Identifier: MIT
/// @file The weights of Nash-MTL and FairGrad: G x = x^(-1/a), by Newton's method.
#pragma once

#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// The x > 0 with (G x)_i = x_i^(-1/a) for every row that is not 0 (which gets 0): the one minimum of a convex function. Where a
/// combination of all rows is 0, a Pareto-stationary point, there is no such x, and 0 is given.
///
/// In units of the solution for orthogonal rows, x_i = G_ii^(-a/(a+1)), each row has its own, so that their lengths do not matter.
/// A step stays within x > 0, and is halved while the slope along it has turned round too much. A part in 10^12 of the rows' squared
/// lengths is added to the diagonal, so that x is bounded where a combination of some rows is 0.
class FairEquation {
public:
    FairEquation(const Matrix& gramian, double alpha) : rows_{gramian}, power_{1 / alpha}, factor_{rows_.size(), rows_.size()} {
        const std::size_t n = rows_.size();
        unit_.assign(n, 0.0);
        scale_.assign(n, 0.0);
        for (std::size_t i = 0; i < n; ++i)
            if (rows_.norms[i] > 0) {
                unit_[i] = std::pow(rows_.norms[i], -2 / (1 + power_));
                scale_[i] = unit_[i] * rows_.norms[i];
            }
        const double largest = n == 0 ? 1 : *std::max_element(scale_.begin(), scale_.end());
        for (std::size_t i = 0; i < n; ++i) {
            scale_[i] /= largest > 0 ? largest : 1;
            rows_.cosines(i, i) = rows_.norms[i] > 0 ? 1 + ridge : 0;
        }
        y_.assign(n, 1.0);
        residual_.assign(n, 0.0);
        step_.assign(n, 0.0);
        next_.assign(n, 0.0);
    }

    [[nodiscard]] Weights solve() {
        constexpr int limit = 200;
        double last = 1;
        evaluate(y_);
        for (int i = 0; i < limit; ++i) {
            newton_step();
            const double size = relative_step();
            // Far away steps are y / (1 + 1/a); near the solution each is the square of the last, but for rounding.
            if (size < 1e-15 || (last * (1 + power_) < 0.1 && size > last / 2))
                break;
            last = size;
            search();
        }
        const bool stopped = stationary();
        Weights x(y_.size(), 0.0);
        for (std::size_t i = 0; i < x.size() && !stopped; ++i)
            x[i] = y_[i] * unit_[i];
        return x;
    }

private:
    static constexpr double ridge = 1e-12;

    using Vector = Eigen::Map<const Eigen::VectorXd>;
    [[nodiscard]] static Vector vector(std::span<const double> values, std::size_t size) {
        return {values.data(), static_cast<Eigen::Index>(size)};
    }
    /// The first numbers of a row of the factor.
    [[nodiscard]] Vector first(std::size_t row, std::size_t size) const {
        return {&factor_.data()[row * factor_.columns()], static_cast<Eigen::Index>(size)};
    }

    /// C s y - s y^(-1/a) into `residual_`, s the scale of each row.
    void evaluate(std::span<const double> y) {
        const std::size_t n = y.size();
        for (std::size_t i = 0; i < n; ++i) {
            if (scale_[i] == 0)
                continue;
            double sum = 0;
            for (std::size_t j = 0; j < n; ++j)
                sum += rows_.cosines(i, j) * scale_[j] * y[j];
            residual_[i] = sum - scale_[i] * std::pow(y[i], -power_);
        }
    }

    [[nodiscard]] double relative_step() const {
        double size = 0;
        for (std::size_t i = 0; i < y_.size(); ++i)
            size = std::max(size, std::abs(step_[i]) / y_[i]);
        return size;
    }

    /// Whether the ridge makes up what x^T G x lacks of x^T x^(-1/a), and no task has a part in that which does not need it.
    [[nodiscard]] bool stationary() const {
        double carried = 0;
        double all = 0;
        for (std::size_t i = 0; i < y_.size(); ++i) {
            const double of_task = ridge * std::pow(y_[i], 1 + power_);
            if (scale_[i] > 0 && of_task < 1e-6)
                return false;
            const double part = scale_[i] * scale_[i] * std::pow(y_[i], 1 - power_);
            carried += of_task * part;
            all += part;
        }
        return carried > 0.999 * all;
    }

    /// (C + diag(y^(-1/a - 1) / a)) (s step) = -residual, by a Cholesky factor.
    void newton_step() {
        const std::size_t n = y_.size();
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < i; ++j)
                factor_(i, j) = (rows_.cosines(i, j) - first(i, j).dot(first(j, j))) / factor_(j, j);
            const double curvature = scale_[i] > 0 ? power_ * std::pow(y_[i], -power_ - 1) : 1.0;
            factor_(i, i) = std::sqrt(std::max(rows_.cosines(i, i) + curvature - first(i, i).squaredNorm(), 1e-300));
            step_[i] = -(residual_[i] + first(i, i).dot(vector(step_, i))) / factor_(i, i);
        }
        for (std::size_t i = n; i-- > 0;) {
            step_[i] /= factor_(i, i);
            for (std::size_t k = 0; k < i; ++k)
                step_[k] -= factor_(i, k) * step_[i];
        }
        for (std::size_t i = 0; i < n; ++i)
            step_[i] = scale_[i] > 0 ? step_[i] / scale_[i] : 0.0;
    }

    /// How fast the function rises along the step.
    [[nodiscard]] double slope() const {
        double sum = 0;
        for (std::size_t i = 0; i < y_.size(); ++i)
            sum += scale_[i] * residual_[i] * step_[i];
        return sum;
    }

    /// Goes as much of the step as is safe.
    void search() {
        const double before = std::abs(slope());
        double length = 1;
        for (std::size_t i = 0; i < y_.size(); ++i)
            if (step_[i] < 0)
                length = std::min(length, -0.9 * y_[i] / step_[i]);
        for (int halvings = 0; halvings < 60; ++halvings, length /= 2) {
            for (std::size_t i = 0; i < y_.size(); ++i)
                next_[i] = y_[i] + length * step_[i];
            evaluate(next_);
            if (slope() <= 0.5 * before)
                break;
        }
        std::swap(y_, next_);
    }

    UnitRows rows_;
    double power_;
    Matrix factor_;
    Weights unit_;      ///< x = y unit
    Weights scale_;     ///< of the rows in these units, at most 1
    Weights y_;
    Weights residual_;
    Weights step_;
    Weights next_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
