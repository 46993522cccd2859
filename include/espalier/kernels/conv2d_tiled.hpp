// SPDX-License-Identifier: MIT
/// @file Convolution of single precision in register tiles, forward and back to its input: pixels times packed weights.
///
/// Channels last makes a row of a window one run of memory, which the tiles read in place: nothing is unfolded. Strips
/// of an image with padding are first copied into a frame with zeros around, a few per cent of the work.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv2d_unfold_small.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#if ESPALIER_SIMD

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

using detail::Frame;
using simd::ceil_div;
using simd::Scratch;

/// Pixels of a strip: enough to use a panel of weights often, few enough to stay in cache.
inline constexpr Index strip_pixels = 192;

/// Strips of whole rows, and if there are few of them also parts of the columns, each a chunk for `parallel_for`.
struct Chunks {
    Index rows;    ///< of a strip
    Index strips;  ///< of an image
    Index parts;   ///< of the blocks of columns

    Chunks(Index images, Pair image, Index even_rows, Index blocks) {
        rows = std::clamp<Index>(ceil_div(strip_pixels, std::max<Index>(image.width, 1)), 1, std::max<Index>(image.height, 1));
        rows = ceil_div(rows, even_rows) * even_rows;
        strips = ceil_div(image.height, rows);
        parts = std::clamp<Index>(ceil_div(8, std::max<Index>(images * strips, 1)), 1, std::max<Index>(blocks, 1));
    }
};

/// y = tail(x * w + bias); `bias` may be null. With ConvTail::relu_max_pool y is (batch, pooled, out_channels) and `winners`
/// of the same shape, with `winners_slack` bytes after it.
inline void forward(const ConvShape& s, const float* x, const float* weight, const float* bias, ConvTail tail, float* y,
                    std::uint8_t* winners) {
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
    const Chunks chunks{s.batch, image, pool ? 2 : 1, columns.blocks()};
    const bool in_place = w.padding == Pair{0};
    const Frame full{0, -w.padding.width, (chunks.rows - 1) * w.stride.height + (w.kernel.height - 1) * w.dilation.height + 1,
                     in_place ? s.input.width : (image.width - 1) * w.stride.width + (w.kernel.width - 1) * w.dilation.width + 1,
                     s.in_channels};
    const Index pixels = ceil_div(chunks.rows * image.width, simd::max_tile_rows) * simd::max_tile_rows;

    const Buffer table{static_cast<std::size_t>(depth) * sizeof(std::int32_t)};
    auto* const offsets = static_cast<std::int32_t*>(table.data());
    for (Index i = 0; i < depth; ++i) {
        const Index tap = i / s.depth();
        offsets[i] = static_cast<std::int32_t>(tap / w.kernel.width * w.dilation.height * full.row_size() +
                                               tap % w.kernel.width * w.dilation.width * s.in_channels + i % s.depth());
    }

    const std::size_t bytes = Scratch::bytes<float>(in_place ? 0 : full.size()) + 2 * Scratch::bytes<float*>(pixels) +
                              Scratch::bytes<std::uint8_t*>(pixels) + Scratch::bytes<float>(columns.padded()) +
                              Scratch::bytes<std::uint8_t>(columns.padded());
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
        auto* const spare = scratch.take<float>(columns.padded());
        auto* const spare_choices = scratch.take<std::uint8_t>(columns.padded());

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
            for (; count % kernels.pool_rows != 0; ++windows) {  // the last tile is full, of something
                for (Index i = 0; i < 4; ++i)
                    inputs[count++] = from;
                outputs[windows] = nullptr;
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
                simd::TileInput in{inputs, offsets, depth, panels + group * panel_size + block.column * depth,
                                   block.vectors * kernels.lanes};
                if (!pool) {
                    simd::run_tiles(in,
                                    {outputs, column, block.width, bias ? simd::Start::bias : simd::Start::zero,
                                     bias ? bias + column : nullptr, tail == ConvTail::relu},
                                    count, block.vectors);
                    continue;
                }
                simd::PoolOutput out{outputs, choices, column, block.width, bias ? bias + column : nullptr, true};
                const auto tile = kernels.pool_tile[block.vectors - 1];
                for (Index i = 0; i < count; i += kernels.pool_rows) {
                    float* to[2];
                    std::uint8_t* to_choices[2];
                    for (Index k = 0; k < kernels.pool_rows / 4; ++k) {
                        const bool real = outputs[i / 4 + k] != nullptr;
                        to[k] = real ? outputs[i / 4 + k] : spare - column;
                        to_choices[k] = real ? choices[i / 4 + k] : spare_choices - column;
                    }
                    out.rows = to;
                    out.winners = to_choices;
                    tile(in, out);
                    in.rows += kernels.pool_rows;
                }
            }
        }
    });
}

