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

/// p = e^x / sum e^x for rows of c > 0 elements, without overflow; `each(r, total)` is called with every row's SumExp, in their order.
template <class Scalar, class Each>
void softmax_rows(Index rows, Index c, const Scalar* x, Scalar* p, const Each& each) {
    constexpr Index block = 32;
    Scalar top[block], sum[block];
    for (Index first = 0; first < rows; first += block) {
        const Index count = std::min(block, rows - first);
        const Scalar* row = x + first * c;
        Scalar* to = p + first * c;
        if constexpr (simd::vectorised<Scalar>)
            simd::table().softmax_rows(count, c, row, to, top, sum);
        else
            for (Index r = 0; r < count; ++r, row += c, to += c) {
                top[r] = *std::max_element(row, row + c);
                sum[r] = 0;
                for (Index i = 0; i < c; ++i)
                    sum[r] += to[i] = detail::exp_of_distance(row[i], top[r]);
                for (Index i = 0; i < c; ++i)
                    to[i] /= sum[r];
            }
        for (Index r = 0; r < count; ++r)
            each(first + r, SumExp<Scalar>{top[r], sum[r]});
    }
}

template <class Scalar>
void softmax_rows(Index rows, Index c, const Scalar* x, Scalar* p) {
    softmax_rows(rows, c, x, p, [](Index, const SumExp<Scalar>&) {});
}

/// The same of one row.
template <class Scalar>
SumExp<Scalar> softmax_row(Index c, const Scalar* x, Scalar* p) {
    SumExp<Scalar> total;
    softmax_rows(1, c, x, p, [&](Index, const SumExp<Scalar>& of_row) { total = of_row; });
    return total;
}

/// Any c elements of a row once more, to the bits of `softmax_rows`, whose result `total` is.
template <class Scalar>
void softmax_again(Index c, const Scalar* x, const SumExp<Scalar>& total, Scalar* p) {
    if constexpr (simd::vectorised<Scalar>)
        simd::table().softmax_again(c, x, total.top, total.sum, p);
    else
        for (Index i = 0; i < c; ++i)
            p[i] = detail::exp_of_distance(x[i], total.top) / total.sum;
}

/// y = x - log sum e^x for rows of c > 0 elements.
template <class Scalar>
void log_softmax_rows(Index rows, Index c, const Scalar* x, Scalar* y) {
    softmax_rows(rows, c, x, y, [=](Index r, const SumExp<Scalar>& total) {
        vector_loop(r * c, (r + 1) * c, [=, top = total.top, log_sum = total.log_sum()](Index i) { y[i] = x[i] - top - log_sum; });
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
