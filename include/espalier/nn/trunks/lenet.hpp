// SPDX-License-Identifier: MIT
/// @file The two LeNets of multi-task papers, for pairs of overlapping digits or garments.
#pragma once

#include <espalier/nn/reshape.hpp>
#include <espalier/nn/trunks/blocks.hpp>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Of a LeNet.
struct LeNetOptions {
    Index features = 50;
};

/// The trunk of Lin et al. (Pareto Multi-Task Learning, NeurIPS 2019): 9x9 and 5x5 convolutions of 10 and 20 filters, each with ReLU
/// and 2x2 max pooling, then a linear layer with ReLU. Images of the shape (H, W, C) and at least 20x20 give (N, features); 30,890
/// parameters for (36, 36, 1). Three stages: `0.0.weight`, `0.0.bias`, `1.0.weight`, `1.0.bias`, `2.1.weight`, `2.1.bias`.
/// @throws ShapeError for smaller images; ValueError for no features.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> lenet(const Shape& image, LeNetOptions options = {}) {
    detail::require_image("lenet", image, 20);
    const auto last = [](Index side) { return ((side - 8) / 2 - 4) / 2; };
    Sequential<Scalar> trunk;
    trunk.add(Sequential<Scalar>{Conv2d<Scalar>{image[2], 10, 9}, ReLU{}, MaxPool2d{2}});
    trunk.add(Sequential<Scalar>{Conv2d<Scalar>{10, 20, 5}, ReLU{}, MaxPool2d{2}});
    trunk.add(Sequential<Scalar>{Flatten{}, Linear<Scalar>{20 * last(image[0]) * last(image[1]), options.features}, ReLU{}});
    return trunk;
}

/// MultiLeNet (Sener and Koltun, Multi-Task Learning as Multi-Objective Optimization, NeurIPS 2018) without its dropout masks: two
/// 5x5 convolutions of 10 and 20 filters, each with 2x2 max pooling and ReLU, then a linear layer with ReLU. Images of the shape
/// (H, W, C) and at least 16x16 give (N, features); 21,330 parameters for (28, 28, 1). Stages and names as of `lenet`.
/// @throws ShapeError for smaller images; ValueError for no features.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> multi_lenet(const Shape& image, LeNetOptions options = {}) {
    detail::require_image("multi_lenet", image, 16);
    const auto last = [](Index side) { return ((side - 4) / 2 - 4) / 2; };
    Sequential<Scalar> trunk;
    trunk.add(Sequential<Scalar>{Conv2d<Scalar>{image[2], 10, 5}, MaxPool2d{2}, ReLU{}});
    trunk.add(Sequential<Scalar>{Conv2d<Scalar>{10, 20, 5}, MaxPool2d{2}, ReLU{}});
    trunk.add(Sequential<Scalar>{Flatten{}, Linear<Scalar>{20 * last(image[0]) * last(image[1]), options.features}, ReLU{}});
    return trunk;
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