/// Which taps the pixels of an image take part in: pixel y of a row is reached by taps k with (y + padding - k dilation) a
/// multiple of the stride, so by the same ones for every y of a phase, (y + padding) modulo the stride.
class Phases {
public:
    struct Phase {
        Index first;  ///< place of its first tap in `taps()`
        Index taps;
        Pair tap;     ///< the tap that offsets are relative to, in pixels of the cotangent
    };

    Phases(const ConvShape& s, Index row_size)
        : taps_{s.window.taps()},
          phases_{s.window.stride.height * s.window.stride.width},
          width_{s.window.stride.width},
          memory_{Scratch::bytes<Index>(taps_) + Scratch::bytes<Phase>(phases_) + Scratch::bytes<std::int32_t>(taps_ * s.filters())} {
        const Window& w = s.window;
        Scratch scratch{memory_.data()};
        taps_of_ = scratch.take<Index>(taps_);
        phase_ = scratch.take<Phase>(phases_);
        offsets_ = scratch.take<std::int32_t>(taps_ * s.filters());
        Index place = 0;
        for (Index i = 0; i < phases_; ++i) {
            Phase phase{place, 0, {}};
            for (Index tap = 0; tap < taps_; ++tap) {
                const Index ky = tap / w.kernel.width;
                const Index kx = tap % w.kernel.width;
                if (ky * w.dilation.height % w.stride.height != i / width_ || kx * w.dilation.width % w.stride.width != i % width_)
                    continue;
                if (phase.taps++ == 0)
                    phase.tap = {ky, kx};
                const Index from = -(ky - phase.tap.height) * w.dilation.height / w.stride.height * row_size -
                                   (kx - phase.tap.width) * w.dilation.width / w.stride.width * s.out_channels;
                for (Index f = 0; f < s.filters(); ++f)
                    offsets_[place * s.filters() + f] = static_cast<std::int32_t>(from + f);
                taps_of_[place++] = tap;
            }
            phase_[i] = phase;
        }
    }

    [[nodiscard]] const Phase& at(Index y, Index x) const noexcept { return phase_[y * width_ + x]; }
    [[nodiscard]] const Index* taps() const noexcept { return taps_of_; }                ///< all taps, phase by phase
    [[nodiscard]] const std::int32_t* offsets() const noexcept { return offsets_; }      ///< of (place of a tap, filter)

private:
    Index taps_;
    Index phases_;
    Index width_;
    Buffer memory_;
    Index* taps_of_;
    Phase* phase_;
    std::int32_t* offsets_;
};

