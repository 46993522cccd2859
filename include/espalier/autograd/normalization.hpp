// SPDX-License-Identifier: MIT
/// @file Batch normalisation over channels and layer normalisation over the last axis.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/kernels/reduction.hpp>

#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

template <class Scalar>
void require_affine(const char* operation, const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias) {
    require<ShapeError>(x.rank() >= 2 && x.numel() > 0, operation, "expected (N, ..., C), got input ", x.shape());
    require<ShapeError>(weight.shape() == Shape{x.size(-1)} && bias.shape() == Shape{x.size(-1)}, operation, "expected ",
                        weight.shape().rank() == 1 ? weight.size(0) : x.size(-1), " channels, got input ", x.shape(),
                        ", weight ", weight.shape(), ", bias ", bias.shape());
}

/// The gradients of weight and bias of y = weight * normalised + bias, in each row of cotangents.
template <class Scalar>
void add_affine_gradients(Gradients<Scalar>& g, const Tensor<Scalar>& normalised, Index rows, Index channels) {
    const Scalar* const dy = g.cotangent().data();
    PoolVector<double> sums(static_cast<std::size_t>(channels));
    if (g.needs(1)) {
        auto dw = Tensor<Scalar>::empty({g.rows(), channels});
        for (Index t = 0; t < g.rows(); ++t) {
            kernels::column_sums(rows, channels, sums.data(), [&, row = dy + t * rows * channels](Index r, Index c) {
                return row[r * channels + c] * normalised[r * channels + c];
            });
            std::transform(sums.begin(), sums.end(), dw.data() + t * channels, [](double v) { return static_cast<Scalar>(v); });
        }
        g.add(1, std::move(dw));
    }
    if (g.needs(2))
        add_bias_gradient(g, 2, dy, rows, channels);
}

}  // namespace detail

/// Running statistics of a batch normalisation, (C,) each; `variance` is the unbiased one, as in PyTorch.
template <class Scalar>
struct RunningStatistics {
    Tensor<Scalar> mean;
    Tensor<Scalar> variance;
};

/// weight * (x - mean) / sqrt(variance + epsilon) + bias for each channel of x (N, ..., C); weight and bias are (C,).
///
/// Training takes mean and variance of this batch and moves the running ones towards them by `momentum`; otherwise the
/// running ones are used (Ioffe and Szegedy, 2015). @throws ShapeError; ValueError in training with one value a channel.
template <class Scalar>
[[nodiscard]] Variable<Scalar> batch_norm(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                          RunningStatistics<Scalar>& running, bool training, double momentum = 0.1,
                                          double epsilon = 1e-5) {
    detail::require_affine("batch_norm", x, weight, bias);
    const Index channels = x.size(-1);
    const Index rows = x.numel() / channels;
    require<ShapeError>(running.mean.shape() == Shape{channels} && running.variance.shape() == Shape{channels}, "batch_norm",
                        "expected running statistics of shape (", channels, ",), got ", running.mean.shape(), " and ",
                        running.variance.shape());
    require<ValueError>(!training || rows > 1, "batch_norm", "expected more than one value for each channel in training, got input ",
                        x.shape());
    const auto size = static_cast<std::size_t>(channels);
    PoolVector<double> mean(size);
    PoolVector<double> variance(size);
    const Scalar* const in = x.value().data();
    if (training) {
        const auto n = static_cast<double>(rows);
        kernels::column_sums(rows, channels, mean.data(), [=](Index r, Index c) { return in[r * channels + c]; });
        for (double& m : mean)
            m /= n;
        kernels::column_sums(rows, channels, variance.data(), [&](Index r, Index c) {
            const double d = static_cast<double>(in[r * channels + c]) - mean[static_cast<std::size_t>(c)];
            return d * d;
        });
        for (std::size_t c = 0; c < size; ++c) {
            const auto i = static_cast<Index>(c);
            running.mean[i] += static_cast<Scalar>(momentum * (mean[c] - static_cast<double>(running.mean[i])));
            running.variance[i] +=
                static_cast<Scalar>(momentum * (variance[c] / (n - 1) - static_cast<double>(running.variance[i])));
            variance[c] /= n;
        }
    } else {
        std::copy(running.mean.begin(), running.mean.end(), mean.begin());
        std::copy(running.variance.begin(), running.variance.end(), variance.begin());
    }
    PoolVector<Scalar> inverse(size);
    for (std::size_t c = 0; c < size; ++c)
        inverse[c] = static_cast<Scalar>(1 / std::sqrt(variance[c] + epsilon));
    auto normalised = Tensor<Scalar>::empty(x.shape());
    auto y = Tensor<Scalar>::empty(x.shape());
    parallel_for(rows, detail::row_grain(channels), [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r)
            for (Index c = 0; c < channels; ++c) {
                const Index i = r * channels + c;
                const auto k = static_cast<std::size_t>(c);
                normalised[i] = (in[i] - static_cast<Scalar>(mean[k])) * inverse[k];
                y[i] = weight.value()[c] * normalised[i] + bias.value()[c];
            }
    });
    return record<Scalar>("batch_norm", std::move(y), {x, weight, bias},
                          [=, normalised = std::move(normalised), inverse = std::move(inverse)](Gradients<Scalar>& g) {
        detail::add_affine_gradients(g, normalised, rows, channels);
        if (!g.needs(0))
            return;
        Tensor<Scalar> dx = std::move(g.cotangent());
        PoolVector<double> sum(inverse.size());
        PoolVector<double> dot(inverse.size());
        for (Index t = 0; t < g.rows(); ++t) {
            Scalar* const row = dx.data() + t * rows * channels;
            if (training) {
                kernels::column_sums(rows, channels, sum.data(), [=](Index r, Index c) { return row[r * channels + c]; });
                kernels::column_sums(rows, channels, dot.data(), [&](Index r, Index c) {
                    return row[r * channels + c] * normalised[r * channels + c];
                });
            }
            parallel_for(rows, detail::row_grain(channels), [&](Index begin, Index end) {
                for (Index r = begin; r < end; ++r)
                    for (Index c = 0; c < channels; ++c) {
                        const Index i = r * channels + c;
                        const auto k = static_cast<std::size_t>(c);
                        const auto n = static_cast<Scalar>(rows);
                        row[i] = g.input(1)[c] * inverse[k] *
                                 (row[i] - (static_cast<Scalar>(sum[k]) + normalised[i] * static_cast<Scalar>(dot[k])) / n);
                    }
            });
        }
        g.add(0, std::move(dx));
    });
}

