// SPDX-License-Identifier: MIT
/// @file What the trunks are made of: convolution, normalisation and activation as one part, initial weights, checks.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// What stands behind a batch normalisation.
enum class Activation { none, relu, relu6 };

/// Of a `conv_norm`.
struct ConvNormOptions {
    Index stride = 1;
    Index groups = 1;
    Activation activation = Activation::relu6;
};

/// A convolution without bias, whose padding keeps the image's size but for the stride, batch normalisation and activation: `0`, `1`
/// and `2` of a sequence. What torchvision calls a Conv2dNormActivation.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> conv_norm(Index in, Index out, Index kernel, ConvNormOptions options = {}) {
    Sequential<Scalar> part{
        Conv2d<Scalar>{in, out, kernel, {.stride = options.stride, .padding = kernel / 2, .groups = options.groups, .bias = false}},
        BatchNorm<Scalar>{out}};
    if (options.activation == Activation::relu)
        part.add(ReLU{});
    if (options.activation == Activation::relu6)
        part.add(ReLU6{});
    return part;
}

namespace detail {

/// As a trunk's last part, or not: what makes features (N, C) of a map (N, H, W, C).
template <class Scalar>
void add_pooling(Sequential<Scalar>& stage, bool pool) {
    if (pool)
        stage.add(GlobalAvgPool2d{});
}

/// New weights of all convolutions, normal with deviation sqrt(2 / fan out) (He et al., 2015), as torchvision draws them.
template <class Scalar>
void draw_he(Sequential<Scalar>& trunk) {
    for (auto& [path, parameter] : trunk.named_parameters())
        if (parameter.rank() == 4) {
            Random random = new_random();
            init::normal(parameter.mutable_value(), random, 0, std::sqrt(2 / static_cast<double>(init::fan(parameter.shape()).out)));
        }
}

inline void require_channels(const char* trunk, Index channels) {
    require<ValueError>(channels > 0, trunk, "expected images of at least one channel, got ", channels);
}
inline void require_width(const char* trunk, double width) {
    require<ValueError>(is_finite(width) && width > 0 && width <= 100, trunk, "expected a width multiplier in (0, 100], got ", width);
}
/// For trunks that end in a linear layer.
inline void require_image(const char* trunk, const Shape& image, Index least) {
    require<ShapeError>(image.rank() == 3 && image[0] >= least && image[1] >= least && image[2] > 0, trunk,
                        "expected the shape (H, W, C) of images of at least ", least, "x", least, ", got ", image);
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
