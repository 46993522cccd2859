// SPDX-License-Identifier: MIT
/// @file Rows that are normalised by a mean and a deviation of their own, there and back, each with its definition for any scalar;
/// simd/row_norm.ipp has it for vectors of float.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::kernels {

/// What a row is normalised by: z = (x - mean) inverse, of which the results are w z.
template <class Scalar>
using NormalisedRow = simd::NormalisedRow<Scalar>;

/// Mean, and 1 / sqrt(variance + eps), of a row of n elements; 0 for none.
template <class Scalar>
struct RowMoments {
    Scalar mean, inverse;

    [[nodiscard]] static RowMoments of(Index n, const Scalar* x, double eps) {
        const double count = n > 0 ? static_cast<double>(n) : 1;
        const auto mean = static_cast<Scalar>(row_sum(n, x) / count);
        return {mean, static_cast<Scalar>(1 / std::sqrt(row_squares(n, x, mean) / count + eps))};
    }
};

/// y = w z + bias; a null bias is 0.
template <class Scalar>
void normalise_row(const NormalisedRow<Scalar>& row, const Scalar* bias, Scalar* y) {
    if constexpr (simd::vectorised<Scalar>)
        simd::kernels_of<simd::RowNorm>().value(row, bias, y);
    else
        for (Index i = 0; i < row.n; ++i)
            y[i] = row.weight[i] * row.normalised(i) + (bias ? bias[i] : Scalar(0));
}

/// With d = w dy: sum d and sum d z.
struct RowSlopes {
    double of_one, of_z;
};
template <class Scalar>
[[nodiscard]] RowSlopes row_slopes(const NormalisedRow<Scalar>& row, const Scalar* dy) {
    double sums[2] = {0, 0};
    if constexpr (simd::vectorised<Scalar>)
        simd::kernels_of<simd::RowNorm>().slopes(row, dy, sums);
    else
        for (Index i = 0; i < row.n; ++i) {
            const Scalar d = row.weight[i] * dy[i];
            sums[0] += static_cast<double>(d);
            sums[1] += static_cast<double>(d * row.normalised(i));
        }
    return {sums[0], sums[1]};
}

/// dx = (w dy - of_one - z of_z) inverse; dx may be dy.
template <class Scalar>
void normalise_row_back(const NormalisedRow<Scalar>& row, const Scalar* dy, Scalar of_one, Scalar of_z, Scalar* dx) {
    if constexpr (simd::vectorised<Scalar>)
        simd::kernels_of<simd::RowNorm>().pull(row, dy, of_one, of_z, dx);
    else
        for (Index i = 0; i < row.n; ++i)
            dx[i] = (row.weight[i] * dy[i] - of_one - row.normalised(i) * of_z) * row.inverse;
}

/// `result[c] = sum over r of z[r][c] dy[r][c]` for rows of x with their means, null for 0, and inverse deviations.
template <class Scalar>
void normalised_column_products(Index rows, Index columns, const Scalar* x, const Scalar* means, const Scalar* inverses, const Scalar* dy,
                                double* result) {
    if constexpr (simd::vectorised<Scalar>)
        column_sums_of_blocks(rows, columns, result, [=](Index row, Index count, Index column, Index width, double* sums) {
            const Index at = row * columns + column;
            simd::kernels_of<simd::RowNorm>().add_products(count, width, columns, x + at, means ? means + row : nullptr, inverses + row,
                                                           dy + at, sums);
        });
    else
        column_sums(rows, columns, result, [=](Index r, Index c) {
            const Index i = r * columns + c;
            return (means ? x[i] - means[r] : x[i]) * inverses[r] * dy[i];
        });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
