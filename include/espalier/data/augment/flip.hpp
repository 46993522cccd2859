// SPDX-License-Identifier: MIT
/// @file Random flips of images.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/augment/move.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {
namespace detail {

class RandomFlip {
public:
    RandomFlip(bool horizontal, double p, AugmentOptions options)
        : horizontal_{horizontal}, p_{p}, options_{checked(name(), std::move(options))} {
        require<ValueError>(p >= 0 && p <= 1, name(), "expected a probability in [0, 1], got ", p);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Shape shape = check_images(name(), batch, options_);
        const auto side = static_cast<double>(shape[horizontal_ ? 2 : 1]);
        const Affine mirror = horizontal_ ? Affine{-1, 0, side, 0, 1, 0} : Affine{1, 0, 0, 0, -1, side};
        std::vector<Affine> maps(static_cast<std::size_t>(shape[0]));
        for (Affine& map : maps)
            if (random.uniform() < p_)
                map = mirror;
        move_pixels(batch, options_, false, [&](auto& images, auto, auto) {
            const Index height = images.size(1), width = images.size(2), pixel = images.shape().product(3, images.rank());
            for (std::size_t i = 0; i < maps.size(); ++i) {
                if (!(maps[i] == mirror))
                    continue;
                auto* const image = images.data() + static_cast<Index>(i) * height * width * pixel;
                if (horizontal_)
                    for (Index row = 0; row < height; ++row)
                        reverse(image + row * width * pixel, width, pixel);
                else
                    reverse(image, height, width * pixel);
            }
        });
        move_points(batch, options_, maps, {shape[1], shape[2]});
    }

private:
    [[nodiscard]] const char* name() const noexcept { return horizontal_ ? "random_horizontal_flip" : "random_vertical_flip"; }

    /// The order of `count` runs of `length` elements.
    template <class T>
    static void reverse(T* data, Index count, Index length) {
        for (Index first = 0, last = count - 1; first < last; ++first, --last)
            std::swap_ranges(data + first * length, data + (first + 1) * length, data + last * length);
    }

    bool horizontal_;
    double p_;
    AugmentOptions options_;
};

}  // namespace detail

/// Turns each image (H, W, C) of a batch left to right with probability `p`, as torchvision's RandomHorizontalFlip.
/// @throws ValueError unless 0 <= p <= 1; when called ShapeError for what is no image, StateError for a task or input that is not there
[[nodiscard]] inline auto random_horizontal_flip(double p = 0.5, AugmentOptions options = {}) {
    return detail::RandomFlip{true, p, std::move(options)};
}
/// The same upside down.
[[nodiscard]] inline auto random_vertical_flip(double p = 0.5, AugmentOptions options = {}) {
    return detail::RandomFlip{false, p, std::move(options)};
}

}  // namespace espalier::inline ESPALIER_ABI::data
