// SPDX-License-Identifier: MIT
/// @file Average pooling of channels-last images.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/pooling.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/kernels/window_runs.hpp>

#include <algorithm>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {
namespace detail {

/// Taps [begin, end) of something along one side.
struct Span {
    Index begin;
    Index end;
    [[nodiscard]] Index size() const noexcept { return end - begin; }
};

/// What each mean is divided by.
class Divisors {
public:
    explicit Divisors(const PoolShape& s) noexcept : s_{s} {}

    /// Of window (oy, ox): its taps inside the padded image, or inside the image alone.
    [[nodiscard]] Index operator()(Index oy, Index ox) const noexcept {
        const Window& w = s_.window;
        return counted(oy, s_.input.height, w.kernel.height, w.stride.height, w.padding.height) *
               counted(ox, s_.input.width, w.kernel.width, w.stride.width, w.padding.width);
    }

    /// Whether all are the taps of the window.
    [[nodiscard]] bool uniform() const noexcept {
        const Window& w = s_.window;
        const auto inside = [](Index output, Index size, Index kernel, Index stride, Index padding) {
            return (output - 1) * stride + kernel <= size + 2 * padding;
        };
        return (s_.count_include_pad || w.padding == Pair{0}) &&
               inside(s_.output.height, s_.input.height, w.kernel.height, w.stride.height, w.padding.height) &&
               inside(s_.output.width, s_.input.width, w.kernel.width, w.stride.width, w.padding.width);
    }

    /// The factor of each sum, or 1 if they differ: then `divide` does it.
    template <class Scalar>
    [[nodiscard]] Scalar scale() const noexcept {
        return uniform() ? Scalar(1) / static_cast<Scalar>(s_.window.taps()) : Scalar(1);
    }

    /// out = in / divisor for every pixel of a result; they may be the same.
    template <class Scalar>
    void divide(Index images, const Scalar* in, Scalar* out) const {
        const Index row = s_.output.width * s_.channels;
        parallel_for(images * s_.output.height, row_grain(row), [&](Index begin, Index end) {
            for (Index r = begin; r < end; ++r)
                for (Index i = r * row; i < (r + 1) * row; i += s_.channels) {
                    const auto by = static_cast<Scalar>((*this)(r % s_.output.height, (i - r * row) / s_.channels));
                    vector_loop(i, i + s_.channels, [=](Index j) { out[j] = in[j] / by; });
                }
        });
    }

private:
    [[nodiscard]] Index counted(Index o, Index size, Index kernel, Index stride, Index padding) const noexcept {
        const Index start = o * stride - padding;
        const Index end = std::min(start + kernel, size + padding);
        return s_.count_include_pad ? end - start : std::min(end, size) - std::max<Index>(start, 0);
    }

    const PoolShape& s_;
};

/// The scaled sums over windows, or over the windows that hold a pixel.
inline void sum_in_runs(Direction direction, const PoolShape& s, Index images, float scale, const float* source, float* out) {
    const bool forward = direction == Direction::forward;
    const Pair size = forward ? s.output : s.input;
    const Pair source_size = forward ? s.input : s.output;
    const Buffer memory{static_cast<std::size_t>(s.channels) * sizeof(float)};
    std::fill_n(static_cast<float*>(memory.data()), s.channels, scale);
    sum_images({direction, s.window, size, source_size, s.channels}, images, source_size, size, source,
               {static_cast<const float*>(memory.data()), 0, nullptr, false}, out);
}

/// The same sums for results that many are summed for, in double: `rows(y)` and `columns(x)` are the part of the source that is.
template <class Scalar, class Rows, class Columns>
void sum_rectangles(Index images, Pair size, Pair source_size, Index channels, Scalar scale, const Scalar* source, const Rows& rows,
                    const Columns& columns, Scalar* out) {
    parallel_for(images * size.height, 1, static_cast<std::size_t>(channels) * sizeof(double), [&](Index begin, Index end, void* scratch) {
        auto* const sums = static_cast<double*>(scratch);
        for (Index r = begin; r < end; ++r)
            for (Index x = 0; x < size.width; ++x) {
                const Span down = rows(r % size.height);
                const Span across = columns(x);
                std::fill_n(sums, channels, 0.0);
                for (Index y = down.begin; y < down.end; ++y)
                    add_rows_to(sums, across.size(), channels,
                                source + ((r / size.height * source_size.height + y) * source_size.width + across.begin) * channels);
                std::transform(sums, sums + channels, out + (r * size.width + x) * channels,
                               [=](double sum) { return static_cast<Scalar>(sum * static_cast<double>(scale)); });
            }
    });
}

}  // namespace detail

