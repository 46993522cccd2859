// SPDX-License-Identifier: MIT
/// @file How images are cut into strips, and rows of them with zeros around, so that the tiles of a convolution never ask what
/// lies inside; and how what chunks of them have summed is added up.
#pragma once

#include <espalier/kernels/conv_shape.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// What sums are cut by counts in vectors of sixteen whatever the instruction set: AVX2 and AVX-512 then cut alike, and give the
/// same bits.
[[nodiscard]] constexpr Index sixteens(Index n) noexcept { return simd::ceil_div(n, 16); }

/// Pixels of a strip: enough to use a panel of weights often, few enough to stay in cache.
inline constexpr Index strip_pixels = 192;

/// Strips of whole rows, and if there are few of them also parts of the columns, each a chunk for `parallel_for`.
struct Chunks {
    Index rows;    ///< of a strip
    Index strips;  ///< of an image
    Index parts;   ///< of the blocks of columns

    Chunks(Index images, Pair image, Index even_rows, Index blocks) {
        rows = std::clamp<Index>(simd::ceil_div(strip_pixels, std::max<Index>(image.width, 1)), 1, std::max<Index>(image.height, 1));
        rows = simd::ceil_div(rows, even_rows) * even_rows;
        strips = simd::ceil_div(image.height, rows);
        parts = std::clamp<Index>(simd::ceil_div(8, std::max<Index>(images * strips, 1)), 1, std::max<Index>(blocks, 1));
    }
};

/// A window of an image that may reach over its edges: where it begins, its extents, and the floats from one of its pixels
/// to the next, which may be more than a pixel has channels.
struct Frame {
    Index row;
    Index column;
    Index rows;
    Index columns;
    Index pitch;

    [[nodiscard]] Index row_size() const noexcept { return columns * pitch; }
    [[nodiscard]] Index size() const noexcept { return rows * row_size(); }
};

/// Calls `copy(y, first, last, to)` for columns [first, last) of each image row y in the frame, and writes zeros elsewhere.
template <class Copy>
void fill_frame(const Frame& f, Pair image, float* to, const Copy& copy) {
    const Index first = std::clamp<Index>(f.column, 0, image.width);
    const Index last = std::clamp<Index>(f.column + f.columns, first, image.width);
    for (Index r = 0; r < f.rows; ++r, to += f.row_size()) {
        const Index y = f.row + r;
        if (y < 0 || y >= image.height || first == last) {
            std::fill_n(to, f.row_size(), 0.0F);
            continue;
        }
        float* const inside = to + (first - f.column) * f.pitch;
        float* const behind = to + (last - f.column) * f.pitch;
        std::fill(to, inside, 0.0F);
        copy(y, first, last, inside);
        std::fill(behind, to + f.row_size(), 0.0F);
    }
}

/// The frame of an image.
inline void frame_of_image(const Frame& f, Pair size, Index channels, const float* image, float* to) {
    fill_frame(f, size, to, [&](Index y, Index first, Index last, float* out) {
        std::memcpy(out, image + (y * size.width + first) * channels, static_cast<std::size_t>((last - first) * channels) * sizeof(float));
    });
}

/// The frame of the cotangent of a convolution's plain result, for image n of `tasks * batch`.
inline void frame_of_cotangent(const Frame& f, const ConvShape& s, const ConvCotangent<float>& c, Index n, float* to) {
    const Index channels = s.out_channels;
    const simd::Table& kernels = simd::table();
    if (c.tail == ConvTail::relu_max_pool) {
        const Pair pooled = s.pooled();
        const float* const dy = c.dy + n * s.pooled_size();
        const std::uint8_t* const winners = c.winners + n % s.batch * s.pooled_size();
        // Pixels that no window covers have no gradient: for them the image ends earlier.
        fill_frame(f, {2 * pooled.height, 2 * pooled.width}, to, [&](Index y, Index first, Index last, float* out) {
            const int upper = static_cast<int>(y % 2) * 2;
            const auto windows = [&](Index from, Index count, float* at) {
                const Index offset = (y / 2 * pooled.width + from) * channels;
                kernels.unpool_row(count, channels, dy + offset, winners + offset, upper, at, f.pitch);
            };
            const auto half = [&](Index x, float* at) {  // of a window that the frame cuts through
                const Index offset = (y / 2 * pooled.width + x / 2) * channels;
                for (Index j = 0; j < channels; ++j)
                    at[j] = winners[offset + j] == upper + x % 2 ? dy[offset + j] : 0.0F;
            };
            if (first % 2 == 1)
                half(first, out);
            const Index even = first + first % 2;
            windows(even / 2, (last - even) / 2, out + (even - first) * f.pitch);
            if (last % 2 == 1)
                half(last - 1, out + (last - 1 - first) * f.pitch);
        });
        return;
    }
    const float* const dy = c.dy + n * s.output_size();
    const float* const y_image = c.tail == ConvTail::relu ? c.y + n % s.batch * s.output_size() : nullptr;
    fill_frame(f, s.output, to, [&](Index y, Index first, Index last, float* out) {
        const Index offset = (y * s.output.width + first) * channels;
        if (y_image)
            kernels.relu_backward(last - first, channels, y_image + offset, dy + offset, out, f.pitch);
        else if (f.pitch == channels)
            std::memcpy(out, dy + offset, static_cast<std::size_t>((last - first) * channels) * sizeof(float));
        else
            for (Index x = 0; x < last - first; ++x)
                std::memcpy(out + x * f.pitch, dy + offset + x * channels, static_cast<std::size_t>(channels) * sizeof(float));
    });
}

/// Rows [first, first + rows) of the same, pixel behind pixel: where they lie already, or else in `memory`.
[[nodiscard]] inline const float* rows_of_cotangent(Index first, Index rows, const ConvShape& s, const ConvCotangent<float>& c, Index n,
                                                    float* memory) {
    if (c.tail == ConvTail::none)
        return c.dy + n * s.output_size() + first * s.output.width * s.out_channels;
    frame_of_cotangent({first, 0, rows, s.output.width, s.out_channels}, s, c, n, memory);
    return memory;
}

/// Adds chunks of n sums, one every `stride`, to the first.
inline void add_chunks(Index chunks, Index n, Index stride, float* sums) {
    for (Index chunk = 1; chunk < chunks; ++chunk)
        simd::table().add_to_rows(1, n, sums + chunk * stride, 0, sums, 0);
}

/// db from the sums of each chunk, (chunks, tasks, channels); row t starts at `db + t * stride`.
inline void write_bias_gradient(Index chunks, Index tasks, Index channels, const double* sums, float* db, Index stride, bool accumulate) {
    for (Index i = 0; i < tasks * channels; ++i) {
        float& to = db[i / channels * stride + i % channels];
        double total = accumulate ? static_cast<double>(to) : 0;
        for (Index chunk = 0; chunk < chunks; ++chunk)
            total += sums[chunk * tasks * channels + i];
        to = static_cast<float>(total);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
