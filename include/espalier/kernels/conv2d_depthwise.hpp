// SPDX-License-Identifier: MIT
/// @file Depthwise convolution of single precision: a filter for each channel, so that vectors of channels are multiplied by
/// vectors of weights, element by element, and nothing is broadcast or summed across.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/conv_sums.hpp>
#include <espalier/kernels/target.hpp>
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
    detail::sum_images(runs, s.batch, s.input, s.output, x, weights, y);
}

/// The rows of the cotangent that rows [first, last) of the input take part in.
[[nodiscard]] inline simd::Part rows_that_hold(const ConvShape& s, Index first, Index last) noexcept {
    const Window& w = s.window;
    const Index above = std::max<Index>(first + w.padding.height - (w.reach().height - 1), 0);
    const Index top = std::min(ceil_div(above, w.stride.height), s.output.height);
    const Index bottom = std::clamp<Index>((last - 1 + w.padding.height) / w.stride.height + 1, top, s.output.height);
    return {top, bottom - top};
}

/// dx for `images` cotangents, the images of T batches one after the other.
inline void backward_input(const ConvShape& s, Index images, const ConvCotangent<float>& cotangent, const float* weight, float* dx) {
    const Window& w = s.window;
    const Buffer memory = packed(s, weight);
    const simd::WindowWeights weights{static_cast<const float*>(memory.data()), s.out_channels, nullptr, false};
    const WindowRuns runs{Direction::backward, w, s.input, s.output, s.in_channels};
    const StripPlan strips = long_strips(images, s.input.height);
    const Index row_size = s.output.width * s.out_channels;
    const Index most_rows = std::min((strips.rows() - 1 + w.reach().height - 1) / w.stride.height + 2, s.output.height);
    const std::size_t bytes = Scratch::bytes<float>(cotangent.tail == ConvTail::none ? 0 : most_rows * row_size);
    strips.for_each(1, bytes, [&](const Strip& strip, Index, void* scratch) {
        const simd::Part rows = rows_that_hold(s, strip.first, strip.end());
        const float* const dy = detail::strip_of_cotangent({strip.image, 1, rows.first, rows.size}, s, cotangent, 0,
                                                           static_cast<float*>(scratch));
        detail::sum_rows(runs, strip.first, strip.end(), dy - rows.first * row_size, weights, dx + strip.image * s.input_size());
    });
}

/// Adds the products of the windows of a strip with its cotangent, (kernel, channels); `x` is the strip's image.
inline void add_products(const WindowRuns& runs, const Strip& strip, const float* x, const float* dy, float* sums) {
    runs.for_each(strip.first, strip.end(), [&](WindowRuns::Piece piece) {
        piece.turn();
        simd::table().window_products(piece.run, x + piece.from, piece.rows, piece.from_row,
                                      dy + piece.to - strip.first * runs.result_row(), piece.to_step, piece.to_row, runs.channels(), sums);
    });
}

/// dw and db, where they are wanted, for each of `tasks` cotangents. Chunks of strips depend on the problem alone; each sums for itself,
/// and what they have summed is added in order.
inline void backward_weight(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent, const Target<float>& dw,
                            const Target<float>& db) {
    const Index channels = s.out_channels;
    const Index taps = s.window.taps();
    const WindowRuns runs{Direction::forward, s.window, s.output, s.input, channels};
    const StripPlan strips = long_strips(s.batch, s.output.height);
    const Index chunks = weight_chunks(s, strips);
    const detail::ChunkSums sums{chunks, tasks, taps * channels, channels};
    const std::size_t bytes = Scratch::bytes<float>(cotangent.tail == ConvTail::none ? 0 : strips.rows() * s.output.width * channels);
    parallel_for(chunks, 1, bytes, [&](Index chunk, Index, void* scratch) {
        const simd::Part mine = simd::even_part(strips.size(), chunks, chunk);
        sums.clear_weights(chunk);
        sums.clear_bias(chunk);
        for (Index i = mine.first; i < mine.first + mine.size; ++i)
            for (Index t = 0; t < tasks; ++t) {
                const Strip strip = strips[i];
                const float* const dy = detail::strip_of_cotangent(strip, s, cotangent, t, static_cast<float*>(scratch));
                if (db.wanted())
                    sums.add_bias(chunk, t, strip.rows * s.output.width, dy, channels);
                if (dw.wanted())
                    add_products(runs, strip, x + strip.image * s.input_size(), dy, sums.weights(chunk, t));
            }
    });
    for (Index t = 0; dw.wanted() && t < tasks; ++t) {
        const float* const total = sums.added_up(t, 0, taps * channels);
        float* const to = dw.row(t);
        if (!dw.accumulate)
            simd::transpose(taps, channels, total, channels, to, taps);
        else
            for (Index i = 0; i < taps * channels; ++i)
                to[i] += total[i % taps * channels + i / taps];
    }
    if (db.wanted())
        sums.write_bias(db);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::depthwise
