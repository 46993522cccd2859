// SPDX-License-Identifier: MIT
/// @file A decoded image as bytes or 16-bit numbers, and the ways between it and tensors. `io/image.hpp` reads files.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// What an image can be made of.
template <class Sample>
concept ImageSample = std::same_as<Sample, std::uint8_t> || std::same_as<Sample, std::uint16_t>;

/// How an image is read.
struct ImageOptions {
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; 0 as the file has them. Colours become grey as ITU-R BT.601 weighs
    /// them; alpha is left out, or opaque where it is new.
    Index channels = 0;
    /// The numbers as they are stored, for labels and depths: a palette's indices, one channel, instead of its colours, and few
    /// bits not spread over 0 to 255, nor 8 bits over 16.
    bool as_stored = false;
    bool orient = true;                    ///< turn a JPEG as its EXIF orientation says
    std::uint64_t max_pixels = 100000000;  ///< refuse more pixels than this before memory is taken for them
};

/// Samples (height, width, channels) in row-major order, 1 to 4 channels: grey, grey and alpha, RGB, RGB and alpha.
template <ImageSample Sample = std::uint8_t>
struct Image {
    Index height = 0;
    Index width = 0;
    Index channels = 0;
    std::vector<Sample> samples = {};

    static constexpr Sample white = std::numeric_limits<Sample>::max();

    friend bool operator==(const Image&, const Image&) = default;
};

namespace detail {

/// @throws ShapeError for an image whose parts do not fit together
template <class Sample>
void require_image(const char* operation, const Image<Sample>& image) {
    require<ShapeError>(image.height >= 0 && image.width >= 0 && image.channels >= 1 && image.channels <= 4, operation,
                        "expected an image of 1 to 4 channels, got ", image.height, " x ", image.width, " pixels of ", image.channels);
    // Each factor by itself, as their product might not fit in Index.
    const auto row = static_cast<std::uint64_t>(image.width) * static_cast<std::uint64_t>(image.channels);
    const bool fits = row == 0 || image.height == 0
                          ? image.samples.empty()
                          : image.samples.size() % row == 0 && image.samples.size() / row == static_cast<std::uint64_t>(image.height);
    require<ShapeError>(fits, operation, "expected ", image.height, " x ", image.width, " x ", image.channels, " samples, got ",
                        image.samples.size());
}

inline void require_channels(Index channels) {
    require<ValueError>(channels >= 0 && channels <= 4, "read_image", "expected .channels of 1 to 4, or 0 for those of the file, got ",
                        channels);
}

}  // namespace detail

/// The image with another number of channels, see `ImageOptions`. @throws ValueError for none of 0 to 4; ShapeError for a broken image
template <ImageSample Sample>
[[nodiscard]] Image<Sample> with_channels(Image<Sample> image, Index channels) {
    detail::require_channels(channels);
    detail::require_image("with_channels", image);
    if (channels == 0 || channels == image.channels)
        return image;
    const auto old = static_cast<std::size_t>(image.channels), now = static_cast<std::size_t>(channels);
    const std::size_t pixels = image.samples.size() / old;
    std::vector<Sample> samples(pixels * now);
    for (std::size_t i = 0; i < pixels; ++i) {
        const Sample* from = image.samples.data() + i * old;
        Sample* to = samples.data() + i * now;
        const Sample alpha = old % 2 == 0 ? from[old - 1] : Image<Sample>::white;
        if (now >= 3)
            for (std::size_t c = 0; c < 3; ++c)
                to[c] = from[old >= 3 ? c : 0];
        else if (old < 3)
            to[0] = from[0];
        else  // weights of 16 bits that add up to one, and a half to round
            to[0] = static_cast<Sample>(
                (std::uint64_t{from[0]} * 19595 + std::uint64_t{from[1]} * 38470 + std::uint64_t{from[2]} * 7471 + 32768) >> 16);
        if (now % 2 == 0)
            to[now - 1] = alpha;
    }
    return {image.height, image.width, channels, std::move(samples)};
}

/// (H, W, C) in [0, 1]: 1 is white. @throws ShapeError for a broken image
template <std::floating_point Scalar = float, ImageSample Sample>
[[nodiscard]] Tensor<Scalar> to_tensor(const Image<Sample>& image) {
    detail::require_image("to_tensor", image);
    auto result = Tensor<Scalar>::empty({image.height, image.width, image.channels});
    std::transform(image.samples.begin(), image.samples.end(), result.begin(),
                   [](Sample v) { return static_cast<Scalar>(v) / static_cast<Scalar>(Image<Sample>::white); });
    return result;
}

