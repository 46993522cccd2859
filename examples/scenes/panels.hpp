// SPDX-License-Identifier: MIT
/// @file What a task says of each pixel, as a picture in colours that a person tells apart.
#pragma once

#include "../multi_fashion/dataset.hpp"
#include "dataset.hpp"

#include <espalier/io/pixels.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

namespace scenes {

using Colour = std::array<std::uint8_t, 3>;

/// The ground, and each class of garments.
inline constexpr std::array<Colour, segment_classes> palette{{{24, 26, 30},
                                                              {230, 75, 53},
                                                              {77, 187, 213},
                                                              {0, 160, 135},
                                                              {160, 120, 220},
                                                              {243, 155, 127},
                                                              {145, 209, 194},
                                                              {255, 215, 0},
                                                              {86, 120, 255},
                                                              {240, 130, 220},
                                                              {176, 130, 80}}};

[[nodiscard]] inline std::string name_of(Index garment) { return multi_fashion::class_names.at(static_cast<std::size_t>(garment)); }
[[nodiscard]] inline std::string css(const Colour& colour) {
    return espalier::concat("rgb(", int{colour[0]}, ',', int{colour[1]}, ',', int{colour[2]}, ')');
}

/// The class that each pixel of scores (N, H, W, C) puts first: (N, H, W).
[[nodiscard]] inline Tensor<Index> first_classes(const Tensor<float>& scores) {
    Tensor<Index> labels{scores.shape().axes(0, 3)};
    const Index classes = scores.size(3);
    for (Index i = 0; i < labels.numel(); ++i) {
        const float* const row = scores.data() + i * classes;
        labels[i] = std::max_element(row, row + classes) - row;
    }
    return labels;
}

/// A picture of one scene: `colour(pixel)` for each.
template <class ColourOf>
[[nodiscard]] espalier::io::Image<std::uint8_t> paint(const ColourOf& colour) {
    espalier::io::Image<std::uint8_t> image{side, side, 3, {}};
    image.samples.reserve(side * side * 3);
    for (Index pixel = 0; pixel < side * side; ++pixel) {
        const Colour found = colour(pixel);
        image.samples.insert(image.samples.end(), found.begin(), found.end());
    }
    return image;
}

[[nodiscard]] inline std::uint8_t as_byte(double value) {
    return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
}

/// The scene itself, darkened where `light` is below 1.
[[nodiscard]] inline espalier::io::Image<std::uint8_t> paint_scene(const Tensor<float>& scenes, Index number, double light = 1) {
    const float* const from = scenes.data() + number * side * side * 3;
    return paint([&](Index i) {
        const auto byte = [&](Index c) { return as_byte(light * static_cast<double>(from[i * 3 + c])); };
        return Colour{byte(0), byte(1), byte(2)};
    });
}

[[nodiscard]] inline espalier::io::Image<std::uint8_t> paint_segments(const Tensor<Index>& segments, Index number) {
    return paint([&](Index i) { return palette.at(static_cast<std::size_t>(segments[number * side * side + i])); });
}

/// White where a boundary is as good as certain; `probability(pixel)`.
template <class Probability>
[[nodiscard]] espalier::io::Image<std::uint8_t> paint_boundaries(const Probability& probability) {
    return paint([&](Index i) {
        const std::uint8_t grey = as_byte(0.1 + 0.9 * probability(i));
        return Colour{grey, grey, grey};
    });
}

/// From yellow for what is near to blue for what is far; the ground is dark.
[[nodiscard]] inline espalier::io::Image<std::uint8_t> paint_depth(const Tensor<float>& depth, const Tensor<Index>& segments,
                                                                   Index number) {
    return paint([&](Index i) {
        const Index pixel = number * side * side + i;
        if (segments[pixel] == 0)
            return palette[0];
        const double far = std::clamp((static_cast<double>(depth[pixel]) - nearest) / (farthest - nearest), 0.0, 1.0);
        return Colour{as_byte(1 - 0.9 * far), as_byte(0.9 - 0.7 * far), as_byte(0.2 + 0.5 * far)};
    });
}

}  // namespace scenes
