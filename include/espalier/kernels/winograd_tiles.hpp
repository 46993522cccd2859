// SPDX-License-Identifier: MIT
/// @file The tiles of a convolution by Winograd's way: how results are cut into them, and the squares of pixels that they read.
#pragma once

#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/conv_shape.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::kernels::winograd {

/// The first result of a tile.
struct Tile {
    Index image;
    Index y;
    Index x;
};

/// Squares of `side` x `side` results that cover images, numbered row by row and image by image, so that a block of them is full whatever
/// the size of an image.
class Tiles {
public:
    Tiles(Index images, Pair extent, Index side) noexcept
        : images_{images}, side_{side}, down_{simd::ceil_div(extent.height, side)}, across_{simd::ceil_div(extent.width, side)} {}

    [[nodiscard]] Index side() const noexcept { return side_; }
    [[nodiscard]] Index of_image() const noexcept { return down_ * across_; }
    [[nodiscard]] Index size() const noexcept { return images_ * of_image(); }
    [[nodiscard]] Tile operator[](Index i) const noexcept {
        const Index within = i % of_image();
        return {i / of_image(), within / across_ * side_, within % across_ * side_};
    }

private:
    Index images_;
    Index side_;
    Index down_;
    Index across_;
};

/// The square of `side` x `side` pixels of an image that begins at row y and column x, over edges or not.
[[nodiscard]] inline simd::WinogradSquare square_of_image(Index y, Index x, Index side, Pair size, Index channels,
                                                          const float* image) noexcept {
    const auto within = [&](Index i) { return static_cast<int>(std::clamp<Index>(i, 0, side)); };
    return {.data = image,
            .offset = (y * size.width + x) * channels,
            .row = size.width * channels,
            .column = channels,
            .top = within(-y),
            .bottom = within(size.height - y),
            .left = within(-x),
            .right = within(size.width - x)};
}

/// The same of the cotangent of a convolution's plain result, for image n of `tasks * batch`: where it lies already, or else in `memory`.
[[nodiscard]] inline simd::WinogradSquare square_of_cotangent(Index y, Index x, Index side, const ConvShape& s,
                                                              const ConvCotangent<float>& c, Index n, float* memory) {
    if (c.tail == ConvTail::none)
        return square_of_image(y, x, side, s.output, s.out_channels, c.dy + n * s.output_size());
    detail::Frame f{y, x, side, side, s.out_channels};
    if (c.tail == ConvTail::relu_max_pool) {  // whole windows, which are read faster than halves
        const auto odd = [](Index i) { return i & 1; };
        f = {y - odd(y), x - odd(x), side + odd(y) + odd(y + side), side + odd(x) + odd(x + side), s.out_channels};
    }
    detail::frame_of_cotangent(f, s, c, n, memory);
    return square_of_image(y - f.row, x - f.column, side, {f.rows, f.columns}, f.pitch, memory);
}

/// Floats that a square of `side` x `side` pixels may need for its copy.
[[nodiscard]] constexpr Index copied_square(Index side, Index channels) noexcept { return (side + 2) * (side + 2) * channels; }

}  // namespace espalier::inline ESPALIER_ABI::kernels::winograd