/// The samples of an image of one channel as class indices, (H, W). @throws ShapeError for several channels
template <ImageSample Sample>
[[nodiscard]] Tensor<Index> to_labels(const Image<Sample>& image) {
    detail::require_image("to_labels", image);
    require<ShapeError>(image.channels == 1, "to_labels", "expected one channel, got ", image.channels);
    auto result = Tensor<Index>::empty({image.height, image.width});
    std::copy(image.samples.begin(), image.samples.end(), result.begin());
    return result;
}

/// The samples of an image of one channel times `scale`, (H, W): depths in metres from millimetres are `to_depth(image, 0.001)`.
/// @throws ShapeError for several channels; ValueError for a scale that is not finite and above 0
template <std::floating_point Scalar = float, ImageSample Sample>
[[nodiscard]] Tensor<Scalar> to_depth(const Image<Sample>& image, double scale) {
    detail::require_image("to_depth", image);
    require<ShapeError>(image.channels == 1, "to_depth", "expected one channel, got ", image.channels);
    require<ValueError>(is_finite(scale) && scale > 0, "to_depth", "expected a finite scale above 0, got ", scale);
    auto result = Tensor<Scalar>::empty({image.height, image.width});
    std::transform(image.samples.begin(), image.samples.end(), result.begin(),
                   [scale](Sample v) { return static_cast<Scalar>(v * scale); });
    return result;
}

/// An image of (H, W, C) or (H, W) in [0, 1], rounded; what lies beyond is cut off. @throws ShapeError for other shapes; ValueError for NaN
/// or infinity
template <ImageSample Sample = std::uint8_t, std::floating_point Scalar>
[[nodiscard]] Image<Sample> from_tensor(const Tensor<Scalar>& tensor) {
    const Shape& shape = tensor.shape();
    const bool fits = shape.rank() == 2 || (shape.rank() == 3 && shape[2] >= 1 && shape[2] <= 4);
    require<ShapeError>(fits, "from_tensor", "expected a shape (H, W) or (H, W, C) of 1 to 4 channels, got ", shape);
    Image<Sample> image{shape[0], shape[1], shape.rank() == 3 ? shape[2] : 1,
                        std::vector<Sample>(static_cast<std::size_t>(tensor.numel()))};
    std::transform(tensor.begin(), tensor.end(), image.samples.begin(), [](Scalar value) {
        require<ValueError>(is_finite(value), "from_tensor", "expected finite values, got ", value);
        return static_cast<Sample>(std::lround(std::clamp(value, Scalar(0), Scalar(1)) * static_cast<Scalar>(Image<Sample>::white)));
    });
    return image;
}

/// An image of one channel from class indices (H, W). @throws ShapeError for other shapes; ValueError for an index it cannot hold
template <ImageSample Sample = std::uint8_t>
[[nodiscard]] Image<Sample> from_labels(const Tensor<Index>& labels) {
    require<ShapeError>(labels.rank() == 2, "from_labels", "expected a shape (H, W), got ", labels.shape());
    Image<Sample> image{labels.size(0), labels.size(1), 1, std::vector<Sample>(static_cast<std::size_t>(labels.numel()))};
    std::transform(labels.begin(), labels.end(), image.samples.begin(), [](Index label) {
        require<ValueError>(label >= 0 && label <= Index{Image<Sample>::white}, "from_labels", "expected labels from 0 to ",
                            Index{Image<Sample>::white}, ", got ", label);
        return static_cast<Sample>(label);
    });
    return image;
}

/// A 16-bit image from depths (H, W), each divided by `scale` and rounded: undoes `to_depth`.
/// @throws ShapeError for other shapes; ValueError for a scale as in `to_depth`, or a depth that 16 bits cannot hold
template <std::floating_point Scalar>
[[nodiscard]] Image<std::uint16_t> from_depth(const Tensor<Scalar>& depth, double scale) {
    require<ShapeError>(depth.rank() == 2, "from_depth", "expected a shape (H, W), got ", depth.shape());
    require<ValueError>(is_finite(scale) && scale > 0, "from_depth", "expected a finite scale above 0, got ", scale);
    Image<std::uint16_t> image{depth.size(0), depth.size(1), 1, std::vector<std::uint16_t>(static_cast<std::size_t>(depth.numel()))};
    std::transform(depth.begin(), depth.end(), image.samples.begin(), [scale](Scalar value) {
        const double steps = static_cast<double>(value) / scale;
        require<ValueError>(is_finite(steps) && steps > -0.5 && steps < 65535.5, "from_depth", "expected depths from 0 to ", 65535 * scale,
                            ", got ", value);
        return static_cast<std::uint16_t>(std::lround(steps));
    });
    return image;
}

}  // namespace espalier::inline ESPALIER_ABI::io
