// SPDX-License-Identifier: MIT
/// @file How a camera was held, from the EXIF data of a JPEG file, and the image turned upright.
#pragma once

#include <espalier/io/pixels.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

/// The orientation, 1 to 8, of an APP1 segment; 1 where it has none, or is broken: then nothing says that it must be turned.
[[nodiscard]] inline int exif_orientation(std::string_view segment) noexcept {
    using namespace std::string_view_literals;
    if (!segment.starts_with("Exif\0\0"sv))
        return 1;
    const std::string_view tiff = segment.substr(6);
    const bool little = tiff.starts_with("II*\0"sv);
    if (!little && !tiff.starts_with("MM\0*"sv))
        return 1;
    const auto number = [&](std::size_t at, std::size_t bytes) {  // 0 behind the end
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < bytes && at < tiff.size() && bytes <= tiff.size() - at; ++i)
            value = value << 8 | static_cast<unsigned char>(tiff[at + (little ? bytes - 1 - i : i)]);
        return value;
    };
    const std::size_t directory = number(4, 4);
    const std::size_t entries = number(directory, 2);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t entry = directory + 2 + 12 * i;
        if (number(entry, 2) == 0x0112 && number(entry + 2, 2) == 3) {
            const auto orientation = static_cast<int>(number(entry + 8, 2));
            return orientation >= 1 && orientation <= 8 ? orientation : 1;
        }
    }
    return 1;
}

}  // namespace detail

/// The image as it was seen, from one whose EXIF data say `orientation`: 1 is upright, 3 upside down, 6 to be turned by 90 degrees
/// clockwise, 8 the other way, and 2, 4, 5, 7 the same mirrored. @throws ValueError for none of 1 to 8; ShapeError for a broken image
template <ImageSample Sample>
[[nodiscard]] Image<Sample> oriented(Image<Sample> image, int orientation) {
    require<ValueError>(orientation >= 1 && orientation <= 8, "oriented", "expected an orientation from 1 to 8, got ", orientation);
    detail::require_image("oriented", image);
    if (orientation == 1)
        return image;
    const bool turned = orientation >= 5;  // rows become columns
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    Image<Sample> result{turned ? image.width : image.height, turned ? image.height : image.width, image.channels,
                         std::vector<Sample>(image.samples.size())};
    auto to = result.samples.begin();
    for (Index y = 0; y < result.height; ++y)
        for (Index x = 0; x < result.width; ++x) {
            const Index row = turned ? x : y, column = turned ? y : x;
            const Index pixel = (from_below ? image.height - 1 - row : row) * image.width +
                                (from_right ? image.width - 1 - column : column);
            to = std::copy_n(image.samples.begin() + pixel * image.channels, image.channels, to);
        }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::io
