// SPDX-License-Identifier: MIT
/// @file The quadratic program that min-norm points, projections on cones and constrained descents are made of.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// min 1/2 z^T C z - b^T z over z >= 0, exactly: C is a Gramian, of any rank, of rows of about unit length (or 0).
///
/// An active set after Lawson and Hanson (1974) and, for its steps, Goldfarb and Idnani (1983): the numbers above 0 are the minimum
/// of those alone; one number after another that pulls upwards joins them, while others fall back to 0. A number whose row is a
/// combination of the rows that are in has no minimum of its own: it rises until one of them falls to 0, and where none does there
/// is no minimum at all. A Cholesky factor grows and shrinks with the set, so that a step takes T times the size of the set.
class NonNegativeProgram {
public:
    /// `c` has to live as long as this.
    explicit NonNegativeProgram(const Matrix& c)
        : c_{c}, factor_{c.rows(), c.rows()}, slopes_(c.rows()), step_(c.rows()), row_(c.rows()), raised_(c.rows()) {
        set_.reserve(c.rows());
    }

    /// The minimum into `z`; false, and `z` as far as it came, if there is none.
    [[nodiscard]] bool solve(std::span<const double> b, std::span<double> z) {
        std::fill(z.begin(), z.end(), 0.0);
        std::fill(raised_.begin(), raised_.end(), 0);
        set_.clear();
        double largest = 0;
        for (const double value : b)
            largest = std::max(largest, std::abs(value));
        // Every step lowers the minimum, so that no set comes twice; only rounding could have it run on.
        for (std::size_t step = 0; step < 10 * c_.rows() + 10; ++step) {
            const std::size_t j = steepest(b, z, largest);
            if (j == c_.rows())
                break;
            if (!raise(j, b, z))
                return false;
        }
        return true;
    }

private:
    static constexpr double rank_cut = 1e-12;  ///< of a row's squared length: what may be left of it beside the others for rounding alone
    static constexpr double slope_cut = 1e-13;

    /// The number at 0 that pulls upwards the most; the size if none does by more than rounding.
    [[nodiscard]] std::size_t steepest(std::span<const double> b, std::span<const double> z, double largest) {
        const auto size = static_cast<Eigen::Index>(b.size());
        Eigen::Map<Eigen::VectorXd> slopes{slopes_.data(), size};
        slopes = Eigen::Map<const Eigen::VectorXd>{b.data(), size};
        double magnitude = largest;
        for (const std::size_t i : set_) {
            slopes -= z[i] * Eigen::Map<const Eigen::VectorXd>{&c_.data()[i * c_.columns()], size};
            magnitude += z[i] * c_(i, i);
        }
        std::size_t best = c_.rows();
        double steep = slope_cut * magnitude;
        for (std::size_t j = 0; j < c_.rows(); ++j)
            if (!raised_[j] && slopes_[j] > steep) {
                best = j;
                steep = slopes_[j];
            }
        return best;
    }

    /// Raises z[j] until it is at its minimum, and takes it into the set. False if it rises for ever.
    [[nodiscard]] bool raise(std::size_t j, std::span<const double> b, std::span<double> z) {
        double slope = slopes_[j];
        for (;;) {
            const double pivot = solve_for_step(j);
            const double full = pivot > rank_cut * c_(j, j) ? slope / pivot : infinite;
            double partial = infinite;
            std::size_t leaves = 0;
            for (std::size_t k = 0; k < set_.size(); ++k)
                if (step_[k] > 0 && z[set_[k]] / step_[k] < partial) {
                    partial = z[set_[k]] / step_[k];
                    leaves = k;
                }
            const double length = std::min(full, partial);
            if (length == infinite)
                return false;
            for (std::size_t k = 0; k < set_.size(); ++k)
                z[set_[k]] = std::max(z[set_[k]] - length * step_[k], 0.0);
            z[j] += length;
            if (full <= partial) {
                append(j, pivot);
                refresh(b, z);
                return true;
            }
            slope -= length * std::max(pivot, 0.0);
            z[set_[leaves]] = 0;
            remove(leaves);
        }
    }

    /// By how much the numbers of the set fall while z[j] rises by 1, into `step_`, and L^-1 of that column, into `row_`; returns
    /// the curvature along it: the squared length of what row j has beside the rows of the set.
    [[nodiscard]] double solve_for_step(std::size_t j) {
        for (std::size_t k = 0; k < set_.size(); ++k)
            row_[k] = c_(j, set_[k]);
        solve_lower(row_);
        double pivot = c_(j, j);
        for (std::size_t k = 0; k < set_.size(); ++k)
            pivot -= row_[k] * row_[k];
        std::copy_n(row_.begin(), set_.size(), step_.begin());
        solve_upper(step_);
        return pivot;
    }
    void append(std::size_t j, double pivot) {
        std::copy_n(row_.begin(), set_.size(), &factor_(set_.size(), 0));
        factor_(set_.size(), set_.size()) = std::sqrt(pivot);
        set_.push_back(j);
        raised_[j] = 1;
    }
    /// Takes row k out of the factor; rotations of two columns each make it lower triangular again.
    void remove(std::size_t k) {
        raised_[set_[k]] = 0;
        set_.erase(set_.begin() + static_cast<std::ptrdiff_t>(k));
        for (std::size_t i = k; i < set_.size(); ++i)
            std::copy_n(&factor_(i + 1, 0), i + 2, &factor_(i, 0));
        for (std::size_t i = k; i < set_.size(); ++i) {
            const double length = std::hypot(factor_(i, i), factor_(i, i + 1));
            const double cosine = factor_(i, i) / length;
            const double sine = factor_(i, i + 1) / length;
            for (std::size_t r = i; r < set_.size(); ++r) {
                const double x = factor_(r, i);
                factor_(r, i) = cosine * x + sine * factor_(r, i + 1);
                factor_(r, i + 1) = cosine * factor_(r, i + 1) - sine * x;
            }
        }
    }
    /// The numbers of the set once more from the beginning, without the rounding of the steps so far.
    void refresh(std::span<const double> b, std::span<double> z) {
        for (std::size_t k = 0; k < set_.size(); ++k)
            step_[k] = b[set_[k]];
        solve_lower(step_);
        solve_upper(step_);
        for (std::size_t k = 0; k < set_.size(); ++k)
            z[set_[k]] = std::max(step_[k], 0.0);
    }
    void solve_lower(Weights& x) const {
        for (std::size_t i = 0; i < set_.size(); ++i)
            x[i] = (x[i] - row(i).dot(Eigen::Map<const Eigen::VectorXd>{x.data(), row(i).size()})) / factor_(i, i);
    }
    void solve_upper(Weights& x) const {
        for (std::size_t i = set_.size(); i-- > 0;) {
            x[i] /= factor_(i, i);
            Eigen::Map<Eigen::VectorXd>{x.data(), row(i).size()} -= x[i] * row(i);
        }
    }
    /// Of the factor, left of the diagonal.
    [[nodiscard]] Eigen::Map<const Eigen::VectorXd> row(std::size_t i) const {
        return {&factor_.data()[i * factor_.columns()], static_cast<Eigen::Index>(i)};
    }

    static constexpr double infinite = std::numeric_limits<double>::infinity();

    const Matrix& c_;
    Matrix factor_;  ///< lower triangular, of the rows of the set
    PoolVector<std::size_t> set_;  ///< which numbers are above 0, in the order of the factor
    Weights slopes_;
    Weights step_;
    Weights row_;
    PoolVector<char> raised_;  ///< whether a number is in the set
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
