// SPDX-License-Identifier: MIT
/// @file Batch normalisation over channels.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/kernels/normalization.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

template <class Scalar>
void require_affine(const char* operation, const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias) {
    require<ShapeError>(x.rank() >= 2, operation, "expected (N, ..., C), got input ", x.shape());
    require<ShapeError>(weight.shape() == Shape{x.size(-1)} && bias.shape() == Shape{x.size(-1)}, operation, "expected ",
                        weight.shape().rank() == 1 ? weight.size(0) : x.size(-1), " channels, got input ", x.shape(), ", weight ",
                        weight.shape(), ", bias ", bias.shape());
}

}  // namespace detail

/// Running statistics of a batch normalisation, (C,) each; `variance` is the unbiased one, as in PyTorch.
template <class Scalar>
struct RunningStatistics {
    Tensor<Scalar> mean;
    Tensor<Scalar> variance;
};

namespace detail {

/// What batch normalisation subtracts from each channel, and what it divides it by.
template <class Scalar>
struct ChannelStatistics {
    Tensor<Scalar> mean;
    PoolVector<double> inverse;  ///< of the standard deviation, 1 / sqrt(variance + eps)

    explicit ChannelStatistics(Index channels) : mean{Tensor<Scalar>::empty({channels})}, inverse(static_cast<std::size_t>(channels)) {}

    /// weight / standard deviation
    [[nodiscard]] Tensor<Scalar> scale(const Tensor<Scalar>& weight) const {
        auto result = Tensor<Scalar>::empty(weight.shape());
        std::transform(inverse.begin(), inverse.end(), weight.begin(), result.begin(),
                       [](double i, Scalar w) { return static_cast<Scalar>(i * static_cast<double>(w)); });
        return result;
    }
};

/// Those of a batch, towards which the running ones move by `momentum`.
template <class Scalar>
[[nodiscard]] ChannelStatistics<Scalar> statistics_of_batch(Index rows, Index channels, const Scalar* x, RunningStatistics<Scalar>& running,
                                                            double momentum, double eps) {
    ChannelStatistics<Scalar> result{channels};
    const auto n = static_cast<double>(rows);
    PoolVector<double> sums(result.inverse.size());
    kernels::column_sums(rows, channels, x, sums.data());
    std::transform(sums.begin(), sums.end(), result.mean.begin(), [n](double sum) { return static_cast<Scalar>(sum / n); });
    kernels::column_squares(rows, channels, x, result.mean.data(), sums.data());
    const auto move = [=](Scalar& value, double towards) {
        value += static_cast<Scalar>(momentum * (towards - static_cast<double>(value)));
    };
    for (Index c = 0; c < channels; ++c) {
        const auto i = static_cast<std::size_t>(c);
        move(running.mean[c], static_cast<double>(result.mean[c]));
        move(running.variance[c], sums[i] / (n - 1));
        result.inverse[i] = 1 / std::sqrt(sums[i] / n + eps);
    }
    return result;
}

template <class Scalar>
[[nodiscard]] ChannelStatistics<Scalar> statistics_of(const RunningStatistics<Scalar>& running, double eps) {
    ChannelStatistics<Scalar> result{running.mean.numel()};
    std::copy(running.mean.begin(), running.mean.end(), result.mean.begin());
    std::transform(running.variance.begin(), running.variance.end(), result.inverse.begin(),
                   [=](Scalar v) { return 1 / std::sqrt(static_cast<double>(v) + eps); });
    return result;
}

/// With i = 1 / sqrt(variance + eps), z = (x - mean) i, y = weight z + bias, and sums over the n values of a channel:
///
///     dbias   = sum dy
///     dweight = sum z dy = i sum (x - mean) dy
///     dx      = weight i (dy - dbias / n - z dweight / n)    in training: mean and variance depend on x too
///     dx      = weight i dy                                  otherwise
///
/// Both dx are ((x - mean) slope + offset + dy) scale, with slope = -i dweight / n and offset = -dbias / n, or 0, and scale = weight i.
///
/// Behind them stand, if there are such, a summand (a fourth input) and ReLU.
template <class Scalar>
void add_batch_norm_gradients(Gradients<Scalar>& g, const ChannelStatistics<Scalar>& statistics, bool training, bool with_relu) {
    const Scalar* const x = g.input(0).data();
    const Scalar* const y = with_relu ? g.output().data() : nullptr;
    const PoolVector<double>& inverse = statistics.inverse;
    const Index channels = statistics.mean.numel();
    const Index rows = g.input(0).numel() / channels;
    const double share = training ? 1 / static_cast<double>(rows) : 0;
    const bool with_sums = training || g.needs(1) || g.needs(2), of_summand = g.inputs() == 4 && g.needs(3);
    if (with_relu && !with_sums)
        close_relu(g);
    Tensor<Scalar> dy = std::move(g.cotangent());
    Tensor<Scalar> apart = of_summand && g.needs(0) ? Tensor<Scalar>::empty(dy.shape()) : Tensor<Scalar>{};
    Tensor<Scalar>& dx = of_summand ? apart : dy;  // in the place of dy, unless that is still wanted
    auto dweight = Tensor<Scalar>::empty({g.rows(), channels});
    auto dbias = Tensor<Scalar>::empty({g.rows(), channels});
    auto slope = Tensor<Scalar>::empty({channels});
    auto offset = Tensor<Scalar>::empty({channels});
    const Tensor<Scalar> scale = statistics.scale(g.input(1));
    PoolVector<double> sums(2 * inverse.size());
    for (Index t = 0; t < g.rows(); ++t) {
        Scalar* const of_task = dy.data() + t * rows * channels;
        if (with_sums)
            kernels::gated_column_moments<Scalar>(rows, channels, x, statistics.mean.data(), y, of_task, sums.data());
        for (Index c = 0; c < channels; ++c) {
            const auto i = static_cast<std::size_t>(c);
            const double of_weight = sums[inverse.size() + i] * inverse[i];
            dweight[t * channels + c] = static_cast<Scalar>(of_weight);
            dbias[t * channels + c] = static_cast<Scalar>(sums[i]);
            slope[c] = static_cast<Scalar>(-share * inverse[i] * of_weight);
            offset[c] = static_cast<Scalar>(-share * sums[i]);
        }
        if (g.needs(0)) {
            const kernels::ColumnAffine<Scalar> f{statistics.mean.data(), slope.data(), offset.data()};
            kernels::affine_rows_plus<Scalar>(rows, channels, x, f, of_task, scale.data(), dx.data() + t * rows * channels);
        }
    }
    if (g.needs(0))
        g.add(0, std::move(dx));
    if (g.needs(1))
        g.add(1, std::move(dweight));
    if (g.needs(2))
        g.add(2, std::move(dbias));
    if (of_summand)
        g.add(3, std::move(dy));
}

/// Batch normalisation with what follows it in the same pass: a summand, or null, and ReLU.
template <class Scalar>
[[nodiscard]] Variable<Scalar> batch_norm(const char* operation, const Variable<Scalar>& x, const Variable<Scalar>& weight,
                                          const Variable<Scalar>& bias, RunningStatistics<Scalar>& running, bool training, double momentum,
                                          double eps, const Variable<Scalar>* summand, bool with_relu) {
    require_affine(operation, x, weight, bias);
    const Index channels = x.size(-1);
    require<ShapeError>(channels > 0, operation, "expected at least one channel, got input ", x.shape());
    const Index rows = x.numel() / channels;
    require<ShapeError>(running.mean.shape() == Shape{channels} && running.variance.shape() == Shape{channels}, operation,
                        "expected running statistics of shape (", channels, ",), got ", running.mean.shape(), " and ",
                        running.variance.shape());
    require<ShapeError>(!summand || summand->shape() == x.shape(), operation, "expected a summand of the shape of input ", x.shape(),
                        ", got ", summand ? summand->shape() : Shape{});
    require<ValueError>(!training || rows != 1, operation, "expected more than one value for each channel in training, got input ",
                        x.shape());
    training = training && rows > 0;
    auto statistics = training ? statistics_of_batch(rows, channels, x.value().data(), running, momentum, eps)
                               : statistics_of(running, eps);
    const Tensor<Scalar> scale = statistics.scale(weight.value());
    auto y = Tensor<Scalar>::empty(x.shape());
    kernels::affine_rows<Scalar>(rows, channels, x.value().data(), {statistics.mean.data(), scale.data(), bias.value().data()},
                                 summand ? summand->value().data() : nullptr, with_relu, y.data());
    auto backward = [training, with_relu, statistics = std::move(statistics)](Gradients<Scalar>& g) {
        add_batch_norm_gradients(g, statistics, training, with_relu);
    };
    if (summand)
        return record<Scalar>(operation, std::move(y), {x, weight, bias, *summand}, std::move(backward));
    return record<Scalar>(operation, std::move(y), {x, weight, bias}, std::move(backward));
}

}  // namespace detail

