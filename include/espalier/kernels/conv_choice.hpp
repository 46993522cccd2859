// SPDX-License-Identifier: MIT
/// @file What a convolution of single precision chooses by its extents alone: the way, the strips, the chunks of a sum.
///
/// Costs are counted and not taken by a clock, so that the same problem is always worked on in the same way and has the same bits.
/// To measure them again,
///
///     cmake --preset release -D ESPALIER_BUILD_BENCHMARKS=ON && cmake --build build/release --target benchmarks
///     build/release/benchmarks/bench_conv_choice                         both ways of the gradients of few channels beside the rules
///     build/release/benchmarks/bench_kernels --filter "conv 3x3"         many channels, and first layers of 1 and 3
///     build/release/benchmarks/bench_kernels --filter "channels for"     few and awkward channels
///     build/release/benchmarks/bench_training_step --net lenet           whole steps of layers of few channels
///
/// in turns with a build with the old constant. What is said below to be measured was so with AVX-512 on one thread of a busy machine,
/// by its CPU time. Where nothing is said, no measurement was kept: the constant says what it stands for.
#pragma once

#include <espalier/kernels/conv_shape.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/strip_plan.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace espalier::inline ESPALIER_ABI::kernels {
namespace detail {

/// What sums are cut by counts in vectors of sixteen whatever the instruction set: AVX2 and AVX-512 then cut alike, and give the
/// same bits.
[[nodiscard]] constexpr Index sixteens(Index n) noexcept { return simd::ceil_div(n, 16); }

/// How many chunks a sum over pixels has, each with sums of its own that are added up in order: none of less than
/// `pixels_of_chunk`, which would sum too little for that, and 16 at most. To change it changes the bits of gradients.
[[nodiscard]] inline Index chunks_of_sum(Index pixels, Index pixels_of_chunk, Index most) noexcept {
    return std::clamp<Index>(pixels / pixels_of_chunk, 1, std::min<Index>(16, most));
}

}  // namespace detail

namespace depthwise {

/// Chunks of the gradient of the weights: a channel has so few of them that its sums are quickly added up.
[[nodiscard]] inline Index weight_chunks(const ConvShape& s, const StripPlan& strips) noexcept {
    constexpr Index pixels_of_chunk = 64;
    return detail::chunks_of_sum(s.batch * s.output.height * s.output.width, pixels_of_chunk, strips.size());
}

}  // namespace depthwise

