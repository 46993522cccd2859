// SPDX-License-Identifier: MIT
/// @file Shifts of images and parts that are cut out of them, without a pixel made anew.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/augment/move.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Designated initialisers stand in this order.
struct CropOptions {
    Index padding = 0;           ///< pixels that are added on each side before, of `image_fill`
    bool pad_if_needed = false;  ///< images that are smaller than what is cut out get as many more on both sides as they lack
};

namespace detail {

class RandomShift {
public:
    RandomShift(Index max_pixels, AugmentOptions options) : max_pixels_{max_pixels}, options_{checked("random_shift", std::move(options))} {
        require<ValueError>(max_pixels >= 0, "random_shift", "expected a shift of at least 0 pixels, got ", max_pixels);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Shape shape = check_images("random_shift", batch, options_);
        require<ShapeError>(max_pixels_ < std::min(shape[1], shape[2]), "random_shift", "expected images of more than ", max_pixels_,
                            " pixels a side, so that some of them stays, got shape ", shape);
        std::vector<Corner> corners(static_cast<std::size_t>(shape[0]));
        for (Corner& corner : corners) {
            corner.top = max_pixels_ - random.below(2 * max_pixels_ + 1);
            corner.left = max_pixels_ - random.below(2 * max_pixels_ + 1);
        }
        move_to_windows(batch, options_, shape, corners, {shape[1], shape[2]});
    }

private:
    Index max_pixels_;
    AugmentOptions options_;
};

class RandomCrop {
public:
    RandomCrop(Pair size, CropOptions crop, AugmentOptions options)
        : size_{size}, crop_{crop}, options_{checked("random_crop", std::move(options))} {
        check_size("random_crop", size);
        require<ValueError>(crop.padding >= 0 && crop.padding <= kernels::Window::most, "random_crop", "expected a padding from 0 to ",
                            kernels::Window::most, ", got ", crop.padding);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Shape shape = check_images("random_crop", batch, options_);
        Pair before{crop_.padding};
        if (crop_.pad_if_needed) {
            before.height += std::max<Index>(0, size_.height - shape[1] - 2 * before.height);
            before.width += std::max<Index>(0, size_.width - shape[2] - 2 * before.width);
        }
        const Pair room{shape[1] + 2 * before.height - size_.height, shape[2] + 2 * before.width - size_.width};
        require<ShapeError>(room.height >= 0 && room.width >= 0, "random_crop", "expected images of at least ", size_,
                            " pixels with their padding of ", crop_.padding, ", got shape ", shape,
                            ": .pad_if_needed adds to smaller ones");
        std::vector<Corner> corners(static_cast<std::size_t>(shape[0]));
        for (Corner& corner : corners) {
            corner.top = random.below(room.height + 1) - before.height;
            corner.left = random.below(room.width + 1) - before.width;
        }
        move_to_windows(batch, options_, shape, corners, size_);
    }

private:
    Pair size_;
    CropOptions crop_;
    AugmentOptions options_;
};

class CenterCrop {
public:
    CenterCrop(Pair size, AugmentOptions options) : size_{size}, options_{checked("center_crop", std::move(options))} {
        check_size("center_crop", size);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random&) const {
        const Shape shape = check_images("center_crop", batch, options_);
        const Corner corner{first_of(shape[1], size_.height), first_of(shape[2], size_.width)};
        move_to_windows(batch, options_, shape, std::vector<Corner>(static_cast<std::size_t>(shape[0]), corner), size_);
    }

private:
    /// Half of what is left over, a half rounded to the even number as torchvision does; of a smaller image the smaller half of what it
    /// lacks.
    [[nodiscard]] static Index first_of(Index extent, Index wanted) noexcept {
        const Index over = extent - wanted;
        return over < 0 ? -(-over / 2) : over / 2 + (over % 2 != 0 && over / 2 % 2 != 0 ? 1 : 0);
    }

    Pair size_;
    AugmentOptions options_;
};

}  // namespace detail

/// Moves each image by up to `max_pixels` in both directions, every shift as likely, and fills what comes in with `image_fill`: what
/// torchvision's RandomCrop does with its padding. @throws ValueError for a negative number; when called as the flips, also
/// ShapeError for images that are no larger than that
[[nodiscard]] inline auto random_shift(Index max_pixels, AugmentOptions options = {}) {
    return detail::RandomShift{max_pixels, std::move(options)};
}
/// Cuts a part of `size` pixels out of each image, every place as likely, as torchvision's RandomCrop. All images of the batch have that
/// size afterwards. @throws ValueError for a size below 1x1 or a negative padding; when called as the flips, also ShapeError for images
/// that are smaller
[[nodiscard]] inline auto random_crop(Pair size, CropOptions crop = {}, AugmentOptions options = {}) {
    return detail::RandomCrop{size, crop, std::move(options)};
}
/// Cuts the middle of `size` pixels out of each image, as torchvision's CenterCrop; smaller images get a margin of `image_fill`.
/// @throws ValueError for a size below 1x1; when called as the flips
[[nodiscard]] inline auto center_crop(Pair size, AugmentOptions options = {}) { return detail::CenterCrop{size, std::move(options)}; }

}  // namespace espalier::inline ESPALIER_ABI::data
