// SPDX-License-Identifier: MIT
/// @file Depthwise convolution of single precision: a filter for each channel, so that vectors of channels are multiplied by
/// vectors of weights, element by element, and nothing is broadcast or summed across.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/window_runs.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::kernels::depthwise {

using detail::Direction;
using detail::WindowRuns;
using simd::ceil_div;
using simd::Scratch;

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
    detail::sum_windows(runs, s.batch, s.input, s.output, x, weights, y);
}

/// dx for `images` cotangents, the images of T batches one after the other.
inline void backward_input(const ConvShape& s, Index images, const ConvCotangent<float>& cotangent, const float* weight, float* dx) {
    const Window& w = s.window;
    const Buffer memory = packed(s, weight);
    const simd::WindowWeights weights{static_cast<const float*>(memory.data()), s.out_channels, nullptr, false};
    const WindowRuns runs{Direction::backward, w, s.input, s.output, s.in_channels};
    const detail::Strips strips{images, s.input.height};
    const Index row_size = s.output.width * s.out_channels;
    const Index reach = (w.kernel.height - 1) * w.dilation.height;
    const Index most_rows = std::min((strips.rows - 1 + reach) / w.stride.height + 2, s.output.height);
    const std::size_t bytes = Scratch::bytes<float>(cotangent.tail == ConvTail::none ? 0 : most_rows * row_size);
    parallel_for(images * strips.count, 1, bytes, [&](Index chunk, Index, void* scratch) {
        const Index n = chunk / strips.count;
        const Index first = chunk % strips.count * strips.rows;
        const Index last = std::min(first + strips.rows, s.input.height);
        const Index above = std::max<Index>(first + w.padding.height - reach, 0);
        const Index top = std::min(ceil_div(above, w.stride.height), s.output.height);
        const Index bottom = std::clamp<Index>((last - 1 + w.padding.height) / w.stride.height + 1, top, s.output.height);
        const float* const dy = detail::rows_of_cotangent(top, bottom - top, s, cotangent, n, static_cast<float*>(scratch));
        float* const out = dx + n * s.input_size();
        detail::sum_windows(runs, first, last, dy - top * row_size, weights, out);
    });
}

/// dw and db, unless null, for each of `tasks` cotangents, as tiled::backward_weight.
inline void backward_weight(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent, float* dw,
                            Index dw_stride, bool dw_accumulate, float* db, Index db_stride, bool db_accumulate) {
    const simd::Table& kernels = simd::table();
    const Index channels = s.out_channels;
    const Index taps = s.window.taps();
    const WindowRuns runs{Direction::forward, s.window, s.output, s.input, channels};
    const detail::Strips strips{s.batch, s.output.height};
    // Chunks of strips that depend on the problem alone, each with pixels enough to be worth sums of its own.
    constexpr Index chunk_pixels = 64;
    const Index units = s.batch * strips.count;
    const Index chunks = std::clamp<Index>(s.batch * s.output.height * s.output.width / chunk_pixels, 1, std::min<Index>(16, units));

    const Index row_size = s.output.width * channels;
    const Index size = taps * channels;
    const Buffer memory{static_cast<std::size_t>(chunks * tasks * size) * sizeof(float)};
    auto* const sums = static_cast<float*>(memory.data());
    const Buffer bias_memory{static_cast<std::size_t>(chunks * tasks * channels) * sizeof(double)};
    auto* const bias_sums = static_cast<double*>(bias_memory.data());
    const std::size_t bytes = Scratch::bytes<float>(cotangent.tail == ConvTail::none ? 0 : strips.rows * row_size);
    parallel_for(chunks, 1, bytes, [&](Index chunk, Index, void* scratch) {
        const simd::Part mine = simd::even_part(units, chunks, chunk);
        std::fill_n(sums + chunk * tasks * size, tasks * size, 0.0F);
        std::fill_n(bias_sums + chunk * tasks * channels, tasks * channels, 0.0);
        for (Index i = mine.first * tasks; i < (mine.first + mine.size) * tasks; ++i) {
            const Index t = i % tasks;
            const Index n = i / tasks / strips.count;
            const Index first = i / tasks % strips.count * strips.rows;
            const Index rows = std::min(strips.rows, s.output.height - first);
            const float* const dy = detail::rows_of_cotangent(first, rows, s, cotangent, t * s.batch + n, static_cast<float*>(scratch));
            if (db)
                kernels.add_column_sums(rows * s.output.width, channels, dy, nullptr, nullptr, channels,
                                        bias_sums + (chunk * tasks + t) * channels);
            if (dw)
                runs.for_each(first, first + rows, [&](WindowRuns::Piece piece) {
                    Index dy_step = channels, dy_row = row_size;
                    Index x_row = runs.source_row();
                    piece.turn(x_row, dy_step, dy_row);
                    kernels.window_products(piece.run, x + n * s.input_size() + piece.from, piece.rows, x_row,
                                            dy + piece.to - first * row_size, dy_step, dy_row, channels,
                                            sums + (chunk * tasks + t) * size);
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
            for (Index i = 0; i < size; ++i)
                to[i] += total[i % taps * channels + i / taps];
    }
    if (db)
        detail::write_bias_gradient(chunks, tasks, channels, bias_sums, db, db_stride, db_accumulate);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::depthwise
