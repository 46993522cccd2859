// SPDX-License-Identifier: MIT
/// @file Convolution of single precision in register tiles: pixels times packed weights.
///
/// Channels last makes a row of a window one run of memory, which the tiles read in place: nothing is unfolded. Strips
/// of an image with padding are first copied into a frame with zeros around, a few per cent of the work.
#pragma once

#include <espalier/kernels/conv2d_depthwise.hpp>
#include <espalier/kernels/conv2d_winograd.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/conv_panels.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// What the strips of a forward pass share: packed weights, where the products of a window lie, and how the result is cut.
class ForwardPass {
public:
    /// For the pixels `result` of the convolution's plain result, in strips of a multiple of `even_rows` rows, `vectors` vectors of
    /// filters at a time.
    ForwardPass(const ConvShape& s, const float* x, const float* weight, const float* bias, Pair result, Index even_rows, Index vectors)
        : s_{s},
          x_{x},
          bias_{bias},
          width_{result.width},
          panels_{s.groups, s.patch(), {s.filters(), vectors}},
          strips_{tile_strips(s.batch, result, even_rows)},
          parts_{column_parts(strips_.size(), panels_.columns().blocks())},
          source_{s, strips_.rows(), width_},
          offsets_memory_{static_cast<std::size_t>(s.patch()) * sizeof(std::int32_t)},
          offsets_{static_cast<std::int32_t*>(offsets_memory_.data())} {
        panels_.fill(1, [&](Index group, const simd::ColumnBlock& block, Index, float* to) {
            simd::pack_transposed(s.patch(), block.width, weight + (group * s.filters() + block.column) * s.patch(), s.patch(), to,
                                  block.padded());
        });
        for (Index i = 0; i < s.patch(); ++i)
            offsets_[i] = static_cast<std::int32_t>(source_.product(i));
    }

    /// y = x * w + bias, and what is negative made 0 if `relu`.
    void plain(bool relu, float* y) const {
        const Index pixels = strips_.rows() * width_;
        const std::size_t bytes = simd::Scratch::bytes<float>(source_.copied()) + 2 * simd::Scratch::bytes<float*>(pixels);
        strips_.for_each(parts_, bytes, [&](const Strip& strip, Index part, void* memory) {
            simd::Scratch scratch{memory};
            const float* const from = source_.read(strip, x_, scratch.take<float>(source_.copied()));
            auto* const inputs = scratch.take<const float*>(pixels);
            auto* const outputs = scratch.take<float*>(pixels);
            float* out = y + strip.image * s_.output_size() + strip.first * width_ * s_.out_channels;
            Index count = 0;
            for (Index oy = 0; oy < strip.rows; ++oy)
                for (Index ox = 0; ox < width_; ++ox, out += s_.out_channels) {
                    inputs[count] = from + source_.window(oy, ox);
                    outputs[count++] = out;
                }
            multiply(part, inputs, count, [&](const simd::TileInput& in, const simd::ColumnBlock& block, Index column, const float* bias) {
                simd::run_tiles(in,
                                {.rows = outputs,
                                 .column = column,
                                 .width = block.width,
                                 .start = bias ? simd::Start::bias : simd::Start::zero,
                                 .bias = bias,
                                 .relu = relu},
                                block.vectors);
            });
        });
    }

