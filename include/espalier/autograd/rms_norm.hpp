// SPDX-License-Identifier: MIT
/// @file Normalisation by the root of the mean square of each row.
#pragma once

#include <espalier/autograd/layer_norm.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/kernels/row_norm.hpp>

#include <algorithm>
#include <cmath>
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
    detail::RowStatistics<Scalar> statistics{{}, Tensor<Scalar>::empty({rows})};
    auto y = Tensor<Scalar>::empty(x.shape());
    parallel_for(rows, kernels::row_grain(channels), [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) {
            const Scalar* const row = x.value().data() + r * channels;
            const auto inverse = static_cast<Scalar>(1 / std::sqrt(kernels::row_product(channels, row, row) / n + least));
            statistics.inverse[r] = inverse;
            kernels::normalise_row<Scalar>({channels, row, Scalar(0), inverse, weight.value().data()}, nullptr, y.data() + r * channels);
        }
    });
    return record<Scalar>("rms_norm", std::move(y), {x, weight}, [=, statistics = std::move(statistics)](Gradients<Scalar>& g) {
        detail::add_row_norm_gradients(g, statistics, rows, channels);
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
