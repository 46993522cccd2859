// SPDX-License-Identifier: MIT
/// @file Normalisation by the root of the mean square of each row.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// weight * x / sqrt(mean of x^2 + eps) with the mean over each row of the last axis; weight is (C,). Without an eps it is the machine's
/// epsilon of the scalar, as in PyTorch. Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019, arXiv:1910.07467.
/// @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> rms_norm(const Variable<Scalar>& x, const Variable<Scalar>& weight, std::optional<double> eps = {}) {
    require<ShapeError>(x.rank() >= 1 && weight.rank() == 1 && weight.size(0) == x.size(-1), "rms_norm",
                        "expected (..., C) and a weight (C,), got input ", x.shape(), " and weight ", weight.shape());
    const Index channels = x.size(-1), rows = x.shape().product(0, x.rank() - 1);
    const auto n = static_cast<double>(std::max<Index>(channels, 1));
    const double least = eps.value_or(static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
    auto inverse = Tensor<Scalar>::empty({rows});
    auto y = Tensor<Scalar>::empty(x.shape());
    parallel_for(rows, kernels::row_grain(channels), [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) {
            const Scalar* const row = x.value().data() + r * channels;
            inverse[r] = static_cast<Scalar>(1 / std::sqrt(kernels::row_product(channels, row, row) / n + least));
            kernels::vector_loop(0, channels, [=, i = inverse[r], w = weight.value().data(), to = y.data() + r * channels](Index c) {
                to[c] = w[c] * (row[c] * i);
            });
        }
    });
    return record<Scalar>("rms_norm", std::move(y), {x, weight}, [=, inverse = std::move(inverse)](Gradients<Scalar>& g) {
        const Scalar* const in = g.input(0).data();
        if (g.needs(1)) {
            auto dw = Tensor<Scalar>::empty({g.rows(), channels});
            PoolVector<double> sums(static_cast<std::size_t>(channels));
            for (Index t = 0; t < g.rows(); ++t) {
                kernels::column_sums(rows, channels, sums.data(), [&, dy = g.cotangent().data() + t * rows * channels](Index r, Index c) {
                    return dy[r * channels + c] * (in[r * channels + c] * inverse[r]);
                });
                std::transform(sums.begin(), sums.end(), dw.data() + t * channels, [](double v) { return static_cast<Scalar>(v); });
            }
            g.add(1, std::move(dw));
        }
        if (!g.needs(0))
            return;
        Tensor<Scalar> dx = std::move(g.cotangent());
        parallel_for(g.rows() * rows, kernels::row_grain(channels), [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i) {
                Scalar* const row = dx.data() + i * channels;
                const Scalar* const from = in + i % rows * channels;
                const Scalar scale = inverse[i % rows];
                kernels::vector_loop(0, channels, [=, w = g.input(1).data()](Index c) { row[c] *= w[c]; });
                // With d = weight dy and z = x / root: dx = (d - z sum (d z) / n) / root.
                const auto mean = static_cast<Scalar>(kernels::row_product(channels, row, from) * static_cast<double>(scale) / n);
                kernels::vector_loop(0, channels, [=](Index c) { row[c] = scale * (row[c] - from[c] * scale * mean); });
            }
        });
        g.add(0, std::move(dx));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
