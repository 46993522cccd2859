// SPDX-License-Identifier: MIT
/// @file Convolution of single precision in register tiles: pixels times packed weights.
///
/// Channels last makes a row of a window one run of memory, which the tiles read in place: nothing is unfolded. Strips
/// of an image with padding are first copied into a frame with zeros around, a few per cent of the work.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv2d_depthwise.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>


namespace espalier::inline ESPALIER_ABI::kernels::tiled {

using detail::Frame;
using simd::ceil_div;
using simd::Scratch;

/// y = tail(x * w + bias); `bias` may be null. With ConvTail::relu_max_pool y is (batch, pooled, out_channels) and `winners`
/// of the same shape, with `winners_slack` bytes after it.
inline void forward(const ConvShape& s, const float* x, const float* weight, const float* bias, ConvTail tail, float* y,
                    std::uint8_t* winners) {
    if (s.depthwise() && tail != ConvTail::relu_max_pool)
        return depthwise::forward(s, x, weight, bias, tail == ConvTail::relu, y);
    const simd::Table& kernels = simd::table();
    const Window& w = s.window;
    const bool pool = tail == ConvTail::relu_max_pool;
    const Index depth = s.patch();
    const simd::Columns columns{s.filters(), pool ? kernels.pool_vectors : kernels.tile_vectors};
    const Index panel_size = columns.padded() * depth;

    const Buffer packed{static_cast<std::size_t>(s.groups * panel_size) * sizeof(float)};
    auto* const panels = static_cast<float*>(packed.data());
    parallel_for(s.groups * columns.blocks(), std::max<Index>(1, 65536 / std::max<Index>(depth * 2 * kernels.lanes, 1)),
                 [&](Index begin, Index end) {
                     for (Index i = begin; i < end; ++i) {
                         const Index group = i / columns.blocks();
                         const simd::ColumnBlock block = columns[i % columns.blocks()];
                         simd::pack_transposed(depth, block.width, weight + (group * s.filters() + block.column) * depth, depth,
                                               panels + group * panel_size + block.column * depth, block.vectors * kernels.lanes);
                     }
                 });

    const Pair image = pool ? Pair{2 * s.pooled().height, 2 * s.pooled().width} : s.output;
    const detail::Chunks chunks{s.batch, image, pool ? 2 : 1, columns.blocks()};
    const bool in_place = w.padding == Pair{0};
    const Frame full{0, -w.padding.width, (chunks.rows - 1) * w.stride.height + (w.kernel.height - 1) * w.dilation.height + 1,
                     in_place ? s.input.width : (image.width - 1) * w.stride.width + (w.kernel.width - 1) * w.dilation.width + 1,
                     s.in_channels};
    const Index pixels = chunks.rows * image.width;

    const Buffer table{static_cast<std::size_t>(depth) * sizeof(std::int32_t)};
    auto* const offsets = static_cast<std::int32_t*>(table.data());
    for (Index i = 0; i < depth; ++i) {
        const Index tap = i / s.depth();
        offsets[i] = static_cast<std::int32_t>(tap / w.kernel.width * w.dilation.height * full.row_size() +
                                               tap % w.kernel.width * w.dilation.width * s.in_channels + i % s.depth());
    }

    const std::size_t bytes = Scratch::bytes<float>(in_place ? 0 : full.size()) + 2 * Scratch::bytes<float*>(pixels) +
                              Scratch::bytes<std::uint8_t*>(pixels);
    parallel_for(s.batch * chunks.strips * chunks.parts, 1, bytes, [&](Index chunk, Index, void* memory) {
        const Index n = chunk / (chunks.strips * chunks.parts);
        const Index first = chunk / chunks.parts % chunks.strips * chunks.rows;
        const simd::Part part = simd::even_part(columns.blocks(), chunks.parts, chunk % chunks.parts);
        const Index rows = std::min(chunks.rows, image.height - first);
        Scratch scratch{memory};
        const float* from = x + n * s.input_size() + first * w.stride.height * full.row_size();
        if (!in_place) {
            Frame frame = full;
            frame.row = first * w.stride.height - w.padding.height;
            frame.rows -= (chunks.rows - rows) * w.stride.height;
            auto* const copy = scratch.take<float>(full.size());
            detail::frame_of_image(frame, s.input, s.in_channels, x + n * s.input_size(), copy);
            from = copy;
        }
        auto* const inputs = scratch.take<const float*>(pixels);
        auto* const outputs = scratch.take<float*>(pixels);
        auto* const choices = scratch.take<std::uint8_t*>(pixels);

        // The pixels of the strip: row by row, or window by window if they are pooled.
        const auto input_of = [&](Index oy, Index ox) {
            return from + oy * w.stride.height * full.row_size() + ox * w.stride.width * s.in_channels;
        };
        Index count = 0;
        Index windows = 0;
        if (pool) {
            const Pair pooled = s.pooled();
            for (Index oy = 0; oy < rows; oy += 2)
                for (Index px = 0; px < pooled.width; ++px) {
                    for (Index i = 0; i < 4; ++i)
                        inputs[count++] = input_of(oy + i / 2, 2 * px + i % 2);
                    const Index at = n * s.pooled_size() + ((first + oy) / 2 * pooled.width + px) * s.out_channels;
                    outputs[windows] = y + at;
                    choices[windows++] = winners + at;
                }
        } else {
            float* out = y + n * s.output_size() + first * s.output.width * s.out_channels;
            for (Index oy = 0; oy < rows; ++oy)
                for (Index ox = 0; ox < s.output.width; ++ox, out += s.out_channels) {
                    inputs[count] = input_of(oy, ox);
                    outputs[count++] = out;
                }
        }

        for (Index group = 0; group < s.groups; ++group) {
            for (Index i = 0; i < count && group > 0; ++i)
                inputs[i] += s.depth();
            for (Index b = part.first; b < part.first + part.size; ++b) {
                const simd::ColumnBlock block = columns[b];
                const Index column = group * s.filters() + block.column;
                simd::TileInput in{inputs, count, offsets, depth, panels + group * panel_size + block.column * depth,
                                   block.vectors * kernels.lanes};
                if (!pool) {
                    simd::run_tiles(in,
                                    {outputs, column, block.width, bias ? simd::Start::bias : simd::Start::zero,
                                     bias ? bias + column : nullptr, tail == ConvTail::relu},
                                    block.vectors);
                    continue;
                }
                simd::PoolOutput out{outputs, choices, column, block.width, bias ? bias + column : nullptr, true};
                for (Index rest = count; rest > 0; rest -= in.count) {
                    in.count = std::min(rest, kernels.pool_rows);
                    kernels.pool_tile[block.vectors - 1](in, out);
                    in.rows += in.count;
                    out.rows += in.count / 4;
                    out.winners += in.count / 4;
                }
            }
        }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
