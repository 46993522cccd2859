// SPDX-License-Identifier: MIT
/// @file The backward passes of convolutions whose channels would leave many lanes of the vectors empty: taps times channels,
/// side by side, fill them. For that windows are unfolded, which costs little as long as there are few channels.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// Pixels of a strip whose windows lie side by side: few enough to stay in cache, enough to use what is packed often.
inline constexpr Index unfolded_pixels = 96;

/// Whether dx is cheaper as `y * w` scattered over the image than gathered pixel by pixel: multiply-adds of whole vectors.
[[nodiscard]] inline bool scatters_input(const ConvShape& s, Index images) noexcept {
    using detail::sixteens;
    const Window& w = s.window;
    const Index gathered = s.input.height * s.input.width * sixteens(s.in_channels) * w.taps() * s.filters() /
                           (w.stride.height * w.stride.width);
    const Index run = sixteens(w.kernel.width * s.in_channels) + 2;
    const Index scattered = s.output.height * s.output.width * (sixteens(s.patch()) * s.filters() + 4 * w.kernel.height * run);
    return s.groups == 1 && w.dilation.width == 1 && images >= 4 && 5 * scattered < 4 * gathered;
}

/// dx for `images` cotangents, image by image: the product of every pixel of y with all weights, added to its window.
inline void backward_input_scattered(const ConvShape& s, Index images, const ConvCotangent<float>& cotangent, const float* weight,
                                     float* dx) {
    using simd::Scratch;
    const simd::Table& kernels = simd::table();
    const Window& w = s.window;
    const simd::Columns columns{s.patch(), kernels.tile_vectors};
    const Index width = s.output.width;
    const Index strip = std::clamp<Index>(unfolded_pixels / width, 1, s.output.height);
    const Index filters = s.filters();

    const Buffer packed{Scratch::bytes<float>(filters * columns.padded()) + Scratch::bytes<std::int32_t>(filters)};
    Scratch shared{packed.data()};
    auto* const panels = shared.take<float>(filters * columns.padded());
    auto* const offsets = shared.take<std::int32_t>(filters);
    for (Index f = 0; f < filters; ++f)
        offsets[f] = static_cast<std::int32_t>(f);
    for (Index b = 0; b < columns.blocks(); ++b) {
        const simd::ColumnBlock block = columns[b];
        const Index wide = block.vectors * kernels.lanes;
        kernels.copy_rows(filters, block.width, weight + block.column, s.patch(), panels + block.column * filters, wide, wide);
    }

    const Index pixels = strip * width;
    const std::size_t bytes =
        Scratch::bytes<float>(pixels * filters) + Scratch::bytes<float>(pixels * columns.padded()) + 2 * Scratch::bytes<float*>(pixels);
    parallel_for(images, 1, bytes, [&](Index n, Index, void* memory) {
        Scratch scratch{memory};
        auto* const spare = scratch.take<float>(pixels * filters);
        auto* const products = scratch.take<float>(pixels * columns.padded());
        auto* const inputs = scratch.take<const float*>(pixels);
        auto* const outputs = scratch.take<float*>(pixels);
        for (Index p = 0; p < pixels; ++p)
            outputs[p] = products + p * columns.padded();
        float* const image = dx + n * s.input_size();
        std::fill_n(image, s.input_size(), 0.0F);
        for (Index first = 0; first < s.output.height; first += strip) {
            const Index rows = std::min(strip, s.output.height - first);
            const float* const dy = detail::rows_of_cotangent(first, rows, s, cotangent, n, spare);
            for (Index p = 0; p < rows * width; ++p)
                inputs[p] = dy + p * filters;
            for (Index b = 0; b < columns.blocks(); ++b) {
                const simd::ColumnBlock block = columns[b];
                const Index wide = block.vectors * kernels.lanes;
                simd::run_tiles({inputs, rows * width, offsets, filters, panels + block.column * filters, wide},
                                {outputs, block.column, wide, simd::Start::zero, nullptr, false}, block.vectors);
            }
            const Index run = w.kernel.width * s.in_channels;
            const Index row_size = s.input.width * s.in_channels;
            for (Index r = 0; r < rows; ++r) {
                const Index y = (first + r) * w.stride.height - w.padding.height;
                Index ky = 0;
                Index end = w.kernel.height;
                while (ky < end && y + ky * w.dilation.height < 0)
                    ++ky;
                while (end > ky && y + (end - 1) * w.dilation.height >= s.input.height)
                    --end;
                for (Index ox = 0; ox < width; ++ox) {
                    const Index x = ox * w.stride.width - w.padding.width;
                    const Index kx = std::clamp<Index>(-x, 0, w.kernel.width);
                    const Index taps = std::clamp<Index>(s.input.width - x, kx, w.kernel.width) - kx;
                    kernels.add_to_rows(end - ky, taps * s.in_channels, outputs[r * width + ox] + ky * run + kx * s.in_channels, run,
                                        image + (y + ky * w.dilation.height) * row_size + (x + kx) * s.in_channels,
                                        w.dilation.height * row_size);
                }
            }
        }
    });
}

/// Whether dw is cheaper as filters times unfolded windows than as weights times filters.
[[nodiscard]] inline bool unfolds_windows(const ConvShape& s) noexcept {
    const Index direct = s.patch() * detail::sixteens(s.filters());
    const Index unfolded = (s.filters() + 2) * detail::sixteens(s.patch());
    return s.groups == 1 && s.window.dilation.width == 1 && 20 * unfolded < 17 * direct;
}

