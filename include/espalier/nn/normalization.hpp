// SPDX-License-Identifier: MIT
/// @file Batch and layer normalisation as layers.
#pragma once

#include <espalier/autograd/normalization.hpp>
#include <espalier/nn/module.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

struct BatchNormOptions {
    double epsilon = 1e-5;
    double momentum = 0.1;  ///< weight of the new batch in the running statistics
};

/// Normalises each channel of (N, ..., C): PyTorch's BatchNorm1d and BatchNorm2d in one.
template <class Scalar = float>
class BatchNorm : public Module<BatchNorm<Scalar>, Scalar> {
public:
    explicit BatchNorm(Index channels, BatchNormOptions options = {})
        : weight_{Tensor<Scalar>::ones({channels})}, bias_{Tensor<Scalar>{Shape{channels}}},
          running_{Tensor<Scalar>{Shape{channels}}, Tensor<Scalar>::ones({channels})}, options_{options} {}

    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        return autograd::batch_norm<Scalar>(x, weight_, bias_, running_, training_, options_.momentum, options_.epsilon);
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        visitor("bias", bias_);
        visitor("running_mean", running_.mean);
        visitor("running_var", running_.variance);
        visitor.mode(training_);
    }

private:
    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    autograd::RunningStatistics<Scalar> running_;
    BatchNormOptions options_;
    bool training_ = true;
};

/// Normalises each row of the last axis.
template <class Scalar = float>
class LayerNorm : public Module<LayerNorm<Scalar>, Scalar> {
public:
    explicit LayerNorm(Index features, double epsilon = 1e-5)
        : weight_{Tensor<Scalar>::ones({features})}, bias_{Tensor<Scalar>{Shape{features}}}, epsilon_{epsilon} {}

    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::layer_norm<Scalar>(x, weight_, bias_, epsilon_);
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        visitor("bias", bias_);
    }

private:
    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    double epsilon_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
