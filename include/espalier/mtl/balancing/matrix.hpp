// SPDX-License-Identifier: MIT
/// @file The small matrices of doubles that rules calculate with.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <initializer_list>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A row-major matrix of doubles in the pool's memory, so that a step of training allocates nothing for it.
class Matrix {
public:
    using Map = Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
    using ConstMap = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

    Matrix() = default;
    /// Zeros.
    Matrix(std::size_t rows, std::size_t columns) : rows_{rows}, columns_{columns}, values_(rows * columns, 0.0) {}
    /// Row by row. @throws ShapeError for rows of different lengths
    Matrix(std::initializer_list<std::initializer_list<double>> rows) : Matrix{rows.size(), rows.size() ? rows.begin()->size() : 0} {
        double* to = values_.data();
        for (const auto& row : rows) {
            require<ShapeError>(row.size() == columns_, "Matrix", "expected rows of ", columns_, " numbers, got one of ", row.size());
            to = std::copy(row.begin(), row.end(), to);
        }
    }

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] double& operator()(std::size_t i, std::size_t j) noexcept { return values_[i * columns_ + j]; }
    [[nodiscard]] double operator()(std::size_t i, std::size_t j) const noexcept { return values_[i * columns_ + j]; }
    [[nodiscard]] double* data() noexcept { return values_.data(); }
    [[nodiscard]] const double* data() const noexcept { return values_.data(); }

    [[nodiscard]] double* row(std::size_t i) noexcept { return values_.data() + i * columns_; }
    [[nodiscard]] const double* row(std::size_t i) const noexcept { return values_.data() + i * columns_; }
    /// The sum of the diagonal.
    [[nodiscard]] double trace() const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < std::min(rows_, columns_); ++i)
            sum += (*this)(i, i);
        return sum;
    }
    Matrix& operator*=(double factor) noexcept {
        for (double& value : values_)
            value *= factor;
        return *this;
    }
    /// Of one of the same extents.
    Matrix& operator+=(const Matrix& other) noexcept {
        for (std::size_t i = 0; i < values_.size(); ++i)
            values_[i] += other.values_[i];
        return *this;
    }

    /// For Eigen's arithmetic, over the same memory.
    [[nodiscard]] Map map() & noexcept { return {values_.data(), static_cast<Eigen::Index>(rows_), static_cast<Eigen::Index>(columns_)}; }
    [[nodiscard]] ConstMap map() const& noexcept {
        return {values_.data(), static_cast<Eigen::Index>(rows_), static_cast<Eigen::Index>(columns_)};
    }

private:
    std::size_t rows_ = 0;
    std::size_t columns_ = 0;
    PoolVector<double> values_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
