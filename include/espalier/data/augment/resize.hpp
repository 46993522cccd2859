// SPDX-License-Identifier: MIT
/// @file Images, or parts of them, brought to another size.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/augment/move.hpp>
#include <espalier/kernels/resize.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Which parts `random_resized_crop` cuts out. Designated initialisers stand in this order.
struct ResizedCropOptions {
    std::array<double, 2> scale = {0.08, 1};          ///< share of the area, uniform in [first, second]
    std::array<double, 2> ratio = {3.0 / 4, 4.0 / 3}; ///< width to height, its logarithm uniform
};

namespace detail {

/// A part of (height, width) pixels at another size: each new pixel is the one in whose area its middle lies.
template <class T>
void nearest_part(const T* image, Index width, Index pixel, const kernels::ImagePart& part, Pair size, T* to) {
    for (Index row = 0; row < size.height; ++row) {
        const Index from = part.top + (2 * row + 1) * part.size.height / (2 * size.height);
        for (Index column = 0; column < size.width; ++column, to += pixel)
            std::copy_n(image + (from * width + part.left + (2 * column + 1) * part.size.width / (2 * size.width)) * pixel, pixel, to);
    }
}

/// The part `parts[i]` of image i at that size. Where it has it already, pixels stay bit by bit.
template <class T, class Smooth>
[[nodiscard]] Tensor<T> resized(const Tensor<T>& images, const std::vector<kernels::ImagePart>& parts, Pair size, Smooth) {
    const Index height = images.size(1), width = images.size(2), pixel = images.shape().product(3, images.rank());
    auto result = Tensor<T>::empty(images.shape().with(1, size.height).with(2, size.width));
    T* to = result.data();
    const T* image = images.data();
    for (const kernels::ImagePart& part : parts) {
        bool smooth = false;
        if constexpr (Smooth::value)
            smooth = !(part.size == size);
        if constexpr (Smooth::value)
            if (smooth)
                kernels::resize_part(image, width, pixel, part, size, true, to);
        if (!smooth)
            nearest_part(image, width, pixel, part, size, to);
        image += height * width * pixel;
        to += size.height * size.width * pixel;
    }
    return result;
}

/// Brings all of a batch of images to the part of each that `parts` says, at that size.
template <class Scalar>
void resize_parts(Batch<Scalar>& batch, const AugmentOptions& options, const std::vector<kernels::ImagePart>& parts, Pair size) {
    move_pixels(batch, options, false, [&](auto& images, auto, auto smooth) { images = resized(images, parts, size, smooth); });
    std::vector<Affine> maps;
    for (const kernels::ImagePart& part : parts) {
        const double x = static_cast<double>(size.width) / static_cast<double>(part.size.width);
        const double y = static_cast<double>(size.height) / static_cast<double>(part.size.height);
        maps.push_back({x, 0, -x * static_cast<double>(part.left), 0, y, -y * static_cast<double>(part.top)});
    }
    move_points(batch, options, maps, size);
}

/// The shape of images that have pixels.
template <class Scalar>
[[nodiscard]] Shape check_pixels(const char* operation, const Batch<Scalar>& batch, const AugmentOptions& options) {
    Shape shape = check_images(operation, batch, options);
    require<ShapeError>(shape[1] >= 1 && shape[2] >= 1, operation, "expected images of at least 1x1 pixels, got shape ", shape);
    return shape;
}

class Resize {
public:
    Resize(Pair size, AugmentOptions options) : size_{size}, options_{checked("resize", std::move(options))} { check_size("resize", size); }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random&) const {
        const Shape shape = check_pixels("resize", batch, options_);
        const kernels::ImagePart whole{0, 0, {shape[1], shape[2]}};
        if (!(whole.size == size_))
            resize_parts(batch, options_, std::vector<kernels::ImagePart>(static_cast<std::size_t>(shape[0]), whole), size_);
    }

private:
    Pair size_;
    AugmentOptions options_;
};

class RandomResizedCrop {
public:
    RandomResizedCrop(Pair size, ResizedCropOptions crop, AugmentOptions options)
        : size_{size}, crop_{crop}, options_{checked(name, std::move(options))} {
        check_size(name, size);
        require<ValueError>(crop.scale[0] > 0 && crop.scale[1] >= crop.scale[0] && is_finite(crop.scale[1]), name,
                            "expected a scale from above 0 to no less than that, got ", crop.scale[0], " to ", crop.scale[1]);
        require<ValueError>(crop.ratio[0] > 0 && crop.ratio[1] >= crop.ratio[0] && is_finite(crop.ratio[1]), name,
                            "expected a ratio from above 0 to no less than that, got ", crop.ratio[0], " to ", crop.ratio[1]);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Shape shape = check_pixels(name, batch, options_);
        std::vector<kernels::ImagePart> parts(static_cast<std::size_t>(shape[0]));
        for (kernels::ImagePart& part : parts)
            part = draw({shape[1], shape[2]}, random);
        resize_parts(batch, options_, parts, size_);
    }

private:
    static constexpr const char* name = "random_resized_crop";

    /// As torchvision draws it: what does not fit is drawn anew, ten times in all.
    [[nodiscard]] kernels::ImagePart draw(Pair image, Random& random) const {
        const double height = static_cast<double>(image.height), width = static_cast<double>(image.width);
        for (int attempt = 0; attempt < 10; ++attempt) {
            const double area = height * width * random.uniform(crop_.scale[0], crop_.scale[1]);
            const double ratio = std::exp(random.uniform(std::log(crop_.ratio[0]), std::log(crop_.ratio[1])));
            const double w = std::round(std::sqrt(area * ratio)), h = std::round(std::sqrt(area / ratio));
            if (!(w >= 1 && w <= width && h >= 1 && h <= height))
                continue;
            const Pair size{static_cast<Index>(h), static_cast<Index>(w)};
            const Index top = random.below(image.height - size.height + 1);
            return {top, random.below(image.width - size.width + 1), size};
        }
        const double ratio = std::clamp(width / height, crop_.ratio[0], crop_.ratio[1]);  // the largest part in the middle
        const auto within = [](double extent, Index most) {
            return static_cast<Index>(std::clamp(extent, 1.0, static_cast<double>(most)));
        };
        const Pair size{within(std::round(width / ratio), image.height), within(std::round(height * ratio), image.width)};
        return {(image.height - size.height) / 2, (image.width - size.width) / 2, size};
    }

    Pair size_;
    ResizedCropOptions crop_;
    AugmentOptions options_;
};

}  // namespace detail

/// Brings the images to that size, bilinear with every old pixel counted, as `io::resize`, Pillow and torchvision do it. Of targets on the
/// pixels the nearest one is taken, class or value; values that are lengths in pixels are not changed with it. Boxes and key points are
/// scaled. @throws ValueError for a size below 1x1; when called as the flips, also ShapeError for images without pixels
[[nodiscard]] inline auto resize(Pair size, AugmentOptions options = {}) { return detail::Resize{size, std::move(options)}; }
/// Cuts a part of random area and shape out of each image and brings it to that size, as torchvision's RandomResizedCrop.
/// @throws as `resize`, and ValueError for a scale or ratio that is none
[[nodiscard]] inline auto random_resized_crop(Pair size, ResizedCropOptions crop = {}, AugmentOptions options = {}) {
    return detail::RandomResizedCrop{size, crop, std::move(options)};
}

}  // namespace espalier::inline ESPALIER_ABI::data
