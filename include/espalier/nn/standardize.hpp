// SPDX-License-Identifier: MIT
/// @file Standardising as a layer: what the data were scaled by is saved with the net, which then takes raw inputs.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/moments.hpp>
#include <espalier/nn/module.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// (x - mean) / std for each channel of (N, ..., C): columns of a table as well as colours of images.
/// @code
/// nn::Sequential trunk{nn::Standardize{train.inputs()}, nn::Linear{8, 32}, nn::ReLU{}};
/// @endcode
/// Mean and std are buffers: saved and loaded with the net, not trained. As in scikit-learn's StandardScaler a channel that
/// never changes, but for the rounding of doubles, has a std of 1, so that it becomes 0.
template <class Scalar = float>
class Standardize : public Module<Standardize<Scalar>, Scalar> {
public:
    /// For a state that is loaded; until then nothing changes, mean 0 and std 1. @throws ValueError for no channels
    explicit Standardize(Index channels) {
        require<ValueError>(channels > 0, "Standardize", "expected at least one channel, got ", channels);
        mean_ = Tensor<Scalar>{Shape{channels}};
        std_ = Tensor<Scalar>::ones({channels});
    }

    /// By numbers that are known, (C,) each. @throws ShapeError; ValueError unless all are finite and each std is above 0
    Standardize(Tensor<Scalar> mean, Tensor<Scalar> std) : mean_{std::move(mean)}, std_{std::move(std)} {
        require<ShapeError>(mean_.rank() == 1 && mean_.numel() > 0 && mean_.shape() == std_.shape(), "Standardize",
                            "expected a mean and a std (channels,), got ", mean_.shape(), " and ", std_.shape());
        for (Index c = 0; c < mean_.numel(); ++c)
            require<ValueError>(is_finite(mean_[c]) && is_finite(std_[c]) && std_[c] > 0, "Standardize",
                                "expected a finite mean and a std above 0, got ", mean_[c], " and ", std_[c], " in channel ", c);
    }

    /// By the mean and deviation of data (N, ..., C): those of the training. The deviation is divided by the number of values.
    /// @throws ShapeError; ValueError for a channel without values, or with one that is not finite
    explicit Standardize(const Tensor<Scalar>& data) { fit(data, nullptr); }
    /// By the values where `mask` is true: (N,) for whole samples, or the shape of the data. @throws as above
    Standardize(const Tensor<Scalar>& data, const Tensor<bool>& mask) { fit(data, &mask); }

    /// @throws ShapeError unless the last axis has the channels
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        require<ShapeError>(x.shape().rank() > 0 && x.shape().back() == mean_.numel(), "Standardize", "expected ", mean_.numel(),
                            " channels in the last axis, got input ", x.shape());
        return (x - Variable<Scalar>{mean_}) / Variable<Scalar>{std_};
    }

    /// (C,).
    [[nodiscard]] const Tensor<Scalar>& mean() const& noexcept { return mean_; }
    [[nodiscard]] Tensor<Scalar> mean() && noexcept { return std::move(mean_); }

    void visit(Visitor<Scalar>& visitor) {
        visitor("mean", mean_);
        visitor("std", std_);
    }

private:
    void fit(const Tensor<Scalar>& data, const Tensor<bool>* mask) {
        require<ShapeError>(data.rank() >= 2 && data.shape().back() > 0, "Standardize", "expected data (N, ..., channels), got shape ",
                            data.shape());
        require<ShapeError>(!mask || mask->shape() == data.shape() || mask->shape() == Shape{data.size(0)}, "Standardize",
                            "expected a mask of shape ", Shape{data.size(0)}, " or ", data.shape(), ", got ",
                            mask ? mask->shape() : Shape{});
        const Index channels = data.shape().back();
        const Index each = mask && mask->rank() == 1 ? data.shape().product(1, data.rank()) : 1;  // values under one entry of the mask
        std::vector<Moments> moments(static_cast<std::size_t>(channels));
        for (Index i = 0; i < data.numel(); ++i) {
            if (mask && !(*mask)[i / each])
                continue;
            require<ValueError>(is_finite(data[i]), "Standardize", "expected finite values, got ", data[i], " in channel ", i % channels);
            moments[static_cast<std::size_t>(i % channels)].add(static_cast<double>(data[i]));
        }
        auto mean = Tensor<Scalar>::empty({channels});
        auto std = Tensor<Scalar>::empty({channels});
        for (Index c = 0; c < channels; ++c) {
            const Moments& found = moments[static_cast<std::size_t>(c)];
            require<ValueError>(found.count() > 0, "Standardize", "expected at least one value in every channel, got none in channel ", c);
            mean[c] = static_cast<Scalar>(found.mean());
            const auto deviation = static_cast<Scalar>(found.deviation());
            require<ValueError>(is_finite(mean[c]) && is_finite(deviation), "Standardize",
                                "expected values whose deviation is a finite number, got ", deviation, " in channel ", c);
            std[c] = deviation > 0 && !found.constant() ? deviation : Scalar(1);
        }
        mean_ = std::move(mean);
        std_ = std::move(std);
    }

    Tensor<Scalar> mean_;
    Tensor<Scalar> std_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
