// SPDX-License-Identifier: MIT
/// @file Images from files and to files, PNG and JPEG, each where its library is there.
///
/// @code
/// const auto photo = io::to_tensor(io::read_image("cat.jpg", {.channels = 3}));                     // (H, W, 3) in [0, 1]
/// const auto labels = io::to_labels(io::read_image("cat.png", {.as_stored = true}));                // (H, W), a palette's indices
/// const auto depth = io::to_depth(io::read_image<std::uint16_t>("depth.png", {.as_stored = true}), 0.001);  // (H, W)
/// @endcode
#pragma once

#include <espalier/io/file.hpp>
#include <espalier/io/jpeg.hpp>
#include <espalier/io/pixels.hpp>
#include <espalier/io/png.hpp>

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_PNG::inline ESPALIER_JPEG {

/// The image in the bytes of a PNG or a JPEG file, which their beginning tells apart. `name` stands for it in errors.
/// @throws IoError for other bytes, and as `decode_png` and `decode_jpeg`
template <ImageSample Sample = std::uint8_t>
[[nodiscard]] Image<Sample> decode_image(std::string_view bytes, const ImageOptions& options = {},
                                         const std::filesystem::path& name = "image") {
    if (png_detail::is_png(bytes))
        return decode_png<Sample>(bytes, options, name);
    require<IoError>(jpeg_detail::is_jpeg(bytes), "read_image", "expected a PNG or JPEG image in ", name, ", got ",
                     bytes.empty() ? "an empty file" : "other bytes");
    return decode_jpeg<Sample>(bytes, options, name);
}

/// Reads a PNG or a JPEG file, whatever its name is. @throws IoError naming the path, as `decode_image` and `read_file`
template <ImageSample Sample = std::uint8_t>
[[nodiscard]] Image<Sample> read_image(const std::filesystem::path& path, const ImageOptions& options = {}) {
    return decode_image<Sample>(read_file(path), options, path);
}

}  // namespace espalier::inline ESPALIER_ABI::io::inline ESPALIER_PNG::inline ESPALIER_JPEG
