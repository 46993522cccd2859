// SPDX-License-Identifier: MIT
/// @file Convolution by unfolding: for scalars, compilers and geometries that the vector kernels do not serve.
///
/// Strips of the image are unfolded (im2col) into a buffer that stays in cache and multiplied by the weights.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_shape.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels::unfolded {

namespace detail {

/// Cuts the patch of output (oy, ox) into runs that are contiguous in the image too: calls `run(offset, pixel, length)` for
/// `length` values of the patch from `offset` on, which start at `pixel`, or lie in the padding if that is -1.
template <class Run>
void for_each_run(const ConvShape& s, Index oy, Index ox, const Run& run) {
    const Index width = s.window.kernel.width;
    const Index taps = s.groups == 1 && s.window.dilation.width == 1 ? width : 1;  // of one run, where nothing is clipped
    Index offset = 0;
    for (Index ky = 0; ky < s.window.kernel.height; ++ky) {
        const Index y = oy * s.window.stride.height - s.window.padding.height + ky * s.window.dilation.height;
        const bool row_inside = y >= 0 && y < s.input.height;
        for (Index kx = 0; kx < width; kx += taps) {
            const Index x = ox * s.window.stride.width - s.window.padding.width + kx * s.window.dilation.width;
            const Index first = row_inside ? std::clamp<Index>(-x, 0, taps) : taps;
            const Index last = row_inside ? std::clamp<Index>(s.input.width - x, first, taps) : taps;
            const auto part = [&](Index from, Index to, Index pixel) {
                if (from < to)
                    run(offset + from * s.depth(), pixel, (to - from) * s.depth());
            };
            part(0, first, -1);
            if (row_inside)
                part(first, last, y * s.input.width + x + first);
            part(last, taps, -1);
            offset += taps * s.depth();
        }
    }
}

/// Patches of output rows [first, last) of one image and group, one a row of `columns`.
template <class Scalar>
void unfold(const ConvShape& s, const Scalar* image, Index group, Index first, Index last, Scalar* columns) {
    const Scalar* const start = image + group * s.depth();
    const Window& w = s.window;
    const Index run_length = w.kernel.width * s.depth();
    const bool contiguous = s.groups == 1 && w.dilation.width == 1 && run_length < 64;
    for (Index oy = first; oy < last; ++oy)
        for (Index ox = 0; ox < s.output.width; ++ox, columns += s.patch()) {
            const Index x = ox * w.stride.width - w.padding.width;
            const Index y = oy * w.stride.height - w.padding.height;
            if (contiguous && x >= 0 && x + w.kernel.width <= s.input.width && y >= 0 &&
                y + (w.kernel.height - 1) * w.dilation.height < s.input.height) {
                // Few channels, nothing clipped: most patches of a first layer, whose runs are too short for a call each.
                const Scalar* from = start + (y * s.input.width + x) * s.in_channels;
                Scalar* to = columns;
                for (Index ky = 0; ky < w.kernel.height; ++ky, from += w.dilation.height * s.input.width * s.in_channels)
                    for (Index i = 0; i < run_length; ++i)
                        *to++ = from[i];
                continue;
            }
            for_each_run(s, oy, ox, [&](Index offset, Index pixel, Index length) {
                if (pixel < 0)
                    std::fill_n(columns + offset, length, Scalar(0));
                else
                    std::copy_n(start + pixel * s.in_channels, length, columns + offset);
            });
        }
}

/// The transpose of `unfold`: adds the patches back onto the image.
template <class Scalar>
void fold(const ConvShape& s, const Scalar* columns, Index group, Index first, Index last, Scalar* image) {
    for (Index oy = first; oy < last; ++oy)
        for (Index ox = 0; ox < s.output.width; ++ox, columns += s.patch())
            for_each_run(s, oy, ox, [&](Index offset, Index pixel, Index length) {
                if (pixel < 0)
                    return;
                Scalar* const to = image + pixel * s.in_channels + group * s.depth();
                const Scalar* const from = columns + offset;
                vector_loop(0, length, [=](Index i) { to[i] += from[i]; });
            });
}

/// Calls `body(group, first_row, last_row, scratch)` for every strip of an image; `scratch` holds its patches, half a megabyte
/// of doubles.
template <class Scalar, class Body>
void for_each_strip(const ConvShape& s, const Body& body) {
    const Index strip = std::clamp<Index>(65536 / std::max<Index>(s.output.width * s.patch(), 1), 1, s.output.height);
    const Buffer scratch{static_cast<std::size_t>(strip * s.output.width * s.patch()) * sizeof(Scalar)};
    for (Index group = 0; group < s.groups; ++group)
        for (Index first = 0; first < s.output.height; first += strip)
            body(group, first, std::min(first + strip, s.output.height), static_cast<Scalar*>(scratch.data()));
}

/// The product of a strip, on this thread: it belongs to a loop over images that has all of them.
template <class Scalar>
void multiply(Transpose transpose_a, Transpose transpose_b, Index m, Index n, Index k, MatrixView<const Scalar> a,
              MatrixView<const Scalar> b, MatrixView<Scalar> c, bool accumulate) {
    if constexpr (simd::vectorised<Scalar>)
        parallel_gemm<Scalar>(transpose_a, transpose_b, m, n, k, a, b, c, accumulate);
    else
        gemm<Scalar>(transpose_a, transpose_b, m, n, k, a, b, c, accumulate);
}

}  // namespace detail

