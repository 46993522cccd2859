// SPDX-License-Identifier: MIT
/// @file What is done to each column of an array, all channels of its images: shifted, scaled and offset.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// y = (x - shift) scale + offset for x (rows, columns) or, unless z is null, that plus z, times `z_scale`; y may be z.
template <class Scalar>
void affine_rows(Index rows, Index columns, const Scalar* x, const Scalar* shift, const Scalar* scale, const Scalar* offset,
                 const Scalar* z, const Scalar* z_scale, Scalar* y) {
    parallel_for(rows, std::max<Index>(1, elementwise_grain / std::max<Index>(columns, 1)), [=](Index begin, Index end) {
        if constexpr (std::is_same_v<Scalar, float>)
            return simd::table().affine_rows(end - begin, {columns, shift, scale, offset, z_scale}, x + begin * columns,
                                             z ? z + begin * columns : nullptr, y + begin * columns);
        else
            for (Index i = begin * columns; i < end * columns; ++i) {
                const Index c = i % columns;
                const Scalar plain = (x[i] - shift[c]) * scale[c] + offset[c];
                y[i] = z ? (plain + z[i]) * z_scale[c] : plain;
            }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
