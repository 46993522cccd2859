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

/// A square of pixels, the first at `data`, `column` floats from each other in a row, and rows `row` floats.
struct Square {
    const float* data;
    Index row;
    Index column;
};

/// The pixels of a frame of an image: where they lie or, where it reaches over an edge, in a copy with zeros around.
[[nodiscard]] inline Square square_of_image(const detail::Frame& f, Pair size, const float* image, float* memory) {
    if (f.row >= 0 && f.column >= 0 && f.row + f.rows <= size.height && f.column + f.columns <= size.width)
        return {image + (f.row * size.width + f.column) * f.pitch, size.width * f.pitch, f.pitch};
    detail::frame_of_image(f, size, f.pitch, image, memory);
    return {memory, f.row_size(), f.pitch};
}

/// The same of the cotangent of a convolution's plain result, for image n of `tasks * batch`.
[[nodiscard]] inline Square square_of_cotangent(const detail::Frame& f, const ConvShape& s, const ConvCotangent<float>& c, Index n,
                                                float* memory) {
    if (c.tail == ConvTail::none)
        return square_of_image(f, s.output, c.dy + n * s.output_size(), memory);
    detail::Frame whole = f;
    if (c.tail == ConvTail::relu_max_pool) {  // whole windows of it, which are read faster than halves
        const auto odd = [](Index i) { return i & 1; };
        whole.row -= odd(f.row);
        whole.column -= odd(f.column);
        whole.rows = f.row + f.rows + odd(f.row + f.rows) - whole.row;
        whole.columns = f.column + f.columns + odd(f.column + f.columns) - whole.column;
    }
    detail::frame_of_cotangent(whole, s, c, n, memory);
    return {memory + (f.row - whole.row) * whole.row_size() + (f.column - whole.column) * f.pitch, whole.row_size(), f.pitch};
}

/// Floats that a square of `side` x `side` pixels may need for its copy.
[[nodiscard]] constexpr Index copied_square(Index side, Index channels) noexcept { return (side + 2) * (side + 2) * channels; }

}  // namespace espalier::inline ESPALIER_ABI::kernels::winograd
