// SPDX-License-Identifier: MIT
/// @file Rows of images with zeros around, so that the tiles of a convolution never ask what lies inside.
#pragma once

#include <espalier/kernels/conv_shape.hpp>
#include <espalier/kernels/simd/kernels.hpp>
#include <espalier/kernels/strip_plan.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// A window of an image that may reach over its edges: where it begins, its extents, and the floats from one of its pixels
/// to the next, which may be more than a pixel has channels.
struct Frame {
    Index row = 0;
    Index column = 0;
    Index rows = 0;
    Index columns = 0;
    Index pitch = 0;

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

/// What the windows of a strip see of their image: the image itself if nothing is padded, else a frame of it. For the results of a
/// strip, (rows, columns), the frame goes from the first tap of the first window to the last tap of the last one.
class StripSource {
public:
    /// For strips of up to `rows` rows of `columns` windows.
    StripSource(const ConvShape& s, Index rows, Index columns) noexcept : s_{s}, most_rows_{rows}, in_place_{s.window.padding == Pair{0}} {
        const Window& w = s.window;
        const Pair reach = w.reach();
        frame_ = {0, -w.padding.width, (rows - 1) * w.stride.height + reach.height,
                  in_place_ ? s.input.width : (columns - 1) * w.stride.width + reach.width, s.in_channels};
    }

    /// Floats from one image of a strip to the next.
    [[nodiscard]] Index image_size() const noexcept { return in_place_ ? s_.input_size() : frame_.size(); }
    /// Floats that `read` copies of each image.
    [[nodiscard]] Index copied() const noexcept { return in_place_ ? 0 : frame_.size(); }
    /// Where window (y, x) of the strip begins.
    [[nodiscard]] Index window(Index y, Index x) const noexcept {
        return y * s_.window.stride.height * frame_.row_size() + x * s_.window.stride.width * s_.in_channels;
    }
    /// Where the i-th of the products of a window lies, (kernel, depth), from where that begins.
    [[nodiscard]] Index product(Index i) const noexcept {
        const Window& w = s_.window;
        const Index tap = i / s_.depth();
        return tap / w.kernel.width * w.dilation.height * frame_.row_size() + tap % w.kernel.width * w.dilation.width * s_.in_channels +
               i % s_.depth();
    }

    /// Where the strip's first window begins, in x or in a copy of its rows in `memory`, of as many floats as are copied.
    [[nodiscard]] ESPALIER_NOINLINE const float* read(const Strip& strip, const float* x, float* memory) const {
        const Window& w = s_.window;
        const float* const images = x + strip.image * s_.input_size();
        if (in_place_)
            return images + window(strip.first, 0);
        Frame frame = frame_;
        frame.row = strip.first * w.stride.height - w.padding.height;
        frame.rows -= (most_rows_ - strip.rows) * w.stride.height;
        for (Index i = 0; i < strip.images; ++i)
            frame_of_image(frame, s_.input, s_.in_channels, images + i * s_.input_size(), memory + i * frame_.size());
        return memory;
    }

private:
    const ConvShape& s_;
    Index most_rows_;
    bool in_place_;
    Frame frame_;
};

/// The frame of the cotangent of a convolution's result for image n of `tasks * batch`, where ReLU and 2x2 pooling follow it: that of
/// a window goes to its winner.
inline void frame_of_unpooled(const Frame& f, const ConvShape& s, const ConvCotangent<float>& c, Index n, float* to) {
    const Index channels = s.out_channels;
    const Pair pooled = s.pooled();
    const float* const dy = c.dy + n * s.pooled_size();
    const std::uint8_t* const winners = c.winners + n % s.batch * s.pooled_size();
    // Pixels that no window covers have no gradient: for them the image ends earlier.
    fill_frame(f, {2 * pooled.height, 2 * pooled.width}, to, [&](Index y, Index first, Index last, float* out) {
        const int upper = static_cast<int>(y % 2) * 2;
        const auto windows = [&](Index from, Index count, float* at) {
            const Index offset = (y / 2 * pooled.width + from) * channels;
            simd::table().unpool_row(count, channels, dy + offset, winners + offset, upper, at, f.pitch);
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
}

/// The frame of the cotangent of a convolution's plain result, for image n of `tasks * batch`.
ESPALIER_NOINLINE inline void frame_of_cotangent(const Frame& f, const ConvShape& s, const ConvCotangent<float>& c, Index n, float* to) {
    if (c.tail == ConvTail::relu_max_pool)
        return frame_of_unpooled(f, s, c, n, to);
    const Index channels = s.out_channels;
    const float* const dy = c.dy + n * s.output_size();
    const float* const y_image = c.tail == ConvTail::relu ? c.y + n % s.batch * s.output_size() : nullptr;
    fill_frame(f, s.output, to, [&](Index y, Index first, Index last, float* out) {
        const Index offset = (y * s.output.width + first) * channels;
        if (y_image)
            simd::table().relu_backward(last - first, channels, y_image + offset, dy + offset, out, f.pitch);
        else if (f.pitch == channels)
            std::memcpy(out, dy + offset, static_cast<std::size_t>((last - first) * channels) * sizeof(float));
        else
            for (Index x = 0; x < last - first; ++x)
                std::memcpy(out + x * f.pitch, dy + offset + x * channels, static_cast<std::size_t>(channels) * sizeof(float));
    });
}

/// A strip of the same for cotangent t, pixel behind pixel: where it lies already, or else in `memory`.
[[nodiscard]] inline const float* strip_of_cotangent(const Strip& strip, const ConvShape& s, const ConvCotangent<float>& c, Index t,
                                                     float* memory) {
    const Index n = t * s.batch + strip.image;
    if (c.tail == ConvTail::none)
        return c.dy + n * s.output_size() + strip.first * s.output.width * s.out_channels;
    frame_of_cotangent({strip.first, 0, strip.rows, s.output.width, s.out_channels}, s, c, n, memory);
    return memory;
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
