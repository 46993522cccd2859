// SPDX-License-Identifier: MIT
/// @file Depthwise convolution of single precision: a filter for each channel, so that vectors of channels are multiplied by
/// vectors of weights, element by element, and nothing is broadcast or summed across.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/window_runs.hpp>

#if ESPALIER_SIMD
#include <algorithm>

namespace espalier::inline ESPALIER_ABI::kernels::depthwise {

using detail::Direction;
using detail::sum_windows;
using detail::WindowRuns;
using simd::ceil_div;
using simd::Scratch;
using simd::WindowRun;

/// The weights of a tap side by side: (channels, kernel) becomes (kernel, channels).
[[nodiscard]] inline Buffer packed(const ConvShape& s, const float* weight) {
    Buffer memory{static_cast<std::size_t>(s.weight_size()) * sizeof(float)};
    simd::transpose(s.out_channels, s.window.taps(), weight, s.window.taps(), static_cast<float*>(memory.data()), s.out_channels);
    return memory;
}

/// y = x * w + bias, and what is negative made 0 if `relu`; `bias` may be null.
inline void forward(const ConvShape& s, const float* x, const float* weight, const float* bias, bool relu, float* y) {
    const Buffer memory = packed(s, weight);
    const simd::WindowWeights weights{static_cast<const float*>(memory.data()), s.out_channels, bias, relu};
    const WindowRuns runs{Direction::forward, s.window, s.output, s.input, s.in_channels};
    const Index strip = detail::strip_rows(s.batch, s.output.height);
    const Index strips = ceil_div(s.output.height, strip);
    parallel_for(s.batch * strips, 1, [&](Index chunk, Index) {
        const Index first = chunk % strips * strip;
        const float* const in = x + chunk / strips * s.input_size();
        float* const out = y + chunk / strips * s.output_size();
        sum_windows(runs, first, std::min(first + strip, s.output.height), in, weights, out);
    });
}

/// dx for `images` cotangents, the images of T batches one after the other.
inline void backward_input(const ConvShape& s, Index images, const ConvCotangent<float>& cotangent, const float* weight, float* dx) {
    const Window& w = s.window;
    const Buffer memory = packed(s, weight);
    const simd::WindowWeights weights{static_cast<const float*>(memory.data()), s.out_channels, nullptr, false};
    const WindowRuns runs{Direction::backward, w, s.input, s.output, s.in_channels};
    const Index strip = detail::strip_rows(images, s.input.height);
    const Index strips = ceil_div(s.input.height, strip);
    const Index row_size = s.output.width * s.out_channels;
    const Index reach = (w.kernel.height - 1) * w.dilation.height;
    const Index most_rows = std::min((strip - 1 + reach) / w.stride.height + 2, s.output.height);
    const std::size_t bytes = Scratch::bytes<float>(cotangent.tail == ConvTail::none ? 0 : most_rows * row_size);
    parallel_for(images * strips, 1, bytes, [&](Index chunk, Index, void* scratch) {
        const Index n = chunk / strips;
        const Index first = chunk % strips * strip;
        const Index last = std::min(first + strip, s.input.height);
        const Index top = std::clamp<Index>(ceil_div(std::max<Index>(first + w.padding.height - reach, 0), w.stride.height), 0, s.output.height);
        const Index bottom = std::clamp<Index>((last - 1 + w.padding.height) / w.stride.height + 1, top, s.output.height);
        const float* const dy = detail::rows_of_cotangent(top, bottom - top, s, cotangent, n, static_cast<float*>(scratch));
        float* const out = dx + n * s.input_size();
        sum_windows(runs, first, last, dy - top * row_size, weights, out);
    });
}

/// dw and db, unless null, for each of `tasks` cotangents, as tiled::backward_weight.
inline void backward_weight(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent, float* dw,
                            Index dw_stride, bool dw_accumulate, float* db, Index db_stride, bool db_accumulate) {
    const simd::Table& kernels = simd::table();
    const Index channels = s.out_channels;
    const Index taps = s.window.taps();
    const WindowRuns runs{Direction::forward, s.window, s.output, s.input, channels};
    const Index strip = detail::strip_rows(s.batch, s.output.height);
    const Index strips = ceil_div(s.output.height, strip);
    // Chunks of strips that depend on the problem alone, and if there are few of them also parts of the channels.
    constexpr Index chunk_pixels = 1024;
    const Index units = s.batch * strips;
    const Index chunks = std::clamp<Index>(units * strip * s.output.width / chunk_pixels, 1, std::min<Index>(16, units));
    const Index sixteens = detail::sixteens(channels);
    const Index parts = std::clamp<Index>(ceil_div(8, chunks), 1, ceil_div(sixteens, 4));

    const Index size = taps * channels;
    const Buffer memory{static_cast<std::size_t>(chunks * tasks * size) * sizeof(float)};
    auto* const sums = static_cast<float*>(memory.data());
    const Buffer bias_memory{static_cast<std::size_t>(chunks * tasks * channels) * sizeof(double)};
    auto* const bias_sums = static_cast<double*>(bias_memory.data());
    const std::size_t bytes = Scratch::bytes<float>(cotangent.tail == ConvTail::none ? 0 : strip * s.output.width * channels);
    parallel_for(chunks * parts, 1, bytes, [&](Index chunk_and_part, Index, void* scratch) {
        const Index chunk = chunk_and_part / parts;
        const simd::Part mine = simd::even_part(units, chunks, chunk);
        const simd::Part part = simd::even_part(sixteens, parts, chunk_and_part % parts);
        const Index column = 16 * part.first;
        const Index width = std::min(channels - column, 16 * part.size);
        for (Index row = chunk * tasks * taps; row < (chunk + 1) * tasks * taps; ++row)
            std::fill_n(sums + row * channels + column, width, 0.0F);
        for (Index t = chunk * tasks; db && t < (chunk + 1) * tasks; ++t)
            std::fill_n(bias_sums + t * channels + column, width, 0.0);
        for (Index unit = mine.first; unit < mine.first + mine.size; ++unit)
            for (Index t = 0; t < tasks; ++t) {
                const Index n = unit / strips;
                const Index first = unit % strips * strip;
                const Index rows = std::min(strip, s.output.height - first);
                const float* const dy = detail::rows_of_cotangent(first, rows, s, cotangent, t * s.batch + n, static_cast<float*>(scratch)) + column;
                if (db)
                    kernels.add_column_sums(rows * s.output.width, width, dy, channels, bias_sums + (chunk * tasks + t) * channels + column);
                if (!dw)
                    continue;
                runs.for_each(first, first + rows, rows, [&](WindowRun run, Index from, Index to, Index count) {
                    if (run.count == 0)
                        return;
                    run.channels = width;
                    kernels.window_products(run, x + n * s.input_size() + from + column, count, runs.source_row(),
                                            dy + to - first * s.output.width * channels, s.output.width * channels, channels,
                                            sums + (chunk * tasks + t) * size + column);
                });
            }
    });
    for (Index t = 0; dw && t < tasks; ++t) {
        float* const total = sums + t * size;
        detail::add_chunks(chunks, size, tasks * size, total);
        float* const to = dw + t * dw_stride;
        if (!dw_accumulate)
            simd::transpose(taps, channels, total, channels, to, taps);
        else
            for (Index c = 0; c < channels; ++c)
                for (Index k = 0; k < taps; ++k)
                    to[c * taps + k] += total[k * channels + c];
    }
    if (db)
        detail::write_bias_gradient(chunks, tasks, channels, bias_sums, db, db_stride, db_accumulate);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::depthwise
#endif
