// SPDX-License-Identifier: MIT
/// @file Small linear programs, by the simplex method on a dense tableau.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// max c x with x >= 0, of which the first rows of `a x` equal `b` and the others are at most `b`. Numbers of the size of 1 are
/// expected.
///
/// Two phases, with Bland's rule, which visits no basis twice: an optimum is a corner and exact but for rounding, also where
/// constraints repeat each other.
class LinearProgram {
public:
    LinearProgram(const Matrix& a, std::span<const double> b, std::size_t equalities)
        : rows_{a.rows()}, variables_{a.columns()}, columns_{a.columns() + a.rows() - equalities}, basis_(a.rows()) {
        std::size_t artificial = columns_;
        for (std::size_t i = 0; i < rows_; ++i)
            artificial += i < equalities || b[i] < 0;
        tableau_ = Matrix{rows_ + 1, artificial + 1};
        artificial = columns_;
        for (std::size_t i = 0; i < rows_; ++i) {
            const double sign = b[i] < 0 ? -1 : 1;
            for (std::size_t j = 0; j < variables_; ++j)
                tableau_(i, j) = sign * a(i, j);
            const std::size_t slack = variables_ + i - equalities;
            if (i >= equalities)
                tableau_(i, slack) = sign;
            basis_[i] = i < equalities || b[i] < 0 ? artificial++ : slack;
            tableau_(i, basis_[i]) = 1;
            right(i) = sign * b[i];
        }
    }

    /// A corner at which c x is largest; nothing if the constraints contradict each other, or c x has no bound.
    [[nodiscard]] std::optional<Weights> maximise(std::span<const double> c) {
        if (!find_corner())
            return std::nullopt;
        for (std::size_t j = 0; j < tableau_.columns(); ++j)
            tableau_(rows_, j) = j < variables_ ? c[j] : 0;
        for (std::size_t i = 0; i < rows_; ++i)
            if (const double price = tableau_(rows_, basis_[i]); price != 0)
                add_row(rows_, i, -price);
        if (!climb())
            return std::nullopt;
        Weights x(variables_, 0.0);
        for (std::size_t i = 0; i < rows_; ++i)
            if (basis_[i] < variables_)
                x[basis_[i]] = std::max(right(i), 0.0);
        return x;
    }

private:
    static constexpr double tolerance = 1e-11;

    [[nodiscard]] double& right(std::size_t row) noexcept { return tableau_(row, tableau_.columns() - 1); }

    /// Makes the artificial variables 0, each of which stands for what its row lacks.
    [[nodiscard]] bool find_corner() {
        for (std::size_t i = 0; i < rows_; ++i)
            if (basis_[i] >= columns_)
                add_row(rows_, i, 1);
        for (std::size_t j = columns_; j + 1 < tableau_.columns(); ++j)
            tableau_(rows_, j) = 0;
        if (!climb() || right(rows_) > 1e-9)
            return false;
        for (std::size_t i = 0; i < rows_; ++i)  // those that are 0 and still in the basis: out, unless their row repeats others
            for (std::size_t j = 0; j < columns_ && basis_[i] >= columns_; ++j)
                if (std::abs(tableau_(i, j)) > 1e-9)
                    pivot(i, j);
        return true;
    }

    /// From corner to corner as long as the last row has a rising column: of these the first, and of the rows that bound it the one
    /// whose variable comes first. Rounding might still lead in a circle, of which any corner is as good.
    [[nodiscard]] bool climb() {
        for (std::size_t corners = 0; corners < 100 * tableau_.columns(); ++corners) {
            std::size_t entering = 0;
            while (entering < columns_ && tableau_(rows_, entering) <= tolerance)
                ++entering;
            if (entering == columns_)
                return true;
            std::size_t leaving = rows_;
            double least = std::numeric_limits<double>::infinity();
            for (std::size_t i = 0; i < rows_; ++i) {
                if (tableau_(i, entering) <= tolerance)
                    continue;
                const double ratio = std::max(right(i), 0.0) / tableau_(i, entering);
                if (ratio < least || (ratio == least && basis_[i] < basis_[leaving])) {
                    least = ratio;
                    leaving = i;
                }
            }
            if (leaving == rows_)
                return false;
            pivot(leaving, entering);
        }
        return true;
    }

    void pivot(std::size_t row, std::size_t column) {
        const double by = 1 / tableau_(row, column);
        for (std::size_t j = 0; j < tableau_.columns(); ++j)
            tableau_(row, j) *= by;
        for (std::size_t i = 0; i <= rows_; ++i)
            if (i != row && tableau_(i, column) != 0)
                add_row(i, row, -tableau_(i, column));
        basis_[row] = column;
    }

    void add_row(std::size_t to, std::size_t from, double factor) noexcept {
        for (std::size_t j = 0; j < tableau_.columns(); ++j)
            tableau_(to, j) += factor * tableau_(from, j);
    }

    std::size_t rows_;
    std::size_t variables_;
    std::size_t columns_;  ///< variables and slacks; artificial variables follow, and the right-hand side
    Matrix tableau_;       ///< below the rows: how much a unit of each column raises the objective
    PoolVector<std::size_t> basis_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
