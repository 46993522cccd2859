// SPDX-License-Identifier: MIT
/// @file Transparent images laid over a background of one grey.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/pixels.hpp>

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// The image as one sees it in front of `background`, 0 black and 1 white: grey or RGB, rounded. What lies below fully transparent
/// pixels, often black, often remains of something else, is gone. An image without alpha stays as it is.
/// @throws ValueError for a background outside [0, 1]; ShapeError for a broken image
template <ImageSample Sample>
[[nodiscard]] Image<Sample> over_background(Image<Sample> image, double background = 1) {
    require<ValueError>(background >= 0 && background <= 1, "over_background", "expected a background in [0, 1], got ", background);
    detail::require_image("over_background", image);
    if (image.channels % 2 == 1)
        return image;
    const auto old = static_cast<std::size_t>(image.channels), now = old - 1;
    const std::size_t pixels = image.samples.size() / old;
    constexpr double white = Image<Sample>::white;
    std::vector<Sample> samples(pixels * now);
    for (std::size_t i = 0; i < pixels; ++i) {
        const Sample* from = image.samples.data() + i * old;
        const double alpha = from[now] / white, behind = (1 - alpha) * background * white;
        for (std::size_t c = 0; c < now; ++c)
            samples[i * now + c] = static_cast<Sample>(std::lround(alpha * from[c] + behind));
    }
    return {image.height, image.width, image.channels - 1, std::move(samples)};
}

}  // namespace espalier::inline ESPALIER_ABI::io
