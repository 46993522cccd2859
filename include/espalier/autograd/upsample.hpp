// SPDX-License-Identifier: MIT
/// @file Resizing of (N, H, W, C) images by nearest neighbour and bilinear interpolation.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// Output position i along one axis takes `(1 - weight)` of entry `low` and `weight` of entry `high`.
struct Sample {
    Index low;
    Index high;
    double weight;
};

[[nodiscard]] inline PoolVector<Sample> nearest_samples(Index from, Index to) {
    PoolVector<Sample> samples;
    samples.reserve(static_cast<std::size_t>(to));
    for (Index i = 0; i < to; ++i)
        samples.push_back({i * from / to, i * from / to, 0});
    return samples;
}

[[nodiscard]] inline PoolVector<Sample> linear_samples(Index from, Index to, bool align_corners) {
    PoolVector<Sample> samples;
    samples.reserve(static_cast<std::size_t>(to));
    for (Index i = 0; i < to; ++i) {
        const auto position = static_cast<double>(i);
        const double ratio = align_corners ? (to > 1 ? static_cast<double>(from - 1) / static_cast<double>(to - 1) : 0)
                                           : static_cast<double>(from) / static_cast<double>(to);
        const double x = align_corners ? position * ratio : std::max(0.0, (position + 0.5) * ratio - 0.5);
        const Index low = std::min(static_cast<Index>(x), from - 1);
        samples.push_back({low, std::min(low + 1, from - 1), x - static_cast<double>(low)});
    }
    return samples;
}

/// Resized to `size`; `samples(from, to)` are those of an axis.
template <class Scalar, class Samples>
[[nodiscard]] Variable<Scalar> resample(const char* operation, const Variable<Scalar>& x, Pair size, const Samples& samples) {
    const Shape in = x.shape();
    const Index channels = in[3];
    const Shape out{in[0], size.height, size.width, channels};
    Tensor<Scalar> y{out};  // before the tables: what cannot be held is refused before anything is made of it
    const bool empty = y.numel() == 0;
    // Calls body(output offset, input offset, weight) for the up to four sources of every pixel of image n.
    const auto for_each_source = [=, rows = samples(in[1], empty ? 0 : out[1]),
                                  columns = samples(in[2], empty ? 0 : out[2])](Index n, const auto& body) {
        for (Index oy = 0; oy < out[1]; ++oy)
            for (Index ox = 0; ox < out[2]; ++ox) {
                const Sample& v = rows[static_cast<std::size_t>(oy)];
                const Sample& h = columns[static_cast<std::size_t>(ox)];
                const auto source = [&](Index sy, Index sx, double weight) {
                    if (weight != 0)
                        body(((n * out[1] + oy) * out[2] + ox) * channels, (sy * in[2] + sx) * channels, static_cast<Scalar>(weight));
                };
                source(v.low, h.low, (1 - v.weight) * (1 - h.weight));
                source(v.low, h.high, (1 - v.weight) * h.weight);
                source(v.high, h.low, v.weight * (1 - h.weight));
                source(v.high, h.high, v.weight * h.weight);
            }
    };
    const Index image = in[1] * in[2] * channels;
    parallel_for(in[0], 1, [&](Index begin, Index end) {
        for (Index n = begin; n < end; ++n)
            for_each_source(n, [&](Index to, Index from, Scalar weight) {
                kernels::vector_loop(0, channels, [=, in = x.value().data() + n * image + from, out = y.data() + to](Index c) {
                    out[c] += weight * in[c];
                });
            });
    });
    return record<Scalar>(operation, std::move(y), {x}, [=](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(in.prepended(g.rows()));
        const auto gather = [&](Index n, auto* sums) {
            std::fill_n(sums, image, 0);
            for_each_source(n, [&](Index to, Index from, Scalar weight) {
                kernels::vector_loop(0, channels,
                                     [=, in = g.cotangent().data() + to, out = sums + from](Index c) { out[c] += weight * in[c]; });
            });
        };
        const bool in_doubles = !empty && out[1] * out[2] / (in[1] * in[2]) > 64;  // so many floats would lose digits
        const auto bytes = static_cast<std::size_t>(in_doubles ? image : 0) * sizeof(double);
        parallel_for(g.rows() * in[0], 1, bytes, [&](Index begin, Index end, void* scratch) {
            for (Index n = begin; n < end; ++n) {
                Scalar* const to = dx.data() + n * image;
                if (!in_doubles) {
                    gather(n, to);
                    continue;
                }
                auto* const sums = static_cast<double*>(scratch);
                gather(n, sums);
                std::transform(sums, sums + image, to, [](double v) { return static_cast<Scalar>(v); });
            }
        });
        g.add(0, std::move(dx));
    });
}

inline void require_resizable(const char* operation, const Shape& x, Pair size) {
    require<ShapeError>(x.rank() == 4 && x[1] > 0 && x[2] > 0 && x[3] > 0, operation, "expected images (N, H, W, C), got input ", x);
    require<ValueError>(size.height > 0 && size.width > 0, operation, "expected a size of at least 1x1, got ", size);
}

}  // namespace detail

/// Each output pixel is its nearest input pixel, as PyTorch's `nearest`. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> upsample_nearest2d(const Variable<Scalar>& x, Pair size) {
    detail::require_resizable("upsample_nearest2d", x.shape(), size);
    return detail::resample("upsample_nearest2d", x, size, detail::nearest_samples);
}

/// Bilinear interpolation; with `align_corners` the corner pixels of input and output coincide. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> upsample_bilinear2d(const Variable<Scalar>& x, Pair size, bool align_corners = false) {
    detail::require_resizable("upsample_bilinear2d", x.shape(), size);
    return detail::resample("upsample_bilinear2d", x, size,
                            [=](Index from, Index to) { return detail::linear_samples(from, to, align_corners); });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
