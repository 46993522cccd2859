// SPDX-License-Identifier: MIT
/// @file Eigenvalues and eigenvectors of a Gramian, those of the space that its rows span.
#pragma once

#include <espalier/mtl/balancing/matrix.hpp>
#include <espalier/mtl/balancing/solvers/arrays.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// G = V diag(values) V^T of rank r <= T, largest value first.
///
/// A Cholesky factor L with pivoting finds the rank: a row counts as a combination of others when less than `cut` of its squared
/// length is beside them, whatever the lengths of the others are. Rotations then make the columns of L orthogonal (one-sided
/// Jacobi; Veselic and Hari 1989): their directions are V, their squared lengths the values. So small eigenvalues keep their
/// relative accuracy where the lengths of the rows differ by many powers of ten, which Eigen's solver loses by its tridiagonal
/// matrix. It would also cost 2 s of compile time in every unit that sees it, and the heap above a size fixed beforehand.
class SymmetricEigen {
public:
    explicit SymmetricEigen(const Matrix& gramian, double cut = 1e-10) : size_{gramian.rows()} {
        factorize(gramian, cut);
        orthogonalize();
        sort();
    }

    [[nodiscard]] std::size_t rank() const noexcept { return values_.size(); }
    [[nodiscard]] std::span<const double> values() const noexcept { return values_; }
    [[nodiscard]] std::span<const double> vector(std::size_t k) const noexcept { return {columns_.data() + k * size_, size_}; }

    /// sum of v f(value) v^T b over all eigenvectors v: G^+ b for `f` = 1 / value.
    template <class Function>
    [[nodiscard]] PoolVector<double> apply(const Function& f, std::span<const double> b) const {
        PoolVector<double> result(size_, 0.0);
        for (std::size_t k = 0; k < rank(); ++k) {
            const double times = f(values_[k]) * dot(columns_.row(k), b.data(), size_);
            add_scaled(times, columns_.row(k), result.data(), size_);
        }
        return result;
    }
    /// G^+ b
    [[nodiscard]] PoolVector<double> pseudo_solve(std::span<const double> b) const {
        return apply([](double value) { return 1 / value; }, b);
    }

private:
    /// G = L L^T, column k of L in row k of `columns_`, until no row is left that is not a combination of those before.
    void factorize(const Matrix& gramian, double cut) {
        columns_ = Matrix{size_, size_};
        PoolVector<double> left(size_);  // of the squared length of each row
        for (std::size_t i = 0; i < size_; ++i)
            left[i] = std::max(gramian(i, i), 0.0);
        std::size_t k = 0;
        for (; k < size_; ++k) {
            std::size_t pivot = size_;
            for (std::size_t i = 0; i < size_; ++i)
                if (left[i] > cut * gramian(i, i) && (pivot == size_ || left[i] > left[pivot]))
                    pivot = i;
            if (pivot == size_)
                break;
            const double root = std::sqrt(left[pivot]);
            double* const column = columns_.row(k);
            for (std::size_t i = 0; i < size_; ++i)
                column[i] = gramian(pivot, i);
            for (std::size_t before = 0; before < k; ++before)
                add_scaled(-columns_(before, pivot), columns_.row(before), column, size_);
            for (std::size_t i = 0; i < size_; ++i)
                column[i] /= root;
            column[pivot] = root;
            for (std::size_t i = 0; i < size_; ++i)
                left[i] -= column[i] * column[i];
            left[pivot] = 0;
        }
        values_.resize(k);
    }

    void orthogonalize() {
        constexpr int sweeps = 30;  // far more than it takes: each but the first few squares what is left
        bool rotated = true;
        for (int sweep = 0; sweep < sweeps && rotated; ++sweep) {
            rotated = false;
            for (std::size_t p = 0; p + 1 < rank(); ++p)
                for (std::size_t q = p + 1; q < rank(); ++q)
                    rotated |= rotate(columns_.row(p), columns_.row(q), size_);
        }
        for (std::size_t k = 0; k < rank(); ++k) {
            double* const column = columns_.row(k);
            values_[k] = dot(column, column, size_);
            for (std::size_t i = 0; i < size_; ++i)
                column[i] /= std::sqrt(values_[k]);
        }
    }
    /// Makes two columns orthogonal; whether they were not.
    static bool rotate(double* a, double* b, std::size_t size) {
        const double aa = dot(a, a, size);
        const double bb = dot(b, b, size);
        const double ab = dot(a, b, size);
        const double rounding = 1e-16 * static_cast<double>(10 + size);
        if (std::abs(ab) <= rounding * std::sqrt(aa) * std::sqrt(bb))
            return false;
        const double half = (bb - aa) / (2 * ab);
        const double tangent = std::copysign(1.0, half) / (std::abs(half) + std::hypot(1.0, half));
        const double cosine = 1 / std::hypot(1.0, tangent);
        const double sine = cosine * tangent;
        for (std::size_t i = 0; i < size; ++i) {
            const double x = a[i];
            a[i] = cosine * x - sine * b[i];
            b[i] = sine * x + cosine * b[i];
        }
        return true;
    }

    void sort() {
        for (std::size_t k = 0; k + 1 < rank(); ++k) {
            const auto first = values_.begin() + static_cast<std::ptrdiff_t>(k);
            const auto largest = static_cast<std::size_t>(std::max_element(first, values_.end()) - values_.begin());
            if (largest != k) {
                std::swap(values_[k], values_[largest]);
                std::swap_ranges(columns_.row(k), columns_.row(k) + size_, columns_.row(largest));
            }
        }
    }

    std::size_t size_;
    Matrix columns_;
    PoolVector<double> values_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
