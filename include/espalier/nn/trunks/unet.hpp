// SPDX-License-Identifier: MIT
/// @file U-Net (Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015).
#pragma once

#include <espalier/nn/conv_transpose2d.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/trunks/blocks.hpp>
#include <espalier/nn/trunks/u_shape.hpp>

#include <cmath>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Of a `unet`.
struct UNetOptions {
    Index width = 64;         ///< filters at the size of the image, twice as many each time it is halved
    Index depth = 4;          ///< how often that is
    bool batch_norm = false;  ///< behind each 3x3 convolution, which has no bias then; the paper has none
};

namespace detail {

/// Two 3x3 convolutions, with ReLU behind each.
template <class Scalar>
void add_unet_convolutions(Sequential<Scalar>& stage, Index in, Index out, bool batch_norm) {
    for (const Index from : {in, out})
        if (batch_norm) {
            for (auto& layer : conv_norm<Scalar>(from, out, 3, {.activation = Activation::relu}))
                stage.add(std::move(layer));
        } else {
            stage.add(Conv2d<Scalar>{from, out, 3, {.padding = 1}});
            stage.add(ReLU{});
        }
}

}  // namespace detail

/// U-Net with padding, so that a map has the size of its image: images (N, H, W, channels) of at least 2^depth pixels a side give
/// (N, H, W, width). Three stages: the two convolutions at the size of the image, all that lies below, a `UShape`, and the last two
/// convolutions. Names such as `0.0.weight`, `1.down.3.1.weight`, `1.up.0.4.weight` and `2.2.bias`. Where a side is odd, max pooling
/// leaves out its last pixel, and the way back stretches the map by it. Weights start normal by fan in, as the paper has it; its dropout
/// is left out.
/// @throws ValueError for no channels, a width that is not positive, or a depth outside [1, 10].
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> unet(Index channels, UNetOptions options = {}) {
    detail::require_channels("unet", channels);
    require<ValueError>(options.width > 0 && options.depth >= 1 && options.depth <= 10, "unet",
                        "expected a positive width and a depth in [1, 10], got ", options.width, " and ", options.depth);
    std::vector<Layer<Scalar>> down;
    std::vector<Layer<Scalar>> up;
    Index above = options.width;
    for (Index level = 1; level <= options.depth; ++level, above *= 2) {
        Sequential<Scalar> way_down;
        way_down.add(MaxPool2d{2});
        detail::add_unet_convolutions(way_down, above, 2 * above, options.batch_norm);
        down.push_back(std::move(way_down));
        Sequential<Scalar> way_up;
        if (level < options.depth)
            detail::add_unet_convolutions(way_up, 4 * above, 2 * above, options.batch_norm);
        ConvTranspose2d<Scalar> pixels{2 * above, above, 2, {.stride = 2}};
        pixels.bias().mutable_value().fill(0);
        way_up.add(std::move(pixels));
        up.push_back(std::move(way_up));
    }
    Sequential<Scalar> first;
    detail::add_unet_convolutions(first, channels, options.width, options.batch_norm);
    Sequential<Scalar> last;
    detail::add_unet_convolutions(last, 2 * options.width, options.width, options.batch_norm);
    Sequential<Scalar> trunk;
    trunk.add(std::move(first));
    trunk.add(UShape<Scalar>{std::move(down), std::move(up)});
    trunk.add(std::move(last));
    for (auto& [path, parameter] : trunk.named_parameters())
        if (parameter.rank() == 4) {
            Random random = new_random();
            const Shape& shape = parameter.shape();
            const bool rises = shape[1] == 2;  // each of its four pixels is a sum over the channels alone
            init::normal(parameter.mutable_value(), random, 0, std::sqrt(2 / static_cast<double>(rises ? shape[0] : init::fan(shape).in)));
        }
    return trunk;
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
