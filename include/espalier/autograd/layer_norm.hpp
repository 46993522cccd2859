// SPDX-License-Identifier: MIT
/// @file Layer normalisation over the last axis, and what comes back through rows that are normalised.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/normalization.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/kernels/row_norm.hpp>

#include <algorithm>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// What each row is normalised by; without means they are 0.
template <class Scalar>
struct RowStatistics {
    Tensor<Scalar> mean;
    Tensor<Scalar> inverse;  ///< 1 / sqrt(variance + eps)

    [[nodiscard]] const Scalar* means() const noexcept { return mean.numel() > 0 ? mean.data() : nullptr; }
};

/// Of y = w z + bias with z = (x - mean) inverse, in each row of cotangents: with d = w dy and means over the n elements of a row,
///
///     dw = sum z dy, dbias = sum dy    over the rows
///     dx = inverse (d - mean d - z mean (d z))
///
/// where the mean of d is left out of a row that has no mean of its own.
template <class Scalar>
void add_row_norm_gradients(Gradients<Scalar>& g, const RowStatistics<Scalar>& statistics, Index rows, Index channels) {
    const Scalar* const x = g.input(0).data();
    const Scalar* const means = statistics.means();
    const Scalar* const inverses = statistics.inverse.data();
    if (g.needs(1)) {
        const Scalar* const dy = std::as_const(g.cotangent()).data();
        auto dw = Tensor<Scalar>::empty({g.rows(), channels});
        PoolVector<double> sums(static_cast<std::size_t>(channels));
        for (Index t = 0; t < g.rows(); ++t) {
            kernels::normalised_column_products(rows, channels, x, means, inverses, dy + t * rows * channels, sums.data());
            std::transform(sums.begin(), sums.end(), dw.data() + t * channels, [](double sum) { return static_cast<Scalar>(sum); });
        }
        g.add(1, std::move(dw));
    }
    if (g.inputs() > 2 && g.needs(2))
        add_bias_gradient(g, 2, std::as_const(g.cotangent()).data(), rows, channels);
    if (!g.needs(0))
        return;
    Tensor<Scalar> dx = std::move(g.cotangent());
    const auto n = static_cast<double>(std::max<Index>(channels, 1));
    parallel_for(g.rows() * rows, kernels::row_grain(channels), [&, w = g.input(1).data(), d = dx.data()](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            const Index r = i % rows;
            const kernels::NormalisedRow<Scalar> row{channels, x + r * channels, means ? means[r] : Scalar(0), inverses[r], w};
            const kernels::RowSlopes slopes = kernels::row_slopes<Scalar>(row, d + i * channels);
            kernels::normalise_row_back<Scalar>(row, d + i * channels, static_cast<Scalar>(means ? slopes.of_one / n : 0),
                                                static_cast<Scalar>(slopes.of_z / n), d + i * channels);
        }
    });
    g.add(0, std::move(dx));
}

}  // namespace detail

/// weight * (x - mean) / sqrt(variance + eps) + bias with the statistics of each row of the last axis (Ba, Kiros and
/// Hinton, 2016); weight and bias are (C,). @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> layer_norm(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                          double eps = 1e-5) {
    detail::require_affine("layer_norm", x, weight, bias);
    const Index channels = x.size(-1);
    const Index rows = x.shape().product(0, x.rank() - 1);
    detail::RowStatistics<Scalar> statistics{Tensor<Scalar>::empty({rows}), Tensor<Scalar>::empty({rows})};
    auto y = Tensor<Scalar>::empty(x.shape());
    parallel_for(rows, kernels::row_grain(channels), [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) {
            const Scalar* const in = x.value().data() + r * channels;
            const auto [mean, inverse] = kernels::RowMoments<Scalar>::of(channels, in, eps);
            statistics.mean[r] = mean;
            statistics.inverse[r] = inverse;
            kernels::normalise_row<Scalar>({channels, in, mean, inverse, weight.value().data()}, bias.value().data(),
                                           y.data() + r * channels);
        }
    });
    return record<Scalar>("layer_norm", std::move(y), {x, weight, bias}, [=, statistics = std::move(statistics)](Gradients<Scalar>& g) {
        detail::add_row_norm_gradients(g, statistics, rows, channels);
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
