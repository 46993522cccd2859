// SPDX-License-Identifier: MIT
/// @file The network: a trunk that gives a map of features of the size of the scene, and a head for each task.
#pragma once

#include "dataset.hpp"

#include <espalier/autograd/upsample.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/nn/trunks/fc_hardnet.hpp>
#include <espalier/nn/trunks/unet.hpp>
#include <espalier/vision/center_net.hpp>

#include <string>
#include <utility>
#include <vector>

namespace scenes {

using espalier::Pair;
namespace nn = espalier::nn;
namespace mtl = espalier::mtl;

inline const std::vector<std::string> trunks{"unet", "hardnet"};
inline constexpr Index object_stride = 4;  ///< pixels of the scene for one of the map of objects

/// A trunk, and what it gives: (N, 96 / stride, 96 / stride, channels).
struct Trunk {
    nn::Sequential<> layers;
    Index channels;
    Index stride;
};

/// U-Net on a map of half the size: a quarter of the work, for boundaries that are half as sharp.
[[nodiscard]] inline nn::Sequential<> half_size_unet() {
    nn::Sequential<> layers{nn::Conv2d{3, 32, 5, {.stride = 2, .padding = 2, .bias = false}}, nn::BatchNorm{32}, nn::ReLU{}};
    for (auto& stage : nn::trunks::unet(32, {.width = 32, .depth = 2, .batch_norm = true}))
        layers.add(std::move(stage));
    return layers;
}

/// @throws espalier::ValueError for a name that is not among `trunks`
[[nodiscard]] inline Trunk make_trunk(const std::string& name) {
    if (name == "unet")
        return {half_size_unet(), 32, 2};
    espalier::require<espalier::ValueError>(name == "hardnet", "scenes", "expected a trunk 'unet' or 'hardnet', got '", name, "'");
    return {nn::trunks::fc_hardnet70(3), 48, 4};
}

/// A map of the size of the scene with `out` channels: a 1x1 convolution, bilinear between.
[[nodiscard]] inline nn::Sequential<> dense_head(const Trunk& trunk, Index out) {
    nn::Sequential<> head{nn::Conv2d{trunk.channels, out, 1}};
    if (trunk.stride > 1)
        head.add([size = Pair{side}](const espalier::Variable<>& x) { return espalier::autograd::upsample_bilinear2d(x, size); });
    return head;
}

/// A map of a quarter of the scene's size.
[[nodiscard]] inline nn::Sequential<> object_head(const Trunk& trunk) {
    nn::Sequential<> head;
    Index channels = trunk.channels;
    for (Index stride = trunk.stride; stride < object_stride; stride *= 2) {
        head.add(nn::Conv2d{channels, 2 * channels, 3, {.stride = 2, .padding = 1, .bias = false}});
        head.add(nn::BatchNorm{2 * channels});
        head.add(nn::ReLU{});
        channels *= 2;
    }
    for (auto& layer : espalier::vision::center_head(channels, garment_classes))
        head.add(std::move(layer));
    return head;
}

[[nodiscard]] inline mtl::Head<> make_head(const std::string& task, const Trunk& trunk) {
    if (task == "objects")
        return {task, object_head(trunk)};
    return {task, dense_head(trunk, task == "segments" ? segment_classes : 1)};
}

}  // namespace scenes
