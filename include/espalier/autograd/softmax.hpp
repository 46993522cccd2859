// SPDX-License-Identifier: MIT
/// @file Softmax and its logarithm over the last axis.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/kernels/softmax.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// `forward(rows, c, x, y)` over the last axis; `pull(c, y, dy, spare)` turns each row of dy into that of dx, and may write to c more.
template <class Scalar, class Forward, class Pull>
[[nodiscard]] Variable<Scalar> rowwise(const char* operation, const Variable<Scalar>& x, const Forward& forward, Pull pull) {
    require<ShapeError>(x.rank() > 0, operation, "expected a last axis of classes, got shape ", x.shape());
    const Index c = x.size(-1);
    const Index rows = c > 0 ? x.numel() / c : 0;  // rows of nothing need nothing done
    const Index grain = kernels::row_grain(c);
    auto y = Tensor<Scalar>::empty(x.shape());
    parallel_for(rows, grain, [&, in = x.value().data(), out = y.data()](Index begin, Index end) {
        forward(end - begin, c, in + begin * c, out + begin * c);
    });
    return record<Scalar>(operation, std::move(y), {x}, [=](Gradients<Scalar>& g) {
        Tensor<Scalar> gradient = std::move(g.cotangent());
        parallel_for(g.rows() * rows, grain, static_cast<std::size_t>(c) * sizeof(Scalar),
                     [&, out = g.output().data(), dx = gradient.data()](Index begin, Index end, void* spare) {
                         for (Index r = begin; r < end; ++r)
                             pull(c, out + r % rows * c, dx + r * c, static_cast<Scalar*>(spare));
                     });
        g.add(0, std::move(gradient));
    });
}

}  // namespace detail

/// exp(x) / sum exp(x) over the last axis, without overflow. @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> softmax(const Variable<Scalar>& x) {
    return detail::rowwise(
        "softmax", x, [](Index rows, Index c, const Scalar* in, Scalar* out) { kernels::softmax_rows(rows, c, in, out); },
        [](Index c, const Scalar* y, Scalar* dy, Scalar*) {
            const auto dot = static_cast<Scalar>(kernels::row_product(c, y, dy));
            kernels::vector_loop(0, c, [=](Index i) { dy[i] = y[i] * (dy[i] - dot); });
        });
}

/// x - log sum exp(x) over the last axis. @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> log_softmax(const Variable<Scalar>& x) {
    return detail::rowwise(
        "log_softmax", x, [](Index rows, Index c, const Scalar* in, Scalar* out) { kernels::log_softmax_rows(rows, c, in, out); },
        [](Index c, const Scalar* y, Scalar* dy, Scalar* p) {
            kernels::softmax_row(c, y, p);  // of y it is that of x
            const auto total = static_cast<Scalar>(kernels::row_sum(c, dy));
            kernels::vector_loop(0, c, [=](Index i) { dy[i] -= p[i] * total; });
        });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