    /// The largest of each 2x2 window of relu(x * w + bias), and which of the four it is.
    void pooled(float* y, std::uint8_t* winners) const {
        const Index pixels = strips_.rows() * width_;
        const std::size_t bytes = simd::Scratch::bytes<float>(source_.copied()) + simd::Scratch::bytes<float*>(pixels) +
                                  2 * simd::Scratch::bytes<float*>(pixels / 4);
        strips_.for_each(parts_, bytes, [&](const Strip& strip, Index part, void* memory) {
            simd::Scratch scratch{memory};
            const float* const from = source_.read(strip, x_, scratch.take<float>(source_.copied()));
            auto* const inputs = scratch.take<const float*>(pixels);
            auto* const outputs = scratch.take<float*>(pixels / 4);
            auto* const choices = scratch.take<std::uint8_t*>(pixels / 4);
            Index at = strip.image * s_.pooled_size() + strip.first / 2 * (width_ / 2) * s_.out_channels;
            Index windows = 0;
            for (Index oy = 0; oy < strip.rows; oy += 2)
                for (Index ox = 0; ox < width_; ox += 2, at += s_.out_channels) {
                    for (Index i = 0; i < 4; ++i)
                        inputs[4 * windows + i] = from + source_.window(oy + i / 2, ox + i % 2);
                    outputs[windows] = y + at;
                    choices[windows++] = winners + at;
                }
            multiply(part, inputs, 4 * windows,
                     [&](const simd::TileInput& in, const simd::ColumnBlock& block, Index column, const float* bias) {
                         run_pool_tiles(
                             in, {.rows = outputs, .winners = choices, .column = column, .width = block.width, .bias = bias, .relu = true},
                             block.vectors);
                     });
        });
    }

private:
    /// Calls `tiles(in, block, column, bias)` for part `part` of the blocks of each group: `count` pixels, whose windows begin at
    /// `inputs`, times a panel, for the filters from `column` on.
    template <class Tiles>
    void multiply(Index part, const float** inputs, Index count, const Tiles& tiles) const {
        const simd::Part blocks = simd::even_part(panels_.columns().blocks(), parts_, part);
        for (Index group = 0; group < s_.groups; ++group) {
            for (Index i = 0; i < count && group > 0; ++i)
                inputs[i] += s_.depth();
            for (Index b = blocks.first; b < blocks.first + blocks.size; ++b) {
                const simd::ColumnBlock block = panels_.columns()[b];
                const Index column = group * s_.filters() + block.column;
                tiles({.rows = inputs,
                       .count = count,
                       .offsets = offsets_,
                       .depth = s_.patch(),
                       .panel = panels_(group, block),
                       .panel_step = block.padded()},
                      block, column, bias_ ? bias_ + column : nullptr);
            }
        }
    }

    /// As simd::run_tiles.
    static void run_pool_tiles(simd::TileInput in, simd::PoolOutput out, Index vectors) noexcept {
        const simd::Table& table = simd::table();
        for (Index rest = in.count; rest > 0; rest -= in.count) {
            in.count = std::min(rest, table.pool_rows);
            table.pool_tile[vectors - 1](in, out);
            in.rows += in.count;
            out.rows += in.count / 4;
            out.winners += in.count / 4;
        }
    }

    const ConvShape& s_;
    const float* x_;
    const float* bias_;  ///< or null
    Index width_;        ///< of the result that counts
    detail::WeightPanels panels_;
    StripPlan strips_;
    Index parts_;
    detail::StripSource source_;
    Buffer offsets_memory_;
    std::int32_t* offsets_;
};

/// y = tail(x * w + bias); `bias` may be null. With ConvTail::relu_max_pool y is (batch, pooled, out_channels) and `winners`
/// of the same shape, with `winners_slack` bytes after it.
inline void forward(const ConvShape& s, const float* x, const float* weight, const float* bias, ConvTail tail, float* y,
                    std::uint8_t* winners) {
    if (const simd::WinogradTable* const kernels = winograd::forward_kernels(s))
        return winograd::forward(*kernels, s, x, weight, bias, tail, y, winners);
    if (tail == ConvTail::relu_max_pool) {
        const Pair covered{2 * s.pooled().height, 2 * s.pooled().width};
        ForwardPass{s, x, weight, bias, covered, 2, simd::table().pool_vectors}.pooled(y, winners);
    } else if (s.depthwise()) {
        depthwise::forward(s, x, weight, bias, tail == ConvTail::relu, y);
    } else {
        ForwardPass{s, x, weight, bias, s.output, 1, simd::table().tile_vectors}.plain(tail == ConvTail::relu, y);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