/// y = x * w + bias; `bias` may be null.
template <class Scalar>
void forward(const ConvShape& s, const Scalar* x, const Scalar* weight, const Scalar* bias, Scalar* y) {
    parallel_for(s.batch, 1, [&](Index begin, Index end) {
        for (Index n = begin; n < end; ++n) {
            const Scalar* const image = x + n * s.input_size();
            Scalar* const out = y + n * s.output_size();
            for (Index i = 0; i < s.output_size() && bias; i += s.out_channels)
                std::copy_n(bias, s.out_channels, out + i);
            detail::for_each_strip<Scalar>(s, [&](Index group, Index first, Index last, Scalar* scratch) {
                const Index pixel = first * s.output.width;
                const Scalar* columns = image + pixel * s.in_channels;
                if (!s.pointwise()) {
                    detail::unfold(s, image, group, first, last, scratch);
                    columns = scratch;
                }
                detail::multiply<Scalar>(Transpose::no, Transpose::yes, (last - first) * s.output.width, s.filters(), s.patch(),
                                         {columns, s.patch()}, {weight + group * s.filters() * s.patch(), s.patch()},
                                         {out + pixel * s.out_channels + group * s.filters(), s.out_channels}, bias != nullptr);
            });
        }
    });
}

/// dx from dy; `s.batch` may count T batches laid one after the other.
template <class Scalar>
void backward_input(const ConvShape& s, const Scalar* dy, const Scalar* weight, Scalar* dx) {
    parallel_for(s.batch, 1, [&](Index begin, Index end) {
        for (Index n = begin; n < end; ++n) {
            const Scalar* const out = dy + n * s.output_size();
            Scalar* const image = dx + n * s.input_size();
            if (!s.pointwise())
                std::fill_n(image, s.input_size(), Scalar(0));
            detail::for_each_strip<Scalar>(s, [&](Index group, Index first, Index last, Scalar* scratch) {
                const Index pixel = first * s.output.width;
                Scalar* const columns = s.pointwise() ? image + pixel * s.in_channels : scratch;
                detail::multiply<Scalar>(Transpose::no, Transpose::no, (last - first) * s.output.width, s.patch(), s.filters(),
                                         {out + pixel * s.out_channels + group * s.filters(), s.out_channels},
                                         {weight + group * s.filters() * s.patch(), s.patch()}, {columns, s.patch()}, false);
                if (!s.pointwise())
                    detail::fold(s, scratch, group, first, last, image);
            });
        }
    });
}

/// The gradient of the weights for each of `tasks` cotangents: dy is (tasks, batch, output, out_channels). Patches are unfolded
/// once for all tasks. The batch is cut into a fixed number of chunks whose sums are added in order.
template <class Scalar>
void backward_weight(const ConvShape& s, Index tasks, const Scalar* x, const Scalar* dy, const Target<Scalar>& dw) {
    const Index grain = std::max<Index>((s.batch + 7) / 8, 1);
    const Index chunks = (s.batch + grain - 1) / grain;
    const Index size = tasks * s.weight_size();
    const Buffer memory{static_cast<std::size_t>(chunks * size) * sizeof(Scalar)};
    auto* const partial = static_cast<Scalar*>(memory.data());
    parallel_for(s.batch, grain, [&](Index begin, Index end) {
        Scalar* const sum = partial + begin / grain * size;
        std::fill_n(sum, size, Scalar(0));
        for (Index n = begin; n < end; ++n) {
            const Scalar* const image = x + n * s.input_size();
            detail::for_each_strip<Scalar>(s, [&](Index group, Index first, Index last, Scalar* scratch) {
                const Index pixel = first * s.output.width;
                const Scalar* columns = image + pixel * s.in_channels;
                if (!s.pointwise()) {
                    detail::unfold(s, image, group, first, last, scratch);
                    columns = scratch;
                }
                for (Index t = 0; t < tasks; ++t) {
                    const Scalar* const out = dy + (t * s.batch + n) * s.output_size() + pixel * s.out_channels;
                    detail::multiply<Scalar>(Transpose::yes, Transpose::no, s.filters(), s.patch(), (last - first) * s.output.width,
                                             {out + group * s.filters(), s.out_channels}, {columns, s.patch()},
                                             {sum + t * s.weight_size() + group * s.filters() * s.patch(), s.patch()}, true);
                }
            });
        }
    });
    parallel_for(s.weight_size(), 4096, [&](Index begin, Index end) {
        for (Index t = 0; t < tasks; ++t)
            for (Index i = begin; i < end; ++i) {
                Scalar& to = dw.row(t)[i];
                Scalar total = dw.accumulate ? to : Scalar(0);
                for (Index chunk = 0; chunk < chunks; ++chunk)
                    total += partial[chunk * size + t * s.weight_size() + i];
                to = total;
            }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::unfolded
