// SPDX-License-Identifier: MIT
/// @file The windows of pooling over channels-last images, and the largest of each.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/window_runs.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::kernels {

struct PoolShape {
    Index batch;
    Pair input;
    Pair output;
    Index channels;
    Window window;
    bool count_include_pad = true;  ///< whether a mean counts padding as zeros

    [[nodiscard]] Index input_size() const noexcept { return input.height * input.width * channels; }
    [[nodiscard]] Index output_size() const noexcept { return output.height * output.width * channels; }
};

namespace detail {

/// Windows of more taps than this are few and cost much each: they are worked on one by one. For the others the runs of
/// window_runs.hpp are small, and sums of floats as good as sums of doubles.
inline constexpr Index many_taps = 256;

/// How many windows hold one pixel, at most.
[[nodiscard]] inline Index most_windows(const Window& w) noexcept {
    return ((w.kernel.height - 1) / w.stride.height + 1) * ((w.kernel.width - 1) / w.stride.width + 1);
}

/// Calls `pixel(output_offset, oy, ox)` for every pooled pixel of one image.
template <class Body>
void for_each_pooled(const PoolShape& s, const Body& body) {
    Index offset = 0;
    for (Index oy = 0; oy < s.output.height; ++oy)
        for (Index ox = 0; ox < s.output.width; ++ox, offset += s.channels)
            body(offset, oy, ox);
}

/// Calls `tap(position, input_offset)` for every tap of the window at (oy, ox) that lies in the image.
template <class Tap>
void for_each_inside(const PoolShape& s, Index oy, Index ox, const Tap& tap) {
    const Window& w = s.window;
    for (Index ky = 0; ky < w.kernel.height; ++ky)
        for (Index kx = 0; kx < w.kernel.width; ++kx) {
            const Index y = oy * w.stride.height - w.padding.height + ky * w.dilation.height;
            const Index x = ox * w.stride.width - w.padding.width + kx * w.dilation.width;
            if (y >= 0 && y < s.input.height && x >= 0 && x < s.input.width)
                tap(ky * w.kernel.width + kx, (y * s.input.width + x) * s.channels);
        }
}

/// Whether the vector kernels pool this scalar.
template <class Scalar>
inline constexpr bool pools_in_vectors = simd::vectorised<Scalar>;

inline void max_windows(const PoolShape& s, const float* x, float* y, std::uint16_t* winner) {
    const WindowRuns runs{Direction::forward, s.window, s.output, s.input, s.channels};
    long_strips(s.batch, s.output.height).for_each(1, 0, [&](const Strip& strip, Index, void*) {
        runs.for_each(strip.first, strip.end(), [&](const WindowRuns::Piece& piece) {
            for (Index r = 0; r < piece.rows && piece.run.count > 0; ++r) {
                const float* const from = x + strip.image * s.input_size() + piece.from + r * piece.from_row;
                const Index at = strip.image * s.output_size() + piece.to + r * piece.to_row;
                simd::table().window_max(piece.run, from, y + at, winner + at);
            }
        });
    });
}

}  // namespace detail

/// y and, for each pooled value, which tap of the window it came from (the first of equals; NaN wins). Each window must hold a
/// pixel of the image.
template <class Scalar>
void max_pool2d_forward(const PoolShape& s, const Scalar* x, Scalar* y, std::uint16_t* winner) {
    if constexpr (detail::pools_in_vectors<Scalar>)
        if (s.window.taps() <= detail::many_taps)
            return detail::max_windows(s, x, y, winner);
    parallel_for(s.batch, 1, [&](Index begin, Index end) {
        for (Index n = begin; n < end; ++n)
            detail::for_each_pooled(s, [&](Index offset, Index oy, Index ox) {
                Scalar* const out = y + n * s.output_size() + offset;
                std::uint16_t* const from = winner + n * s.output_size() + offset;
                bool first = true;
                detail::for_each_inside(s, oy, ox, [&](Index position, Index pixel) {
                    const Scalar* const in = x + n * s.input_size() + pixel;
                    const auto tap = static_cast<std::uint16_t>(position);
                    if (std::exchange(first, false)) {
                        std::copy_n(in, s.channels, out);
                        std::fill_n(from, s.channels, tap);
                        return;
                    }
                    vector_loop(0, s.channels, [=](Index c) {
                        const Scalar best = out[c];
                        const bool better = !(in[c] <= best) & !is_nan(best);  // true for NaN as well, which then stays
                        out[c] = better ? in[c] : best;
                        from[c] = better ? tap : from[c];
                    });
                });
            });
    });
}

namespace detail {

/// Fills images of `size` elements each by `scatter(n, sums)`, which zeroes its sums; in doubles where they have very many terms.
template <class Scalar, class Scatter>
void scatter_to_images(Index images, Index size, bool in_doubles, Scalar* dx, const Scatter& scatter) {
    const auto bytes = static_cast<std::size_t>(in_doubles ? size : 0) * sizeof(double);
    parallel_for(images, 1, bytes, [&](Index begin, Index end, void* scratch) {
        for (Index n = begin; n < end; ++n) {
            Scalar* const image = dx + n * size;
            if (!in_doubles) {
                scatter(n, image);
                continue;
            }
            auto* const sums = static_cast<double*>(scratch);
            scatter(n, sums);
            std::transform(sums, sums + size, image, [](double v) { return static_cast<Scalar>(v); });
        }
    });
}

}  // namespace detail

/// dx from dy; `images` counts T batches one after the other, which share the winners of one batch.
template <class Scalar>
void max_pool2d_backward(const PoolShape& s, Index images, const Scalar* dy, const std::uint16_t* winner, Scalar* dx) {
    const Window& w = s.window;
    const Buffer memory{static_cast<std::size_t>(w.taps()) * sizeof(Index)};
    auto* const tap = static_cast<Index*>(memory.data());  // where each lies, from the first one of its window
    for (Index i = 0; i < w.taps(); ++i)
        tap[i] = (i / w.kernel.width * w.dilation.height * s.input.width + i % w.kernel.width * w.dilation.width) * s.channels;
    const auto scatter = [&](Index n, auto* image) {
        std::fill_n(image, s.input_size(), 0);
        detail::for_each_pooled(s, [&](Index offset, Index oy, Index ox) {
            const Scalar* const out = dy + n * s.output_size() + offset;
            const std::uint16_t* const from = winner + n % s.batch * s.output_size() + offset;
            const Index first = ((oy * w.stride.height - w.padding.height) * s.input.width + ox * w.stride.width - w.padding.width) *
                                s.channels;
            for (Index c = 0; c < s.channels; ++c)
                image[first + tap[from[c]] + c] += out[c];
        });
    };
    const bool in_doubles = detail::most_windows(w) > detail::many_taps;  // may win so many windows
    detail::scatter_to_images(images, s.input_size(), in_doubles, dx, scatter);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
