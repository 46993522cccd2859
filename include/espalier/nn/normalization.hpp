// SPDX-License-Identifier: MIT
/// @file Batch and layer normalisation as layers.
#pragma once

#include <espalier/autograd/layer_norm.hpp>
#include <espalier/autograd/normalization.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/nn/module.hpp>
#include <espalier/nn/undo.hpp>

#include <algorithm>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::nn {

/// Of a `BatchNorm`.
struct BatchNormOptions {
    double eps = 1e-5;
    double momentum = 0.1;  ///< weight of the new batch in the running statistics
};

namespace detail {

[[nodiscard]] inline Shape channels_of(const char* operation, Index channels) {
    require<ValueError>(channels > 0, operation, "expected at least one channel, got ", channels);
    return {channels};
}

}  // namespace detail

/// Normalises each channel of (N, ..., C): PyTorch's BatchNorm1d and BatchNorm2d in one.
template <class Scalar = float>
class BatchNorm : public Module<BatchNorm<Scalar>, Scalar> {
public:
    /// @throws ValueError for no channels, an eps that is not positive, or a momentum outside [0, 1].
    explicit BatchNorm(Index channels, BatchNormOptions options = {})
        : weight_{Tensor<Scalar>::ones(detail::channels_of("BatchNorm", channels))},
          bias_{Tensor<Scalar>{Shape{channels}}},
          running_{Tensor<Scalar>{Shape{channels}}, Tensor<Scalar>::ones({channels})},
          options_{options} {
        require<ValueError>(is_finite(options.eps) && options.eps > 0, "BatchNorm", "expected an eps above 0, got ", options.eps);
        require<ValueError>(is_finite(options.momentum) && options.momentum >= 0 && options.momentum <= 1, "BatchNorm",
                            "expected a momentum in [0, 1], got ", options.momentum);
    }

    /// @throws ShapeError; ValueError in training for one value a channel, or for values whose statistics are not finite:
    /// they would stay in the running statistics. Those are then unchanged.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        return apply(x, [&](auto& running, bool training) {
            return autograd::batch_norm<Scalar>(x, weight_, bias_, running, training, options_.momentum, options_.eps);
        });
    }
    /// `relu(layer(x))`, with the same bits. @throws as the layer
    [[nodiscard]] Variable<Scalar> with_relu(const Variable<Scalar>& x) {
        return apply(x, [&](auto& running, bool training) {
            return autograd::batch_norm_relu<Scalar>(x, weight_, bias_, running, training, options_.momentum, options_.eps);
        });
    }
    /// `relu(layer(x) + summand)` with the same bits, for a summand of the shape of x. @throws as the layer; ShapeError
    [[nodiscard]] Variable<Scalar> with_sum_and_relu(const Variable<Scalar>& x, const Variable<Scalar>& summand) {
        return apply(x, [&](auto& running, bool training) {
            return autograd::batch_norm_add_relu<Scalar>(x, weight_, bias_, summand, running, training, options_.momentum, options_.eps);
        });
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        visitor("bias", bias_);
        visitor("running_mean", running_.mean);
        visitor("running_var", running_.variance);
        visitor.mode(mode_);
    }

private:
    /// What `normalise(running statistics, training)` gives; the statistics of training are kept if they are finite.
    template <class Normalise>
    [[nodiscard]] Variable<Scalar> apply(const Variable<Scalar>& x, const Normalise& normalise) {
        if (!mode_.training())
            return normalise(running_, false);
        auto next = running_;
        auto y = normalise(next, true);
        for (Index c = 0; c < next.mean.numel(); ++c)
            require<ValueError>(is_finite(next.mean[c]) && is_finite(next.variance[c]), "batch_norm",
                                "expected finite running statistics, got mean ", next.mean[c], " and variance ", next.variance[c],
                                " in channel ", c, " after input ", x.shape());
        std::swap_ranges(next.mean.begin(), next.mean.end(), running_.mean.begin());
        std::swap_ranges(next.variance.begin(), next.variance.end(), running_.variance.begin());
        undo_on_error([this, before = std::move(next)] {
            std::copy(before.mean.begin(), before.mean.end(), running_.mean.begin());
            std::copy(before.variance.begin(), before.variance.end(), running_.variance.begin());
        });
        return y;
    }

    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    autograd::RunningStatistics<Scalar> running_;
    BatchNormOptions options_;
    Mode mode_;
};

/// Normalises each row of the last axis.
template <class Scalar = float>
class LayerNorm : public Module<LayerNorm<Scalar>, Scalar> {
public:
    /// @throws ValueError for no features or an eps that is not positive.
    explicit LayerNorm(Index features, double eps = 1e-5)
        : weight_{Tensor<Scalar>::ones(detail::channels_of("LayerNorm", features))}, bias_{Tensor<Scalar>{Shape{features}}}, eps_{eps} {
        require<ValueError>(is_finite(eps) && eps > 0, "LayerNorm", "expected an eps above 0, got ", eps);
    }

    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::layer_norm<Scalar>(x, weight_, bias_, eps_);
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        visitor("bias", bias_);
    }

private:
    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    double eps_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