/// Mean over each window. Padding counts as zeros unless `count_include_pad` is false; what lies beyond it never counts.
template <class Scalar>
void avg_pool2d_forward(const PoolShape& s, const Scalar* x, Scalar* y) {
    const Window& w = s.window;
    const detail::Divisors divisors{s};
    const auto scale = divisors.scale<Scalar>();
    if (w.taps() > detail::many_taps) {
        const auto part = [](Index size, Index kernel, Index stride, Index padding) {
            return [=](Index o) {
                return detail::Span{std::max<Index>(o * stride - padding, 0), std::min(o * stride - padding + kernel, size)};
            };
        };
        detail::sum_rectangles(s.batch, s.output, s.input, s.channels, scale, x,
                               part(s.input.height, w.kernel.height, w.stride.height, w.padding.height),
                               part(s.input.width, w.kernel.width, w.stride.width, w.padding.width), y);
    } else {
        if constexpr (detail::pools_in_vectors<Scalar>)
            detail::sum_in_runs(detail::Direction::forward, s, s.batch, scale, x, y);
        else
            parallel_for(s.batch, 1, [&](Index begin, Index end) {
                for (Index n = begin; n < end; ++n)
                    detail::for_each_pooled(s, [&](Index offset, Index oy, Index ox) {
                        Scalar* const out = y + n * s.output_size() + offset;
                        std::fill_n(out, s.channels, Scalar(0));
                        detail::for_each_inside(s, oy, ox, [&](Index, Index pixel) {
                            const Scalar* const in = x + n * s.input_size() + pixel;
                            for (Index c = 0; c < s.channels; ++c)
                                out[c] += in[c] * scale;
                        });
                    });
            });
    }
    if (!divisors.uniform())
        divisors.divide(s.batch, y, y);
}

/// dx from dy; `images` counts T batches one after the other.
template <class Scalar>
void avg_pool2d_backward(const PoolShape& s, Index images, const Scalar* dy, Scalar* dx) {
    const Window& w = s.window;
    const detail::Divisors divisors{s};
    const auto scale = divisors.scale<Scalar>();
    const Buffer divided{static_cast<std::size_t>(divisors.uniform() ? 0 : images * s.output_size()) * sizeof(Scalar)};
    if (!divisors.uniform()) {
        divisors.divide(images, dy, static_cast<Scalar*>(divided.data()));
        dy = static_cast<const Scalar*>(divided.data());
    }
    if (detail::most_windows(w) > detail::many_taps || w.taps() > detail::many_taps) {
        const auto part = [](Index size, Index kernel, Index stride, Index padding) {  // windows that hold pixel i
            return [=](Index i) {
                const Index before = std::max<Index>(i + padding - kernel + stride, 0) / stride;
                return detail::Span{before, std::max(before, std::min((i + padding) / stride + 1, size))};
            };
        };
        detail::sum_rectangles(images, s.input, s.output, s.channels, scale, dy,
                               part(s.output.height, w.kernel.height, w.stride.height, w.padding.height),
                               part(s.output.width, w.kernel.width, w.stride.width, w.padding.width), dx);
        return;
    }
    if constexpr (detail::pools_in_vectors<Scalar>)
        detail::sum_in_runs(detail::Direction::backward, s, images, scale, dy, dx);
    else
        parallel_for(images, 1, [&](Index begin, Index end) {
            for (Index n = begin; n < end; ++n) {
                Scalar* const image = dx + n * s.input_size();
                std::fill_n(image, s.input_size(), Scalar(0));
                detail::for_each_pooled(s, [&](Index offset, Index oy, Index ox) {
                    const Scalar* const out = dy + n * s.output_size() + offset;
                    detail::for_each_inside(s, oy, ox, [&](Index, Index pixel) {
                        for (Index c = 0; c < s.channels; ++c)
                            image[pixel + c] += out[c] * scale;
                    });
                });
            }
        });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