namespace tiled {

// ---- Which way

/// Whether the tiles serve this geometry. They read the image through a copy of strips of it with the padding around, and by
/// offsets of 32 bits, and the runs of a depthwise one list the taps of every window that an edge cuts. Where the padding, and a
/// dilation with it, or the window is beyond all proportion, windows are unfolded instead: that costs what the products cost.
[[nodiscard]] inline bool serves(const ConvShape& s) noexcept {
    const auto area = [](Pair extent) { return static_cast<double>(extent.height) * static_cast<double>(extent.width); };
    const double padded = area(s.window.padded(s.input));
    return s.in_channels > 0 && (!s.depthwise() || s.window.taps() <= 1024) && padded <= 16 * (area(s.input) + area(s.output)) + 4096 &&
           padded * static_cast<double>(std::max(s.in_channels, s.out_channels)) < 2147483648.0;
}

/// What two ways cost, in multiply-adds of sixteen floats.
struct Costs {
    Index usual;
    Index other;
};

/// Of the gradient of the input for an image: gathered, pixel by pixel of the input, or scattered, as the cotangent times all weights
/// added to the windows of its pixels. Gathering fills as many lanes as there are channels, scattering all of them; but then it adds
/// each row of a window to the image, 4 for each of its vectors, and as much as two vectors more for the row's start and end.
[[nodiscard]] inline Costs input_costs(const ConvShape& s) noexcept {
    using detail::sixteens;
    constexpr Index addition = 4, vectors_of_row = 2;
    const Window& w = s.window;
    const Index row = addition * (sixteens(w.kernel.width * s.in_channels) + vectors_of_row);
    return {s.input.height * s.input.width * sixteens(s.in_channels) * w.taps() * s.filters() / (w.stride.height * w.stride.width),
            s.output.height * s.output.width * (sixteens(s.patch()) * s.filters() + w.kernel.height * row)};
}

/// Whether the gradient of the input is scattered. Counts are rough, so that this has to win by 20 %. A chunk is a whole image, so that
/// fewer than 4 would leave threads idle. Sequences, of height 1, never are: one comes to the same bits in any batch. Measured: of the 140
/// convolutions of bench_conv_choice, 10 go the wrong way by more than 5 %, six of them of 10 channels, and all lose 1.2 % on average
/// (AVX-512, one thread).
[[nodiscard]] inline bool scatters_input(const ConvShape& s, Index images) noexcept {
    const Costs costs = input_costs(s);
    return s.input.height > 1 && s.groups == 1 && s.window.dilation.width == 1 && images >= 4 && 5 * costs.other < 4 * costs.usual;
}

/// Of the gradient of the weights for a pixel: weights times filters, or filters times unfolded windows, which have the weights of a
/// filter in their lanes; unfolding costs as much as two filters more.
[[nodiscard]] inline Costs weight_costs(const ConvShape& s) noexcept {
    constexpr Index filters_of_unfolding = 2;
    return {s.patch() * detail::sixteens(s.filters()), (s.filters() + filters_of_unfolding) * detail::sixteens(s.patch())};
}

/// Whether the gradients of the weights for several cotangents of a pooled result sum over windows instead of pixels, of which there are
/// four times as many: the cotangents are then in the lanes, and turning them over costs as much as some weights more. This has to win by
/// a quarter, which with vectors of sixteen it does from five cotangents on. Measured by bench_balancing: with 4, 5, 8 and 40 cotangents a
/// step of MultiLeNet takes 1.09, 0.92, 0.80 and 0.61 times as long. To change it changes the bits of gradients.
[[nodiscard]] inline bool sums_windows(const ConvShape& s, Index tasks, ConvTail tail) noexcept {
    constexpr Index weights_of_turning = 8;
    const Costs costs = weight_costs(s);
    return tail == ConvTail::relu_max_pool && tasks > 1 && !s.depthwise() &&
           4 * s.filters() * (s.patch() + weights_of_turning) * detail::sixteens(tasks) <
               3 * 4 * tasks * std::min(costs.usual, costs.other);
}

/// Whether the gradient of the weights unfolds windows. This has to win by 15 %. Measured as above: 15 of 140 go the wrong way by more
/// than 5 %, of at most 10 filters but for four, and all lose 1.6 % on average. To change it changes the bits of gradients.
[[nodiscard]] inline bool unfolds_windows(const ConvShape& s) noexcept {
    const Costs costs = weight_costs(s);
    return s.groups == 1 && s.window.dilation.width == 1 && 20 * costs.other < 17 * costs.usual;
}

// ---- Results and gradients of the input: no sum is cut, so that none of this changes a bit

/// Strips of 192 pixels: enough to use a panel of weights often, few enough to stay in cache with their input. Their rows are a multiple
/// of `even_rows`. Measured by bench_kernels: with 96 or 384, 3x3 convolutions of 64 channels at 7x7 to 64x64 take as long, within
/// the 5 % that the runs differ by.
[[nodiscard]] inline StripPlan tile_strips(Index images, Pair image, Index even_rows) noexcept {
    constexpr Index pixels = 192;
    const Index rows = std::clamp<Index>(simd::ceil_div(pixels, std::max<Index>(image.width, 1)), 1, std::max<Index>(image.height, 1));
    return {images, image.height, simd::ceil_div(rows, even_rows) * even_rows};
}

/// Parts of the blocks of columns that are worked on for themselves: where there are fewer than 8 strips, which are too few for all
/// threads.
[[nodiscard]] inline Index column_parts(Index strips, Index blocks) noexcept {
    return std::clamp<Index>(simd::ceil_div(8, std::max<Index>(strips, 1)), 1, std::max<Index>(blocks, 1));
}

/// Strips of 96 pixels for what unfolds or scatters windows: those of a strip lie side by side, and stay in cache. Measured by
/// bench_conv_choice: with 48 or 192, unfolding takes 3 % longer, and scattering as long within 1 %.
[[nodiscard]] inline StripPlan window_strips(const ConvShape& s, Index images) noexcept {
    constexpr Index pixels = 96;
    return {images, s.output.height, std::clamp<Index>(pixels / s.output.width, 1, s.output.height)};
}

// ---- Gradients of the weights: in which order pixels are summed

/// Chunks where windows are unfolded, and where they are not: 1024 pixels at least.
inline constexpr Index weight_chunk_pixels = 1024;

/// `images` of a strip, or fewer where their pixels could not be found by offsets of 32 bits.
[[nodiscard]] inline Index images_within_offsets(const ConvShape& s, Index images) noexcept {
    const Pair padded = s.window.padded(s.input);
    const Index image_size = std::max<Index>(padded.height * padded.width * s.in_channels, 1);
    return std::clamp<Index>(std::min<Index>(images, std::numeric_limits<std::int32_t>::max() / image_size), 1, s.batch);
}

/// Strips of an image, or of several small ones: their pixels and the cotangent, 128 KiB of both, stay in the second-level cache while
/// all tiles of weights pass over them. 256 pixels at least, or the tiles of weights would be read too often. Measured by
/// bench_conv_choice where windows are not unfolded: with 256 KiB 9 % longer, with 64 KiB 2 % shorter, which is the noise.
[[nodiscard]] inline StripPlan weight_strips(const ConvShape& s) noexcept {
    constexpr Index bytes = 131072, least_pixels = 256;
    const Window& w = s.window;
    const Index bytes_of_pixel = 4 * (16 * detail::sixteens(s.out_channels) + w.stride.height * w.stride.width * s.in_channels);
    const Index pixels = std::max(bytes / bytes_of_pixel, least_pixels);
    return {s.batch, s.output.height, std::clamp<Index>(pixels / s.output.width, 1, s.output.height),
            images_within_offsets(s, pixels / (s.output.height * s.output.width))};
}

/// Strips of rows of windows where they are summed over, 256 windows: as many products for each time that the sums are read.
[[nodiscard]] inline StripPlan pooled_strips(const ConvShape& s) noexcept {
    constexpr Index windows = 256;
    const Pair pooled = s.pooled();
    return {s.batch, pooled.height, std::clamp<Index>(windows / pooled.width, 1, pooled.height),
            images_within_offsets(s, windows / (pooled.height * pooled.width))};
}

[[nodiscard]] inline Index weight_chunks(const ConvShape& s, Index most) noexcept {
    return detail::chunks_of_sum(s.batch * s.output.height * s.output.width, weight_chunk_pixels, most);
}

/// Parts of the weights that are summed for themselves where there are fewer than 4 chunks, whole tiles of `tile_rows` each.
[[nodiscard]] inline Index weight_parts(const ConvShape& s, Index chunks, Index tile_rows) noexcept {
    return std::clamp<Index>(simd::ceil_div(4, chunks), 1, simd::ceil_div(s.patch(), tile_rows));
}

}  // namespace tiled
}  // namespace espalier::inline ESPALIER_ABI::kernels
