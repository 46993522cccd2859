// SPDX-License-Identifier: MIT
/// @file Eigenvalues and eigenvectors of a Gramian, those of the space that its rows span.
#pragma once

#include <espalier/mtl/balancing/matrix.hpp>

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
            const double times = f(values_[k]) * map(k).dot(Eigen::Map<const Eigen::VectorXd>{b.data(), map(k).size()});
            for (std::size_t i = 0; i < size_; ++i)
                result[i] += times * vector(k)[i];
        }
        return result;
    }
    /// G^+ b
    [[nodiscard]] PoolVector<double> pseudo_solve(std::span<const double> b) const {
        return apply([](double value) { return 1 / value; }, b);
    }

private:
    using Column = Eigen::Map<Eigen::VectorXd>;
    [[nodiscard]] Column map(std::size_t k) noexcept { return {columns_.data() + k * size_, static_cast<Eigen::Index>(size_)}; }
    [[nodiscard]] Eigen::Map<const Eigen::VectorXd> map(std::size_t k) const noexcept {
        return {columns_.data() + k * size_, static_cast<Eigen::Index>(size_)};
    }

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
            Column column = map(k);
            for (std::size_t i = 0; i < size_; ++i)
                columns_(k, i) = gramian(pivot, i);
            for (std::size_t before = 0; before < k; ++before)
                column -= columns_(before, pivot) * map(before);
            column /= root;
            columns_(k, pivot) = root;
            for (std::size_t i = 0; i < size_; ++i)
                left[i] -= columns_(k, i) * columns_(k, i);
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
                    rotated |= rotate(map(p), map(q));
        }
        for (std::size_t k = 0; k < rank(); ++k) {
            values_[k] = map(k).squaredNorm();
            map(k) /= std::sqrt(values_[k]);
        }
    }
    /// Makes two columns orthogonal; whether they were not.
    static bool rotate(Column a, Column b) {
        const double aa = a.squaredNorm();
        const double bb = b.squaredNorm();
        const double ab = a.dot(b);
        if (std::abs(ab) <= 1e-15 * std::sqrt(aa) * std::sqrt(bb))
            return false;
        const double half = (bb - aa) / (2 * ab);
        const double tangent = std::copysign(1.0, half) / (std::abs(half) + std::hypot(1.0, half));
        const double cosine = 1 / std::hypot(1.0, tangent);
        const double sine = cosine * tangent;
        for (Eigen::Index i = 0; i < a.size(); ++i) {
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
                map(k).swap(map(largest));
            }
        }
    }

    std::size_t size_;
    Matrix columns_;
    PoolVector<double> values_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
