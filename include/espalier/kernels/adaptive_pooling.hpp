// SPDX-License-Identifier: MIT
/// @file Pooling of channels-last images to a given size: their windows, and the mean and the largest value of each.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/avg_pooling.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/pooling.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Images (batch, input, channels) of which (batch, output, channels) are made.
struct AdaptivePoolShape {
    Index batch;
    Pair input;
    Pair output;
    Index channels;

    [[nodiscard]] Index input_size() const noexcept { return input.height * input.width * channels; }
    [[nodiscard]] Index output_size() const noexcept { return output.height * output.width * channels; }
};

namespace detail {

/// Window i of `count` over `size` pixels of a side, as near to equal parts as whole pixels are; none is empty. That of the windows
/// which hold pixel i is `adaptive_span(i, count, size)`: each of the two lists is the other's transpose.
[[nodiscard]] inline Span adaptive_span(Index i, Index size, Index count) noexcept {
    return {i * size / count, ((i + 1) * size + count - 1) / count};
}

/// Calls `body(offset, rows, columns)` for every pixel of a result of these rows, [begin, end) of all images.
template <class Body>
void for_each_adaptive(const AdaptivePoolShape& s, Index begin, Index end, const Body& body) {
    for (Index r = begin; r < end; ++r)
        for (Index x = 0; x < s.output.width; ++x)
            body((r * s.output.width + x) * s.channels, adaptive_span(r % s.output.height, s.input.height, s.output.height),
                 adaptive_span(x, s.input.width, s.output.width));
}

/// out = in over the pixels of its window, for each of `images` results; they may be the same.
template <class Scalar>
void divide_by_pixels(const AdaptivePoolShape& s, Index images, const Scalar* in, Scalar* out) {
    parallel_for(images * s.output.height, row_grain(s.output.width * s.channels), [&](Index begin, Index end) {
        for_each_adaptive(s, begin, end, [&](Index offset, Span rows, Span columns) {
            const auto by = static_cast<Scalar>(rows.size() * columns.size());
            vector_loop(offset, offset + s.channels, [=](Index i) { out[i] = in[i] / by; });
        });
    });
}

}  // namespace detail

/// The mean of each window.
template <class Scalar>
void adaptive_avg_pool2d_forward(const AdaptivePoolShape& s, const Scalar* x, Scalar* y) {
    detail::sum_rectangles(
        s.batch, s.output, s.input, s.channels, Scalar(1), x,
        [&](Index i) { return detail::adaptive_span(i, s.input.height, s.output.height); },
        [&](Index i) { return detail::adaptive_span(i, s.input.width, s.output.width); }, y);
    detail::divide_by_pixels(s, s.batch, y, y);
}

/// dx from dy; `images` counts T batches one after the other.
template <class Scalar>
void adaptive_avg_pool2d_backward(const AdaptivePoolShape& s, Index images, const Scalar* dy, Scalar* dx) {
    const Buffer memory{static_cast<std::size_t>(images * s.output_size()) * sizeof(Scalar)};
    auto* const divided = static_cast<Scalar*>(memory.data());
    detail::divide_by_pixels(s, images, dy, divided);
    detail::sum_rectangles(
        images, s.input, s.output, s.channels, Scalar(1), divided,
        [&](Index i) { return detail::adaptive_span(i, s.output.height, s.input.height); },
        [&](Index i) { return detail::adaptive_span(i, s.output.width, s.input.width); }, dx);
}

/// The largest value of each window and which pixel of its image it is of, counted by rows: the first of equals; NaN wins.
template <class Scalar>
void adaptive_max_pool2d_forward(const AdaptivePoolShape& s, const Scalar* x, Scalar* y, Index* winner) {
    parallel_for(s.batch * s.output.height, row_grain(s.input.width * s.channels), [&](Index begin, Index end) {
        detail::for_each_adaptive(s, begin, end, [&](Index offset, detail::Span rows, detail::Span columns) {
            const Scalar* const image = x + offset / s.output_size() * s.input_size();
            Scalar* const out = y + offset;
            Index* const from = winner + offset;
            const Index first = rows.begin * s.input.width + columns.begin;
            std::copy_n(image + first * s.channels, s.channels, out);
            std::fill_n(from, s.channels, first);
            for (Index row = rows.begin; row < rows.end; ++row)
                for (Index pixel = row * s.input.width + columns.begin; pixel < row * s.input.width + columns.end; ++pixel)
                    vector_loop(0, s.channels, [=, in = image + pixel * s.channels](Index c) {
                        const Scalar best = out[c];
                        const bool better = !(in[c] <= best) & !is_nan(best);  // true for NaN as well, which then stays
                        out[c] = better ? in[c] : best;
                        from[c] = better ? pixel : from[c];
                    });
        });
    });
}

/// dx from dy; `images` counts T batches one after the other, which share the winners of one batch.
template <class Scalar>
void adaptive_max_pool2d_backward(const AdaptivePoolShape& s, Index images, const Scalar* dy, const Index* winner, Scalar* dx) {
    const auto scatter = [&](Index n, auto* image) {
        std::fill_n(image, s.input_size(), 0);
        const Scalar* const out = dy + n * s.output_size();
        const Index* const from = winner + n % s.batch * s.output_size();
        for (Index i = 0; i < s.output_size(); i += s.channels)
            for (Index c = 0; c < s.channels; ++c)
                image[from[i + c] * s.channels + c] += out[i + c];
    };
    const bool in_doubles = s.output.height * s.output.width / (s.input.height * s.input.width) > detail::many_taps;
    detail::scatter_to_images(images, s.input_size(), in_doubles, dx, scatter);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
