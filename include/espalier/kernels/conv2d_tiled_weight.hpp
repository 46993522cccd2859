// SPDX-License-Identifier: MIT
/// @file The gradients of a convolution's weights and bias in register tiles: weights (taps and channels) times filters,
/// summed over pixels.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv2d_depthwise.hpp>
#include <espalier/kernels/conv2d_tiled_few.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <cstdint>
#include <limits>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// Pixels that a chunk sums at least.
inline constexpr Index weight_chunk_pixels = 1024;

/// dw and db, unless null, for each of `tasks` cotangents: row t of a result starts at `+ t * stride`.
///
/// The strips of all images are cut into a number of chunks that depends on the problem alone; each chunk sums its strips
/// one after the other, and the chunks are added in order.
inline void backward_weight(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent, float* dw,
                            Index dw_stride, bool dw_accumulate, float* db, Index db_stride, bool db_accumulate) {
    using detail::Frame;
    using simd::ceil_div;
    using simd::Scratch;
    if (s.batch * s.output_size() == 0) {
        for (Index t = 0; dw && !dw_accumulate && t < tasks; ++t)
            std::fill_n(dw + t * dw_stride, s.weight_size(), 0.0F);
        for (Index t = 0; db && !db_accumulate && t < tasks; ++t)
            std::fill_n(db + t * db_stride, s.out_channels, 0.0F);
        return;
    }
    if (s.depthwise())
        return depthwise::backward_weight(s, tasks, x, cotangent, dw, dw_stride, dw_accumulate, db, db_stride, db_accumulate);
    if (dw && unfolds_windows(s))
        return backward_weight_unfolded(s, tasks, x, cotangent, dw, dw_stride, dw_accumulate, db, db_stride, db_accumulate);
    const simd::Table& kernels = simd::table();
    const Window& w = s.window;
    const simd::Columns columns{s.filters(), kernels.tile_vectors};
    const Index pitch = ceil_div(s.out_channels, kernels.lanes) * kernels.lanes;
    const Index width = s.output.width;
    const bool in_place = w.padding == Pair{0};

    // A unit is a strip of an image, or several small images: its pixels and their cotangent stay in the second-level cache
    // while all tiles of weights pass over them.
    const Index area = s.output.height * width;
    const Index pixel_bytes = 4 * (16 * detail::sixteens(s.out_channels) + w.stride.height * w.stride.width * s.in_channels);
    const Index pixels = std::max<Index>(131072 / pixel_bytes, 256);
    const Index strip = std::clamp<Index>(pixels / width, 1, s.output.height);
    const Index strips = ceil_div(s.output.height, strip);
    const Pair padded = w.padded(s.input);
    const Index image_size = std::max<Index>(padded.height * padded.width * s.in_channels, 1);
    const Index within_32_bits = std::numeric_limits<std::int32_t>::max() / image_size;
    const Index together = std::clamp<Index>(std::min(pixels / area, within_32_bits), 1, s.batch);
    const Index units = together > 1 ? ceil_div(s.batch, together) : s.batch * strips;
    const Index chunks = std::clamp<Index>(s.batch * area / weight_chunk_pixels, 1, std::min<Index>(16, units));
    // Few chunks: their tiles of weights are parted as well.
    const Index parts = std::clamp<Index>(ceil_div(4, chunks), 1, ceil_div(s.patch(), kernels.tile_rows));

    const Index group_size = s.patch() * columns.padded();
    const Index size = s.groups * group_size;  // of one task's sum
    const Buffer memory{static_cast<std::size_t>(chunks * tasks * size) * sizeof(float)};
    auto* const sums = static_cast<float*>(memory.data());
    const Buffer bias_memory{static_cast<std::size_t>(chunks * tasks * s.out_channels) * sizeof(double)};
    auto* const bias_sums = static_cast<double*>(bias_memory.data());

    const Frame full{0, -w.padding.width, (strip - 1) * w.stride.height + (w.kernel.height - 1) * w.dilation.height + 1,
                     in_place ? s.input.width : (width - 1) * w.stride.width + (w.kernel.width - 1) * w.dilation.width + 1,
                     s.in_channels};
    const Index slack = kernels.tile_vectors * kernels.lanes;

    const Index image = in_place ? s.input_size() : full.size();  // from one image of a unit to the next
    const Buffer table{static_cast<std::size_t>(together * strip * width) * sizeof(std::int32_t)};
    auto* const offsets = static_cast<std::int32_t*>(table.data());
    for (Index i = 0; i < together * strip * width; ++i)
        offsets[i] = static_cast<std::int32_t>(i / (strip * width) * image + i / width % strip * w.stride.height * full.row_size() +
                                               i % width * w.stride.width * s.in_channels);

    const std::size_t bytes = Scratch::bytes<float>(in_place ? 0 : together * image) +
                              Scratch::bytes<float>(together * strip * width * pitch + slack) +
                              2 * Scratch::bytes<float*>(ceil_div(s.patch(), parts));
    parallel_for(chunks * parts, 1, bytes, [&](Index chunk_and_part, Index, void* memory_of_thread) {
        const Index chunk = chunk_and_part / parts;
        const simd::Part part = simd::even_part(s.patch(), parts, chunk_and_part % parts);
        const simd::Part mine = simd::even_part(units, chunks, chunk);
        Scratch scratch{memory_of_thread};
        auto* const copy = scratch.take<float>(in_place ? 0 : together * image);
        auto* const dy = scratch.take<float>(together * strip * width * pitch + slack);
        auto* const inputs = scratch.take<const float*>(part.size);
        auto* const outputs = scratch.take<float*>(part.size);
        std::fill_n(dy, together * strip * width * pitch + slack, 0.0F);  // lanes without a channel hold no rubbish
        const bool with_bias = db && chunk_and_part % parts == 0;
        if (with_bias)
            std::fill_n(bias_sums + chunk * tasks * s.out_channels, tasks * s.out_channels, 0.0);

        for (Index unit = mine.first; unit < mine.first + mine.size; ++unit) {
            const Index n = together > 1 ? unit * together : unit / strips;
            const Index images = together > 1 ? std::min(together, s.batch - n) : 1;
            const Index first = together > 1 ? 0 : unit % strips * strip;
            const Index rows = std::min(strip, s.output.height - first);
            const float* from = x + n * s.input_size() + first * w.stride.height * full.row_size();
            if (!in_place) {
                Frame frame = full;
                frame.row = first * w.stride.height - w.padding.height;
                frame.rows -= (strip - rows) * w.stride.height;
                for (Index i = 0; i < images; ++i)
                    detail::frame_of_image(frame, s.input, s.in_channels, x + (n + i) * s.input_size(), copy + i * image);
                from = copy;
            }
            for (Index t = 0; t < tasks; ++t) {
                for (Index i = 0; i < images; ++i)
                    detail::frame_of_cotangent({first, 0, rows, width, pitch}, s, cotangent, t * s.batch + n + i,
                                               dy + i * strip * width * pitch);
                if (with_bias)
                    kernels.add_column_sums(images * rows * width, s.out_channels, dy, nullptr, nullptr, pitch,
                                            bias_sums + (chunk * tasks + t) * s.out_channels);
                for (Index group = 0; dw && group < s.groups; ++group) {
                    float* const sum = sums + (chunk * tasks + t) * size + group * group_size;
                    for (Index i = 0; i < part.size; ++i) {
                        const Index tap = (part.first + i) / s.depth();
                        const Index channel = (part.first + i) % s.depth();
                        inputs[i] = from + tap / w.kernel.width * w.dilation.height * full.row_size() +
                                    tap % w.kernel.width * w.dilation.width * s.in_channels + group * s.depth() + channel;
                        outputs[i] = sum + (part.first + i) * columns.padded();
                    }
                    for (Index b = 0; b < columns.blocks(); ++b) {
                        const simd::ColumnBlock block = columns[b];
                        const auto start = unit == mine.first ? simd::Start::zero : simd::Start::accumulate;
                        simd::run_tiles({inputs, part.size, offsets, images * rows * width, dy + group * s.filters() + block.column, pitch},
                                        {outputs, block.column, block.vectors * kernels.lanes, start, nullptr, false},
                                        block.vectors);
                    }
                }
            }
        }
    });

    // The chunks added up and turned over: (patch, filters) becomes (filters, patch).
    constexpr Index rows_at_once = 16;
    const Index row_blocks = ceil_div(s.patch(), rows_at_once);
    parallel_for(dw ? tasks * s.groups * row_blocks : 0, 4, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            const Index first = i % row_blocks * rows_at_once;
            const Index rows = std::min(rows_at_once, s.patch() - first);
            const Index group = i / row_blocks % s.groups;
            const Index t = i / row_blocks / s.groups;
            float* const total = sums + t * size + group * group_size + first * columns.padded();
            detail::add_chunks(chunks, rows * columns.padded(), tasks * size, total);
            float* const to = dw + t * dw_stride + group * s.filters() * s.patch() + first;
            if (!dw_accumulate)
                simd::transpose(rows, s.filters(), total, columns.padded(), to, s.patch());
            else
                for (Index f = 0; f < s.filters(); ++f)
                    for (Index r = 0; r < rows; ++r)
                        to[f * s.patch() + r] += total[r * columns.padded() + f];
        }
    });
    if (db)
        detail::write_bias_gradient(chunks, tasks, s.out_channels, bias_sums, db, db_stride, db_accumulate);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
