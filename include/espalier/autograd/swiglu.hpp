// SPDX-License-Identifier: MIT
/// @file A gated linear unit whose gate is a SiLU (Shazeer, GLU variants improve Transformer, 2020, arXiv:2002.05202).
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/functions.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// silu(a) b of the halves a and b of the last axis, silu(a) = a sigmoid(a): (..., 2 H) gives (..., H). @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> swiglu(const Variable<Scalar>& x) {
    require<ShapeError>(x.rank() >= 1 && x.size(-1) % 2 == 0, "swiglu", "expected an even last axis, got ", x.shape());
    const Index half = x.size(-1) / 2, rows = x.shape().product(0, x.rank() - 1);
    auto gate = Tensor<Scalar>::empty(x.shape().with(-1, half));  // sigmoid(a)
    auto y = Tensor<Scalar>::empty(gate.shape());
    parallel_for(rows, kernels::row_grain(half), [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) {
            const Scalar* const a = x.value().data() + r * 2 * half;
            Scalar* const s = gate.data() + r * half;
            if constexpr (kernels::simd::vectorised<Scalar>)
                kernels::simd::kernels_of<kernels::Sigmoid>().value(half, a, s, 0);
            else
                kernels::vector_loop(0, half, [=](Index j) { s[j] = kernels::Sigmoid::value(a[j], Scalar(0)); });
            kernels::vector_loop(0, half, [=, b = a + half, out = y.data() + r * half](Index j) { out[j] = a[j] * s[j] * b[j]; });
        }
    });
    return record<Scalar>("swiglu", std::move(y), {x}, [half, rows, gate = std::move(gate)](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        parallel_for(g.rows() * rows, kernels::row_grain(half), [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i)
                kernels::vector_loop(0, half,
                                     [=, a = g.input(0).data() + i % rows * 2 * half, s = gate.data() + i % rows * half,
                                      dy = std::as_const(g.cotangent()).data() + i * half, out = dx.data() + i * 2 * half](Index j) {
                                         out[j] = dy[j] * a[half + j] * s[j] * (1 + a[j] * (1 - s[j]));
                                         out[half + j] = dy[j] * a[j] * s[j];
                                     });
        });
        g.add(0, std::move(dx));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