/// weight * (x - mean) / sqrt(variance + epsilon) + bias with the statistics of each row of the last axis (Ba, Kiros and
/// Hinton, 2016); weight and bias are (C,). @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> layer_norm(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                          double epsilon = 1e-5) {
    detail::require_affine("layer_norm", x, weight, bias);
    const Index channels = x.size(-1);
    const Index rows = x.numel() / channels;
    auto normalised = Tensor<Scalar>::empty(x.shape());
    auto inverse = Tensor<Scalar>::empty({rows});
    auto y = Tensor<Scalar>::empty(x.shape());
    const auto n = static_cast<double>(channels);
    parallel_for(rows, detail::row_grain(channels), [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) {
            const Scalar* const in = x.value().data() + r * channels;
            double mean = 0;
            double variance = 0;
            for (Index c = 0; c < channels; ++c)
                mean += static_cast<double>(in[c]) / n;
            for (Index c = 0; c < channels; ++c)
                variance += (static_cast<double>(in[c]) - mean) * (static_cast<double>(in[c]) - mean) / n;
            inverse[r] = static_cast<Scalar>(1 / std::sqrt(variance + epsilon));
            for (Index c = 0; c < channels; ++c) {
                const Index i = r * channels + c;
                normalised[i] = (in[c] - static_cast<Scalar>(mean)) * inverse[r];
                y[i] = weight.value()[c] * normalised[i] + bias.value()[c];
            }
        }
    });
    return record<Scalar>("layer_norm", std::move(y), {x, weight, bias},
                          [=, normalised = std::move(normalised), inverse = std::move(inverse)](Gradients<Scalar>& g) {
        detail::add_affine_gradients(g, normalised, rows, channels);
        if (!g.needs(0))
            return;
        Tensor<Scalar> dx = std::move(g.cotangent());
        parallel_for(g.rows() * rows, detail::row_grain(channels), [&](Index begin, Index end) {
            for (Index r = begin; r < end; ++r) {
                Scalar* const row = dx.data() + r * channels;
                const Scalar* const z = normalised.data() + r % rows * channels;
                const Scalar* const w = g.input(1).data();
                Scalar sum = 0;
                Scalar dot = 0;
                for (Index c = 0; c < channels; ++c) {
                    sum += w[c] * row[c];
                    dot += w[c] * row[c] * z[c];
                }
                for (Index c = 0; c < channels; ++c)
                    row[c] = inverse[r % rows] * (w[c] * row[c] - (sum + z[c] * dot) / static_cast<Scalar>(channels));
            }
        });
        g.add(0, std::move(dx));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
