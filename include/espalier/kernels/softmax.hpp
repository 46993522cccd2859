// SPDX-License-Identifier: MIT
/// @file The softmax of one row.
#pragma once

#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::kernels {
namespace detail {

/// e^(x - top), by halves: the distance itself could overflow.
template <class Scalar>
[[nodiscard]] Scalar exp_of_distance(Scalar x, Scalar top) noexcept {
    return std::exp(2 * std::max(x / 2 - top / 2, Scalar(-5000)));
}

}  // namespace detail

/// sum e^x is `sum` e^top, and its logarithm top + `log_sum()`; added up, a large top would cost the other its digits.
template <class Scalar>
struct SumExp {
    Scalar top;  ///< the largest x
    Scalar sum;

    [[nodiscard]] Scalar log_sum() const noexcept { return std::log(sum); }
};

/// p = e^x / sum e^x for a row of c > 0 elements, without overflow.
template <class Scalar>
SumExp<Scalar> softmax_row(Index c, const Scalar* x, Scalar* p) {
    Scalar top;
    Scalar sum = 0;
    if constexpr (simd::vectorised<Scalar>) {
        sum = simd::table().softmax_row(c, x, p, &top);
    } else {
        top = *std::max_element(x, x + c);
        for (Index i = 0; i < c; ++i)
            sum += p[i] = detail::exp_of_distance(x[i], top);
        for (Index i = 0; i < c; ++i)
            p[i] /= sum;
    }
    return {top, sum};
}

/// Any c elements of a row once more, to the bits of `softmax_row`, whose result `total` is.
template <class Scalar>
void softmax_again(Index c, const Scalar* x, const SumExp<Scalar>& total, Scalar* p) {
    if constexpr (simd::vectorised<Scalar>)
        simd::table().softmax_again(c, x, total.top, total.sum, p);
    else
        for (Index i = 0; i < c; ++i)
            p[i] = detail::exp_of_distance(x[i], total.top) / total.sum;
}

/// y = x - log sum e^x for a row of c > 0 elements.
template <class Scalar>
void log_softmax_row(Index c, const Scalar* x, Scalar* y) {
    const SumExp<Scalar> total = softmax_row(c, x, y);
    vector_loop(0, c, [=, top = total.top, log_sum = total.log_sum()](Index i) { y[i] = x[i] - top - log_sum; });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
