// SPDX-License-Identifier: MIT
/// @file Softmax and its logarithm over the last axis.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// Rows of the last axis that a thread takes at a time.
[[nodiscard]] inline Index row_grain(Index columns) noexcept { return std::max<Index>(1, 8192 / std::max<Index>(columns, 1)); }

/// y = x - log sum exp x for one row of c > 0 entries.
template <class Scalar>
void log_softmax_row(Index c, const Scalar* x, Scalar* y) {
    const Scalar top = *std::max_element(x, x + c);
    Scalar total = 0;
    for (Index i = 0; i < c; ++i)
        total += std::exp(x[i] - top);
    const Scalar shift = std::log(total);  // added to a large top it would lose its digits
    for (Index i = 0; i < c; ++i)
        y[i] = x[i] - top - shift;
}

/// y = f(row of x) over the last axis, with dx = `pull(c, y, dy, dx)` for each row.
template <class Scalar, class Forward, class Pull>
[[nodiscard]] Variable<Scalar> rowwise(const char* operation, const Variable<Scalar>& x, const Forward& forward, Pull pull) {
    require<ShapeError>(x.rank() > 0 && x.size(-1) > 0, operation, "expected a last axis of classes, got shape ", x.shape());
    const Index c = x.size(-1);
    const Index rows = x.numel() / c;
    auto y = Tensor<Scalar>::empty(x.shape());
    parallel_for(rows, row_grain(c), [&, in = x.value().data(), out = y.data()](Index begin, Index end) {
        for (Index r = begin; r < end; ++r)
            forward(c, in + r * c, out + r * c);
    });
    return record<Scalar>(operation, std::move(y), {x}, [=](Gradients<Scalar>& g) {
        Tensor<Scalar> gradient = std::move(g.cotangent());
        parallel_for(g.rows() * rows, row_grain(c), [&, out = g.output().data(), dx = gradient.data()](Index begin, Index end) {
            for (Index r = begin; r < end; ++r)
                pull(c, out + r % rows * c, dx + r * c);
        });
        g.add(0, std::move(gradient));
    });
}

}  // namespace detail

/// exp(x) / sum exp(x) over the last axis, without overflow. @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> softmax(const Variable<Scalar>& x) {
    return detail::rowwise(
        "softmax", x,
        [](Index c, const Scalar* in, Scalar* out) {
            detail::log_softmax_row(c, in, out);
            std::transform(out, out + c, out, [](Scalar v) { return std::exp(v); });
        },
        [](Index c, const Scalar* y, Scalar* dy) {
            Scalar dot = 0;
            for (Index i = 0; i < c; ++i)
                dot += y[i] * dy[i];
            for (Index i = 0; i < c; ++i)
                dy[i] = y[i] * (dy[i] - dot);
        });
}

/// x - log sum exp(x) over the last axis. @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> log_softmax(const Variable<Scalar>& x) {
    return detail::rowwise(
        "log_softmax", x, [](Index c, const Scalar* in, Scalar* out) { detail::log_softmax_row(c, in, out); },
        [](Index c, const Scalar* y, Scalar* dy) {
            Scalar total = 0;
            for (Index i = 0; i < c; ++i)
                total += dy[i];
            for (Index i = 0; i < c; ++i)
                dy[i] -= std::exp(y[i]) * total;
        });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
