// SPDX-License-Identifier: MIT
/// @file Squeeze and excitation (Hu, Shen and Sun, Squeeze-and-Excitation Networks, CVPR 2018).
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/adaptive_pooling.hpp>
#include <espalier/autograd/film.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/nn/conv2d.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

/// Each channel of an image times a number in (0, 1) that two 1x1 convolutions, `fc1` and `fc2`, make of the means of all channels:
/// (N, H, W, C) gives (N, H, W, C). ReLU between them and a sigmoid behind; names of parameters are torchvision's.
template <class Scalar = float>
class SqueezeExcitation : public Module<SqueezeExcitation<Scalar>, Scalar> {
public:
    /// @throws ValueError unless both counts are positive.
    SqueezeExcitation(Index channels, Index squeeze_channels) : fc1_{channels, squeeze_channels, 1}, fc2_{squeeze_channels, channels, 1} {}

    /// @throws ShapeError for images without pixels or with other channels.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        const auto scale = autograd::sigmoid(fc2_(fc1_.with_relu(autograd::adaptive_avg_pool2d(x, 1), false)));
        const Shape modulation{x.size(0), x.size(3)};
        return autograd::film(x, autograd::reshape(scale, modulation), Variable<Scalar>{Tensor<Scalar>{modulation}});
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("fc1", fc1_);
        visitor("fc2", fc2_);
    }

private:
    Conv2d<Scalar> fc1_;
    Conv2d<Scalar> fc2_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
