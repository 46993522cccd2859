// SPDX-License-Identifier: MIT
/// @file The softmax of one row.
#pragma once

#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::kernels {

/// The logarithm of sum e^x is `top + log_sum`; added up, a large top would cost the other its digits.
template <class Scalar>
struct LogSumExp {
    Scalar top;  ///< the largest x
    Scalar log_sum;
};

/// p = e^x / sum e^x for a row of c > 0 elements, without overflow.
template <class Scalar>
LogSumExp<Scalar> softmax_row(Index c, const Scalar* x, Scalar* p) {
    Scalar top;
    Scalar sum = 0;
    if constexpr (simd::vectorised<Scalar>) {
        sum = simd::table().softmax_row(c, x, p, &top);
    } else {
        top = *std::max_element(x, x + c);
        for (Index i = 0; i < c; ++i) {
            const Scalar half = std::max(x[i] / 2 - top / 2, Scalar(-5000));  // of the distance, which itself could overflow
            p[i] = std::exp(2 * half);
            sum += p[i];
        }
        for (Index i = 0; i < c; ++i)
            p[i] /= sum;
    }
    return {top, std::log(sum)};
}

/// y = x - log sum e^x for a row of c > 0 elements.
template <class Scalar>
void log_softmax_row(Index c, const Scalar* x, Scalar* y) {
    const LogSumExp<Scalar> total = softmax_row(c, x, y);
    vector_loop(0, c, [=](Index i) { y[i] = x[i] - total.top - total.log_sum; });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
