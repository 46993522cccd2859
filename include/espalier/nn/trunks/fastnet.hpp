// SPDX-License-Identifier: MIT
/// @file FastNet (Olafenwa and Olafenwa, FastNet, arXiv 1802.02186).
#pragma once

#include <espalier/nn/reshape.hpp>
#include <espalier/nn/trunks/blocks.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Of a `fastnet`.
struct FastNetOptions {
    double width = 1;      ///< of the paper's filters, rounded to the nearest number
    bool pool = true;      ///< false gives the map (N, H / 16, W / 16, C)
    bool flatten = false;  ///< the paper's end, means of 2x2 pixels side by side, instead of the mean of the whole image
};

namespace detail {

/// Batch normalisation, ReLU and a convolution with bias, one behind the other.
template <class Scalar>
void add_fastnet_unit(Sequential<Scalar>& stage, Index in, Index out, Index kernel) {
    stage.add(BatchNorm<Scalar>{in, {.eps = 1e-3, .momentum = 0.05}});
    stage.add(ReLU{});
    Conv2d<Scalar> convolution{in, out, kernel, {.padding = kernel / 2}};
    Random random = new_random();
    init::kaiming_normal(convolution.weight().mutable_value(), random);
    convolution.bias().mutable_value().fill(0);
    stage.add(std::move(convolution));
}

}  // namespace detail

/// FastNet: 15 convolutions of 64 and 128 filters, each behind normalisation and ReLU, four times halved by max pooling; images of
/// at least 16x16 give (N, 128). In five stages, of which the last has the three 1x1 convolutions; unit u of a stage is its elements
/// 3 u to 3 u + 2: `1.3.weight` is the normalisation and `1.5.weight` the convolution of the second unit of stage 1. Normalisation,
/// its moving statistics and initial weights are those of the authors' code, in Keras. At 32x32 the mean of the image is what the
/// paper's end gives; that one, `flatten`, takes at least 32x32 and gives (N, H / 32 * W / 32 * 128).
/// @throws ValueError for no channels, a width outside (0, 100], or `flatten` without `pool`.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> fastnet(Index channels, FastNetOptions options = {}) {
    detail::require_channels("fastnet", channels);
    detail::require_width("fastnet", options.width);
    require<ValueError>(options.pool || !options.flatten, "fastnet", "expected pooling where features are flattened, got none");
    Sequential<Scalar> trunk;
    Index in = channels;
    const auto units = [&](const std::vector<Index>& filters, Index kernel) {
        Sequential<Scalar> stage;
        for (const Index of_paper : filters) {
            const Index out = std::max<Index>(1, std::llround(options.width * static_cast<double>(of_paper)));
            detail::add_fastnet_unit(stage, in, out, kernel);
            in = out;
        }
        return stage;
    };
    for (const auto& filters : std::vector<std::vector<Index>>{{64, 128, 128, 128}, {128, 128, 128}, {128, 128, 128}, {128, 128}}) {
        auto stage = units(filters, 3);
        stage.add(MaxPool2d{2});
        trunk.add(std::move(stage));
    }
    auto last = units({128, 128, 128}, 1);
    if (options.flatten) {
        last.add(AvgPool2d{2});
        last.add(Flatten{});
    }
    detail::add_pooling(last, options.pool && !options.flatten);
    trunk.add(std::move(last));
    return trunk;
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
