// SPDX-License-Identifier: MIT
/// @file What the targets of the image readers share.
#pragma once

#include <espalier/io/image.hpp>

#include "fuzz/property.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fuzz {

/// No more pixels than a run has time for.
inline espalier::io::ImageOptions small(espalier::Index channels = 0, bool as_stored = false) {
    return {.channels = channels, .as_stored = as_stored, .max_pixels = 1 << 16};
}

template <class Sample>
std::optional<espalier::io::Image<Sample>> decoded(const std::string& bytes, const espalier::io::ImageOptions& options) {
    try {
        auto image = espalier::io::decode_image<Sample>(bytes, options, "fuzz");
        espalier::io::detail::require_image("fuzz", image);
        expect(image.height > 0 && image.width > 0, "an image has pixels");
        expect(options.channels == 0 || image.channels == options.channels, "the channels that were asked for");
        return image;
    } catch (const espalier::IoError&) {
        return std::nullopt;
    }
}

/// The image in all ways, which agree.
inline std::optional<espalier::io::Image<std::uint8_t>> decoded_in_all_ways(const std::string& bytes) {
    auto image = decoded<std::uint8_t>(bytes, small());
    const auto wide = decoded<std::uint16_t>(bytes, small());
    expect(image.has_value() == wide.has_value(), "bytes and 16 bits are refused alike");
    expect(decoded<std::uint16_t>(bytes, small(0, true)).has_value() == image.has_value(), "numbers as they are stored as well");
    expect(!decoded<std::uint8_t>(bytes, small(0, true)) || image, "in bytes they may be too large, but not the other way round");
    if (!image)
        return image;
    expect(image->height == wide->height && image->width == wide->width && image->channels == wide->channels, "one size");
    expect(decoded<std::uint8_t>(bytes, small(3)) == with_channels(*image, 3), "channels are changed after reading");
    return image;
}

}  // namespace fuzz
