// SPDX-License-Identifier: MIT
/// @file The gradient of the input of a convolution of few channels, which would leave many lanes of the vectors empty: weights of all
/// taps, side by side, fill them. What a pixel of the cotangent gives to its window is computed at once and added to the image.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/conv_panels.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// Adds to an image what each pixel of a strip gives to its window, (kernel, in_channels) at `windows[pixel]`.
inline void add_windows(const ConvShape& s, const Strip& strip, const float* const* windows, float* image) {
    const Window& w = s.window;
    const Index run = w.kernel.width * s.in_channels;
    const Index row_size = s.input.width * s.in_channels;
    for (Index r = 0; r < strip.rows; ++r) {
        const Index y = (strip.first + r) * w.stride.height - w.padding.height;
        Index ky = 0;
        Index end = w.kernel.height;
        while (ky < end && y + ky * w.dilation.height < 0)
            ++ky;
        while (end > ky && y + (end - 1) * w.dilation.height >= s.input.height)
            --end;
        for (Index ox = 0; ox < s.output.width; ++ox) {
            const Index x = ox * w.stride.width - w.padding.width;
            const Index kx = std::clamp<Index>(-x, 0, w.kernel.width);
            const Index taps = std::clamp<Index>(s.input.width - x, kx, w.kernel.width) - kx;
            simd::table().add_to_rows(end - ky, taps * s.in_channels, windows[r * s.output.width + ox] + ky * run + kx * s.in_channels, run,
                                      image + (y + ky * w.dilation.height) * row_size + (x + kx) * s.in_channels,
                                      w.dilation.height * row_size);
        }
    }
}

/// dx for `images` cotangents, image by image: the product of every pixel of y with all weights, added to its window.
inline void backward_input_scattered(const ConvShape& s, Index images, const ConvCotangent<float>& cotangent, const float* weight,
                                     float* dx) {
    using simd::Scratch;
    const Index filters = s.filters();
    const detail::WeightPanels panels{1, filters, {s.patch(), simd::table().tile_vectors}};
    panels.fill(1, [&](Index, const simd::ColumnBlock& block, Index, float* to) {
        simd::table().copy_rows(filters, block.width, weight + block.column, s.patch(), to, block.padded(), block.padded());
    });
    const Buffer offsets_memory{static_cast<std::size_t>(filters) * sizeof(std::int32_t)};
    auto* const offsets = static_cast<std::int32_t*>(offsets_memory.data());
    for (Index f = 0; f < filters; ++f)
        offsets[f] = static_cast<std::int32_t>(f);

    const StripPlan strips = window_strips(s, images);
    const Index pixels = strips.rows() * s.output.width;
    const Index padded = panels.columns().padded();
    const std::size_t bytes = Scratch::bytes<float>(pixels * filters) + Scratch::bytes<float>(pixels * padded) +
                              2 * Scratch::bytes<float*>(pixels);
    parallel_for(images, 1, bytes, [&](Index n, Index, void* memory) {
        Scratch scratch{memory};
        auto* const spare = scratch.take<float>(pixels * filters);
        auto* const products = scratch.take<float>(pixels * padded);
        auto* const inputs = scratch.take<const float*>(pixels);
        auto* const outputs = scratch.take<float*>(pixels);
        for (Index p = 0; p < pixels; ++p)
            outputs[p] = products + p * padded;
        float* const image = dx + n * s.input_size();
        std::fill_n(image, s.input_size(), 0.0F);
        for (Index i = n * strips.of_image(); i < (n + 1) * strips.of_image(); ++i) {
            const Strip strip = strips[i];
            const float* const dy = detail::strip_of_cotangent(strip, s, cotangent, 0, spare);
            const Index count = strip.rows * s.output.width;
            for (Index p = 0; p < count; ++p)
                inputs[p] = dy + p * filters;
            for (Index b = 0; b < panels.columns().blocks(); ++b) {
                const simd::ColumnBlock block = panels.columns()[b];
                simd::run_tiles({.rows = inputs,
                                 .count = count,
                                 .offsets = offsets,
                                 .depth = filters,
                                 .panel = panels(0, block),
                                 .panel_step = block.padded()},
                                {.rows = outputs, .column = block.column, .width = block.padded()}, block.vectors);
            }
            add_windows(s, strip, outputs, image);
        }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
