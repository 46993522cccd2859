// SPDX-License-Identifier: MIT
/// @file The reference trunk: three convolutions and a wide linear layer.
#pragma once

#include <espalier/nn/reshape.hpp>
#include <espalier/nn/trunks/blocks.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Of the `reference` trunk.
struct ReferenceOptions {
    Index features = 1024;
};

/// Three 3x3 convolutions of 32, 64 and 128 filters with ReLU, each halving the image, then a linear layer with ReLU: images of the
/// shape (H, W, C) and at least 8x8 give (N, features). Four stages, `0.0.weight` to `2.0.bias` and `3.1.weight`, `3.1.bias`.
/// @throws ShapeError for smaller images; ValueError for no features.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> reference(const Shape& image, ReferenceOptions options = {}) {
    detail::require_image("reference", image, 8);
    Sequential<Scalar> trunk;
    Index channels = image[2];
    for (const Index filters : {32, 64, 128}) {
        trunk.add(Sequential<Scalar>{Conv2d<Scalar>{channels, filters, 3, {.padding = 1}}, ReLU{}, MaxPool2d{2}});
        channels = filters;
    }
    trunk.add(Sequential<Scalar>{Flatten{}, Linear<Scalar>{channels * (image[0] / 8) * (image[1] / 8), options.features}, ReLU{}});
    return trunk;
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
