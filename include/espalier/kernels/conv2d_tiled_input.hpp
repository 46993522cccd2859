// SPDX-License-Identifier: MIT
/// @file The gradient of a convolution's input in register tiles: pixels of the cotangent times packed weights.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv2d_depthwise.hpp>
#include <espalier/kernels/conv2d_tiled_few.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>


namespace espalier::inline ESPALIER_ABI::kernels::tiled {

using detail::Frame;
using simd::ceil_div;
using simd::Scratch;

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
    if (s.depthwise())
        return depthwise::backward_input(s, images, cotangent, weight, dx);
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

    const detail::Chunks chunks{images, s.input, 1, columns.blocks()};
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
                        simd::run_tiles({inputs, count, phases.offsets() + phase.first * s.filters(), phase.taps * s.filters(), panel, width},
                                        {outputs, group * s.depth() + block.column, block.width, simd::Start::zero, nullptr, false},
                                        block.vectors);
                    }
                }
            }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