/// `backward_weight` by unfolded windows; see there. Chunks are whole images.
inline void backward_weight_unfolded(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent, float* dw,
                                     Index dw_stride, bool dw_accumulate, float* db, Index db_stride, bool db_accumulate) {
    using detail::Frame;
    using simd::Scratch;
    const simd::Table& kernels = simd::table();
    const Window& w = s.window;
    const simd::Columns columns{s.patch(), kernels.tile_vectors};
    const Index width = s.output.width;
    const Index filters = s.filters();
    const Index run = w.kernel.width * s.in_channels;
    const Index strip = std::clamp<Index>(unfolded_pixels / width, 1, s.output.height);
    const Index chunks = std::clamp<Index>(s.batch * s.output.height * width / 1024, 1, std::min<Index>(16, s.batch));
    const Frame full{0, -w.padding.width, (strip - 1) * w.stride.height + (w.kernel.height - 1) * w.dilation.height + 1,
                     (width - 1) * w.stride.width + w.kernel.width, s.in_channels};
    const Index pixels = strip * width;

    const Index size = filters * columns.padded();
    const Buffer memory{Scratch::bytes<float>(chunks * tasks * size) + Scratch::bytes<double>(chunks * tasks * filters) +
                        Scratch::bytes<std::int32_t>(pixels)};
    Scratch shared{memory.data()};
    auto* const sums = shared.take<float>(chunks * tasks * size);
    auto* const bias_sums = shared.take<double>(chunks * tasks * filters);
    auto* const offsets = shared.take<std::int32_t>(pixels);
    for (Index p = 0; p < pixels; ++p)
        offsets[p] = static_cast<std::int32_t>(p * filters);

    const std::size_t bytes = Scratch::bytes<float>(full.size()) + Scratch::bytes<float>(pixels * columns.padded()) +
                              Scratch::bytes<float>(pixels * filters) + 2 * Scratch::bytes<float*>(filters);
    parallel_for(chunks, 1, bytes, [&](Index chunk, Index, void* memory_of_thread) {
        Scratch scratch{memory_of_thread};
        auto* const frame = scratch.take<float>(full.size());
        auto* const windows = scratch.take<float>(pixels * columns.padded());
        auto* const spare = scratch.take<float>(pixels * filters);
        auto* const inputs = scratch.take<const float*>(filters);
        auto* const outputs = scratch.take<float*>(filters);
        std::fill_n(windows, pixels * columns.padded(), 0.0F);
        std::fill_n(bias_sums + chunk * tasks * filters, tasks * filters, 0.0);
        const simd::Part mine = simd::even_part(s.batch, chunks, chunk);
        for (Index n = mine.first; n < mine.first + mine.size; ++n)
            for (Index first = 0; first < s.output.height; first += strip) {
                const Index rows = std::min(strip, s.output.height - first);
                Frame part = full;
                part.row = first * w.stride.height - w.padding.height;
                part.rows -= (strip - rows) * w.stride.height;
                detail::frame_of_image(part, s.input, s.in_channels, x + n * s.input_size(), frame);
                for (Index r = 0; r < rows; ++r)
                    for (Index ky = 0; ky < w.kernel.height; ++ky)
                        kernels.copy_rows(width, run, frame + (r * w.stride.height + ky * w.dilation.height) * full.row_size(),
                                          w.stride.width * s.in_channels, windows + r * width * columns.padded() + ky * run,
                                          columns.padded(), run);
                for (Index t = 0; t < tasks; ++t) {
                    const float* const dy = detail::rows_of_cotangent(first, rows, s, cotangent, t * s.batch + n, spare);
                    if (db)
                        kernels.add_column_sums(rows * width, filters, dy, nullptr, nullptr, filters,
                                                bias_sums + (chunk * tasks + t) * filters);
                    for (Index f = 0; f < filters; ++f) {
                        inputs[f] = dy + f;
                        outputs[f] = sums + (chunk * tasks + t) * size + f * columns.padded();
                    }
                    const auto start = n == mine.first && first == 0 ? simd::Start::zero : simd::Start::accumulate;
                    for (Index b = 0; b < columns.blocks(); ++b) {
                        const simd::ColumnBlock block = columns[b];
                        simd::run_tiles({inputs, filters, offsets, rows * width, windows + block.column, columns.padded()},
                                        {outputs, block.column, block.vectors * kernels.lanes, start, nullptr, false},
                                        block.vectors);
                    }
                }
            }
    });

    parallel_for(tasks * filters, std::max<Index>(1, 16384 / (chunks * columns.padded())), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            float* const sum = sums + i * columns.padded();  // of chunk 0; i counts (task, filter)
            float* const to = dw + i / filters * dw_stride + i % filters * s.patch();
            detail::add_chunks(chunks, s.patch(), tasks * size, sum);
            if (dw_accumulate)
                kernels.add_to_rows(1, s.patch(), sum, 0, to, 0);
            else
                std::copy_n(sum, s.patch(), to);
        }
    });
    if (db)
        detail::write_bias_gradient(chunks, tasks, filters, bias_sums, db, db_stride, db_accumulate);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
