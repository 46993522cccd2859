// SPDX-License-Identifier: MIT
/// @file What is done to each column of an array, all channels of its images: shifted, scaled and offset.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// (x - shift) scale + offset, with an entry of each for every column.
template <class Scalar>
struct ColumnAffine {
    const Scalar* shift;
    const Scalar* scale;
    const Scalar* offset;
};

namespace detail {

/// Calls `body(first, last)` for parts of the rows, on all threads.
template <class Body>
void for_each_rows(Index rows, Index columns, const Body& body) {
    parallel_for(rows, elementwise_row_grain(rows, columns), body);
}

}  // namespace detail

/// y = (x - shift) scale + offset for x (rows, columns), plus z unless that is null, and what is negative made 0 if `relu`.
template <class Scalar>
void affine_rows(Index rows, Index columns, const Scalar* x, const ColumnAffine<Scalar>& f, const Scalar* z, bool relu, Scalar* y) {
    detail::for_each_rows(rows, columns, [=](Index first, Index last) {
        const Index begin = first * columns;
        if constexpr (simd::vectorised<Scalar>)
            return simd::table().affine_rows(last - first, {columns, f.shift, f.scale, f.offset, nullptr, relu}, x + begin,
                                             z ? z + begin : nullptr, y + begin);
        else
            for (Index i = begin; i < last * columns; ++i) {
                const Index c = i % columns;
                const Scalar affine = (x[i] - f.shift[c]) * f.scale[c] + f.offset[c];
                const Scalar sum = z ? affine + z[i] : affine;
                y[i] = relu && sum < 0 ? Scalar(0) : sum;
            }
    });
}
template <class Scalar>
void affine_rows(Index rows, Index columns, const Scalar* x, const ColumnAffine<Scalar>& f, Scalar* y) {
    affine_rows<Scalar>(rows, columns, x, f, nullptr, false, y);
}

/// y = ((x - shift) scale + offset + z) z_scale for x and z (rows, columns); y may be z.
template <class Scalar>
void affine_rows_plus(Index rows, Index columns, const Scalar* x, const ColumnAffine<Scalar>& f, const Scalar* z, const Scalar* z_scale,
                      Scalar* y) {
    detail::for_each_rows(rows, columns, [=](Index first, Index last) {
        if constexpr (simd::vectorised<Scalar>)
            return simd::table().affine_rows(last - first, {columns, f.shift, f.scale, f.offset, z_scale}, x + first * columns,
                                             z + first * columns, y + first * columns);
        else
            for (Index i = first * columns; i < last * columns; ++i) {
                const Index c = i % columns;
                y[i] = ((x[i] - f.shift[c]) * f.scale[c] + f.offset[c] + z[i]) * z_scale[c];
            }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