/// weight * (x - mean) / sqrt(variance + eps) + bias for each channel of x (N, ..., C); weight and bias are (C,).
///
/// Training takes mean and variance of this batch and moves the running ones towards them by `momentum`; otherwise the
/// running ones are used (Ioffe and Szegedy, 2015). An empty batch has no statistics and moves nothing.
/// @throws ShapeError; ValueError in training with one value a channel.
template <class Scalar>
[[nodiscard]] Variable<Scalar> batch_norm(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                          RunningStatistics<Scalar>& running, bool training, double momentum = 0.1, double eps = 1e-5) {
    return detail::batch_norm<Scalar>("batch_norm", x, weight, bias, running, training, momentum, eps, nullptr, false);
}

/// `relu(batch_norm(...))` with the same bits, in one pass each way. @throws as batch_norm.
template <class Scalar>
[[nodiscard]] Variable<Scalar> batch_norm_relu(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                               RunningStatistics<Scalar>& running, bool training, double momentum = 0.1,
                                               double eps = 1e-5) {
    return detail::batch_norm<Scalar>("batch_norm_relu", x, weight, bias, running, training, momentum, eps, nullptr, true);
}

/// `relu(batch_norm(...) + summand)` with the same bits, in one pass each way; the summand has the shape of x. @throws as batch_norm.
template <class Scalar>
[[nodiscard]] Variable<Scalar> batch_norm_add_relu(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                                   const Variable<Scalar>& summand, RunningStatistics<Scalar>& running, bool training,
                                                   double momentum = 0.1, double eps = 1e-5) {
    return detail::batch_norm<Scalar>("batch_norm_add_relu", x, weight, bias, running, training, momentum, eps, &summand, true);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
