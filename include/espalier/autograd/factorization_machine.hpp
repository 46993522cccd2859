// SPDX-License-Identifier: MIT
/// @file The pairs of a factorisation machine: how well the vectors of a sample's fields go together, each with each.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// Of the F vectors of one sample the sums, and behind them, of each place by itself, those of the squares: both in double.
template <class Scalar>
void sum_fields(Index fields, Index width, const Scalar* x, double* sums) {
    std::fill_n(sums, 2 * width, 0.0);
    for (Index f = 0; f < fields; ++f, x += width)
        kernels::vector_loop(0, width, [=, squares = sums + width](Index d) {
            const auto value = static_cast<double>(x[d]);
            sums[d] += value;
            squares[d] += value * value;
        });
}

}  // namespace detail

/// The sum over all pairs i < j of <x_i, x_j> of the vectors of a sample's fields, (N, F, D): gives (N, 1). It costs one pass over the
/// fields, as the sum is half of the square of their sum less the sum of their squares, both in double (Rendle, "Factorization machines",
/// ICDM 2010). A field's value goes into its vector.
/// @throws ShapeError for another rank
template <class Scalar>
[[nodiscard]] Variable<Scalar> factorization_machine(const Variable<Scalar>& x) {
    require<ShapeError>(x.rank() == 3, "factorization_machine", "expected the vectors of fields (N, F, D), got ", x.shape());
    const Index samples = x.size(0), fields = x.size(1), width = x.size(2), numel = fields * width;
    const auto bytes = static_cast<std::size_t>(2 * width) * sizeof(double);
    auto y = Tensor<Scalar>::empty({samples, 1});
    parallel_for(samples, kernels::row_grain(numel), bytes, [&, out = y.data()](Index first, Index last, void* scratch) {
        auto* const sums = static_cast<double*>(scratch);
        for (Index n = first; n < last; ++n) {
            detail::sum_fields(fields, width, x.value().data() + n * numel, sums);
            double pairs = 0;
            for (Index d = 0; d < width; ++d)
                pairs += sums[d] * sums[d] - sums[width + d];
            out[n] = static_cast<Scalar>(pairs / 2);
        }
    });
    return record<Scalar>("factorization_machine", std::move(y), {x}, [=](Gradients<Scalar>& g) {
        auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        parallel_for(samples, kernels::row_grain(g.rows() * numel), bytes,
                     [&, to = gradient.data()](Index first, Index last, void* scratch) {
                         auto* const sums = static_cast<double*>(scratch);
                         for (Index n = first; n < last; ++n) {
                             const Scalar* const from = g.input(0).data() + n * numel;
                             detail::sum_fields(fields, width, from, sums);
                             for (Index t = 0; t < g.rows(); ++t) {
                                 const auto dy = static_cast<double>(g.cotangent()[t * samples + n]);
                                 Scalar* const dx = to + (t * samples + n) * numel;
                                 for (Index f = 0; f < fields; ++f)
                                     kernels::vector_loop(0, width, [=, row = f * width](Index d) {
                                         dx[row + d] = static_cast<Scalar>(dy * (sums[d] - static_cast<double>(from[row + d])));
                                     });
                             }
                         }
                     });
        g.add(0, std::move(gradient));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
