// SPDX-License-Identifier: MIT
/// @file Random turns, moves, zooms and shears of images.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/augment/move.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Between which limits `random_affine` draws, all uniformly. Designated initialisers stand in this order.
struct AffineOptions {
    double degrees = 0;                       ///< turned by an angle in [-degrees, degrees] about the middle
    std::array<double, 2> translate = {0, 0}; ///< moved by up to these shares of width and height, by whole pixels
    std::array<double, 2> scale = {1, 1};     ///< magnified by a factor in [first, second]
    std::array<double, 2> shear = {0, 0};     ///< sheared by up to so many degrees along x and along y, both below 90
};

namespace detail {

/// torchvision's map of an affine transform of images of that size: scaled, sheared and turned about the middle, clockwise for a positive
/// angle, then moved. Angles in degrees.
[[nodiscard]] inline Affine affine_map(Pair size, double angle, std::array<double, 2> moved, double scale, std::array<double, 2> shear) {
    constexpr double radian = std::numbers::pi / 180;
    const double turn = angle * radian, sx = shear[0] * radian, sy = shear[1] * radian;
    const double along = std::cos(turn - sy) / std::cos(sy), across = std::sin(turn - sy) / std::cos(sy);
    Affine map;
    map.xx = scale * along;
    map.xy = scale * (-along * std::tan(sx) - std::sin(turn));
    map.yx = scale * across;
    map.yy = scale * (-across * std::tan(sx) + std::cos(turn));
    const double x = static_cast<double>(size.width) / 2, y = static_cast<double>(size.height) / 2;
    map.dx = x + moved[0] - map.xx * x - map.xy * y;
    map.dy = y + moved[1] - map.yx * x - map.yy * y;
    return map;
}

/// The pixel (H, W, C) at the place (x, y), by the four middles around it, each with its share; those outside are `fill`.
template <class Scalar>
void sample_bilinear(const Scalar* image, Pair size, Index channels, double x, double y, Scalar fill, Scalar* to) {
    const double column = std::floor(x - 0.5), line = std::floor(y - 0.5);
    const double right = x - 0.5 - column, below = y - 0.5 - line;
    std::fill_n(to, channels, Scalar(0));
    for (int corner = 0; corner < 4; ++corner) {
        const int across = corner % 2, down = corner / 2;
        const double share = (across ? right : 1 - right) * (down ? below : 1 - below);
        if (!(share > 0))
            continue;
        const double u = column + across, v = line + down;
        const bool inside = u >= 0 && v >= 0 && u < static_cast<double>(size.width) && v < static_cast<double>(size.height);
        const Scalar* const from = inside ? image + (static_cast<Index>(v) * size.width + static_cast<Index>(u)) * channels : nullptr;
        for (Index c = 0; c < channels; ++c)
            to[c] += static_cast<Scalar>(share) * (from ? from[c] : fill);
    }
}

/// Image i moved by `maps[i]`: each new pixel is what was at its middle before, made of pixels around it if `Smooth`, or that in whose area
/// it lies. Where a map changes nothing the pixels stay, bit by bit.
template <class T, class Smooth>
[[nodiscard]] Tensor<T> warped(const Tensor<T>& images, const std::vector<Affine>& maps, T fill, Smooth) {
    const Pair size{images.size(1), images.size(2)};
    const Index pixel = images.shape().product(3, images.rank());
    Tensor<T> result = images;
    T* to = result.data();
    const T* image = images.data();
    for (const Affine& map : maps) {
        if (!(map == Affine{})) {
            const Affine back = map.inverse();
            T* out = to;
            for (Index row = 0; row < size.height; ++row)
                for (Index column = 0; column < size.width; ++column, out += pixel) {
                    const double u = static_cast<double>(column) + 0.5, v = static_cast<double>(row) + 0.5;
                    const double x = back.x(u, v), y = back.y(u, v);
                    if constexpr (Smooth::value)
                        sample_bilinear(image, size, pixel, x, y, fill, out);
                    else if (x >= 0 && y >= 0 && x < static_cast<double>(size.width) && y < static_cast<double>(size.height))
                        std::copy_n(image + (static_cast<Index>(y) * size.width + static_cast<Index>(x)) * pixel, pixel, out);
                    else
                        std::fill_n(out, pixel, fill);
                }
        }
        image += size.height * size.width * pixel;
        to += size.height * size.width * pixel;
    }
    return result;
}

class RandomAffine {
public:
    RandomAffine(const char* name, AffineOptions affine, AugmentOptions options)
        : name_{name}, affine_{affine}, options_{checked(name, std::move(options))} {
        require<ValueError>(affine.degrees >= 0 && is_finite(affine.degrees), name, "expected finite degrees of at least 0, got ",
                            affine.degrees);
        for (const double share : affine.translate)
            require<ValueError>(share >= 0 && share <= 1, name, "expected shares to translate by in [0, 1], got ", share);
        require<ValueError>(affine.scale[0] > 0 && affine.scale[1] >= affine.scale[0] && is_finite(affine.scale[1]), name,
                            "expected a scale from above 0 to no less than that, got ", affine.scale[0], " to ", affine.scale[1]);
        for (const double shear : affine.shear)
            require<ValueError>(shear >= 0 && shear < 90, name, "expected a shear of at least 0 and below 90 degrees, got ", shear);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Shape shape = check_images(name_, batch, options_);
        const Pair size{shape[1], shape[2]};
        std::vector<Affine> maps(static_cast<std::size_t>(shape[0]));
        bool moved = false;
        for (Affine& map : maps) {
            map = draw(size, random);
            moved = moved || !(map == Affine{});
        }
        if (moved)
            move_pixels(batch, options_, true, [&](auto& images, auto fill, auto smooth) { images = warped(images, maps, fill, smooth); });
        move_points(batch, options_, maps, size);
    }

private:
    [[nodiscard]] Affine draw(Pair size, Random& random) const {
        const auto within = [&](double most) { return random.uniform(-most, most); };
        const double angle = within(affine_.degrees);
        std::array<double, 2> moved{};
        moved[0] = std::round(within(affine_.translate[0] * static_cast<double>(size.width)));
        moved[1] = std::round(within(affine_.translate[1] * static_cast<double>(size.height)));
        const double scale = random.uniform(affine_.scale[0], affine_.scale[1]);
        const double along_x = within(affine_.shear[0]);
        return affine_map(size, angle, moved, scale, {along_x, within(affine_.shear[1])});
    }

    const char* name_;
    AffineOptions affine_;
    AugmentOptions options_;
};

}  // namespace detail

/// Turns, moves, magnifies and shears each image at random, about its middle, by torchvision's maps of RandomAffine. Pixels of images are
/// made of the four around the place they come from; of targets, the nearest one is taken, class or value, as a mean of two classes or
/// of the depths of two things belongs to nothing. Values that are lengths or directions in the image are not changed with it.
/// @throws ValueError for an option out of range; when called as the flips
[[nodiscard]] inline auto random_affine(AffineOptions affine, AugmentOptions options = {}) {
    return detail::RandomAffine{"random_affine", affine, std::move(options)};
}
/// Turns each image about its middle by an angle in [-degrees, degrees], the same way as `random_affine`. @throws as there
[[nodiscard]] inline auto random_rotation(double degrees, AugmentOptions options = {}) {
    return detail::RandomAffine{"random_rotation", {.degrees = degrees}, std::move(options)};
}

}  // namespace espalier::inline ESPALIER_ABI::data