/// dx for `images` cotangents, the images of T batches one after the other.
inline void backward_input(const ConvShape& s, Index images, const ConvCotangent<float>& cotangent, const float* weight, float* dx) {
    if (scatters_input(s, images))
        return backward_input_scattered(s, images, cotangent, weight, dx);
    const simd::Table& kernels = simd::table();
    const Window& w = s.window;
    const simd::Columns columns{s.depth(), kernels.tile_vectors};
    const Index rows_of_panel = w.taps() * s.filters();
    const Index panel_size = columns.padded() * rows_of_panel;

    // Pixels whose windows the stride cuts in the same way take the same taps: phase by phase, the taps with the offsets of
    // their pixels, then the panels with the taps in this order.
    const auto floor_div = [](Index a, Index b) { return (a >= 0 ? a : a - b + 1) / b; };
    const Pair reach{(w.kernel.height - 1) * w.dilation.height, (w.kernel.width - 1) * w.dilation.width};
    const Index left = floor_div(w.padding.width - reach.width, w.stride.width);
    const Index frame_columns = floor_div(s.input.width - 1 + w.padding.width, w.stride.width) - left + 1;
    const Phases phases{s, frame_columns * s.out_channels};
    const Buffer packed{static_cast<std::size_t>(s.groups * panel_size) * sizeof(float)};
    auto* const panels = static_cast<float*>(packed.data());
    parallel_for(s.groups * columns.blocks() * w.taps(), std::max<Index>(1, 65536 / std::max<Index>(s.filters() * 2 * kernels.lanes, 1)),
                 [&](Index begin, Index end) {
                     for (Index i = begin; i < end; ++i) {
                         const Index place = i % w.taps();
                         const Index group = i / w.taps() / columns.blocks();
                         const simd::ColumnBlock block = columns[i / w.taps() % columns.blocks()];
                         const Index width = block.vectors * kernels.lanes;
                         kernels.copy_rows(s.filters(), block.width,
                                           weight + group * s.filters() * s.patch() + phases.taps()[place] * s.depth() + block.column,
                                           s.patch(), panels + group * panel_size + block.column * rows_of_panel + place * s.filters() * width,
                                           width, width);
                     }
                 });

    const Chunks chunks{images, s.input, 1, columns.blocks()};
    const Index most_rows = (chunks.rows - 1 + reach.height) / w.stride.height + 2;
    const Index pixels = chunks.rows * s.input.width;

    const Index frame_size = most_rows * frame_columns * s.out_channels;
    const std::size_t bytes = Scratch::bytes<float>(frame_size) + 2 * Scratch::bytes<float*>(pixels);
    parallel_for(images * chunks.strips * chunks.parts, 1, bytes, [&](Index chunk, Index, void* memory) {
        const Index n = chunk / (chunks.strips * chunks.parts);
        const Index first = chunk / chunks.parts % chunks.strips * chunks.rows;
        const simd::Part part = simd::even_part(columns.blocks(), chunks.parts, chunk % chunks.parts);
        const Index rows = std::min(chunks.rows, s.input.height - first);
        const Index top = floor_div(first + w.padding.height - reach.height, w.stride.height);
        const Frame frame{top, left, floor_div(first + rows - 1 + w.padding.height, w.stride.height) - top + 1, frame_columns,
                          s.out_channels};
        Scratch scratch{memory};
        auto* const from = scratch.take<float>(frame_size);
        detail::frame_of_cotangent(frame, s, cotangent, n, from);
        auto* const inputs = scratch.take<const float*>(pixels);
        auto* const outputs = scratch.take<float*>(pixels);
        float* const image = dx + n * s.input_size();

        for (Index phase_y = 0; phase_y < w.stride.height; ++phase_y)
            for (Index phase_x = 0; phase_x < w.stride.width; ++phase_x) {
                const Phases::Phase& phase = phases.at(phase_y, phase_x);
                // The first pixel of the phase, then from stride to stride in dx and from pixel to pixel in the cotangent.
                const auto start = [](Index low, Index padding, Index stride, Index wanted) {
                    return low + ((wanted - low - padding) % stride + stride) % stride;
                };
                Index count = 0;
                Index y = start(first, w.padding.height, w.stride.height, phase_y);
                const Index x0 = start(0, w.padding.width, w.stride.width, phase_x);
                Index oy = (y + w.padding.height - phase.tap.height * w.dilation.height) / w.stride.height - top;
                const Index ox = (x0 + w.padding.width - phase.tap.width * w.dilation.width) / w.stride.width - left;
                for (; y < first + rows; y += w.stride.height, ++oy) {
                    const float* in = from + oy * frame.row_size() + ox * frame.pitch;
                    for (Index x = x0; x < s.input.width; x += w.stride.width, in += frame.pitch) {
                        outputs[count] = image + (y * s.input.width + x) * s.in_channels;
                        inputs[count++] = in;
                    }
                }
                if (count == 0)
                    continue;
                for (Index group = 0; group < s.groups; ++group) {
                    for (Index i = 0; i < count && group > 0; ++i)
                        inputs[i] += s.filters();
                    for (Index b = part.first; b < part.first + part.size; ++b) {
                        const simd::ColumnBlock block = columns[b];
                        const Index width = block.vectors * kernels.lanes;
                        const float* const panel =
                            panels + group * panel_size + block.column * rows_of_panel + phase.first * s.filters() * width;
                        simd::run_tiles({inputs, phases.offsets() + phase.first * s.filters(), phase.taps * s.filters(), panel, width},
                                        {outputs, group * s.depth() + block.column, block.width, simd::Start::zero, nullptr, false},
                                        count, block.vectors);
                    }
                }
            }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
#endif
