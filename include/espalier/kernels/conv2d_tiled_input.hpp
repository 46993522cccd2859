// SPDX-License-Identifier: MIT
/// @file The gradient of a convolution's input in register tiles: pixels of the cotangent times packed weights.
#pragma once

#include <espalier/kernels/conv2d_depthwise.hpp>
#include <espalier/kernels/conv2d_tiled_input_scattered.hpp>
#include <espalier/kernels/conv2d_winograd.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/conv_panels.hpp>
#include <espalier/kernels/conv_phases.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// The part of a cotangent that a strip of the input's gradient sums over.
class CotangentFrames {
public:
    explicit CotangentFrames(const ConvShape& s) noexcept
        : s_{s},
          reach_{s.window.reach()},
          left_{floor_div(s.window.padding.width - (reach_.width - 1), s.window.stride.width)},
          columns_{floor_div(s.input.width - 1 + s.window.padding.width, s.window.stride.width) - left_ + 1} {}

    [[nodiscard]] Index row_size() const noexcept { return columns_ * s_.out_channels; }
    /// Of the frame of a strip of `rows` rows, at most.
    [[nodiscard]] Index most(Index rows) const noexcept {
        return ((rows - 1 + reach_.height - 1) / s_.window.stride.height + 2) * row_size();
    }
    /// From the first window that holds a pixel of the strip to the last one.
    [[nodiscard]] detail::Frame of(const Strip& strip) const noexcept {
        const Window& w = s_.window;
        const Index top = floor_div(strip.first + w.padding.height - (reach_.height - 1), w.stride.height);
        const Index bottom = floor_div(strip.end() - 1 + w.padding.height, w.stride.height);
        return {top, left_, bottom - top + 1, columns_, s_.out_channels};
    }

private:
    [[nodiscard]] static Index floor_div(Index a, Index b) noexcept { return (a >= 0 ? a : a - b + 1) / b; }

    const ConvShape& s_;
    Pair reach_;
    Index left_;
    Index columns_;
};

/// What the strips of the input's gradient share: packed weights in the order of the phases, and how images are cut.
class InputPass {
public:
    InputPass(const ConvShape& s, Index images, const float* weight)
        : s_{s},
          frames_{s},
          phases_{s, frames_.row_size()},
          panels_{s.groups, s.window.taps() * s.filters(), {s.depth(), simd::table().tile_vectors}},
          strips_{tile_strips(images, s.input, 1)},
          parts_{column_parts(strips_.size(), panels_.columns().blocks())} {
        panels_.fill(s.window.taps(), [&](Index group, const simd::ColumnBlock& block, Index place, float* to) {
            const float* const of_group = weight + group * s.filters() * s.patch();
            simd::table().copy_rows(s.filters(), block.width, of_group + phases_.tap(place) * s.depth() + block.column, s.patch(), to,
                                    block.padded(), block.padded());
        });
    }

    void run(const ConvCotangent<float>& cotangent, float* dx) const {
        const Index pixels = strips_.rows() * s_.input.width;
        const Index frame_size = frames_.most(strips_.rows());
        const std::size_t bytes = simd::Scratch::bytes<float>(frame_size) + 2 * simd::Scratch::bytes<float*>(pixels);
        strips_.for_each(parts_, bytes, [&](const Strip& strip, Index part, void* memory) {
            simd::Scratch scratch{memory};
            auto* const dy = scratch.take<float>(frame_size);
            const Pixels of_phase{scratch.take<const float*>(pixels), scratch.take<float*>(pixels)};
            detail::frame_of_cotangent(frames_.of(strip), s_, cotangent, strip.image, dy);
            for (Index y = 0; y < s_.window.stride.height; ++y)
                for (Index x = 0; x < s_.window.stride.width; ++x)
                    if (const Index count = list_pixels({y, x}, strip, dy, dx + strip.image * s_.input_size(), of_phase); count > 0)
                        multiply(phases_.at({y, x}), part, count, of_phase);
        });
    }

private:
    /// Of each pixel of a phase the window of its first tap, in the cotangent, and its place in the gradient.
    struct Pixels {
        const float** inputs;
        float** outputs;
    };

    /// Those of a strip; returns how many there are.
    Index list_pixels(Pair phase, const Strip& strip, const float* dy, float* image, const Pixels& pixels) const {
        const Window& w = s_.window;
        const detail::Frame frame = frames_.of(strip);
        const Pair tap = phases_.at(phase).tap;
        const Index first_y = detail::Phases::first_pixel(strip.first, phase.height, w.padding.height, w.stride.height);
        const Index first_x = detail::Phases::first_pixel(0, phase.width, w.padding.width, w.stride.width);
        Index oy = (first_y + w.padding.height - tap.height * w.dilation.height) / w.stride.height - frame.row;
        const Index ox = (first_x + w.padding.width - tap.width * w.dilation.width) / w.stride.width - frame.column;
        Index count = 0;
        for (Index y = first_y; y < strip.end(); y += w.stride.height, ++oy) {
            const float* in = dy + oy * frame.row_size() + ox * frame.pitch;
            for (Index x = first_x; x < s_.input.width; x += w.stride.width, in += frame.pitch) {
                pixels.outputs[count] = image + (y * s_.input.width + x) * s_.in_channels;
                pixels.inputs[count++] = in;
            }
        }
        return count;
    }

    /// Multiplies the pixels of a phase by part `part` of the blocks of each group.
    void multiply(const detail::Phases::Phase& phase, Index part, Index count, const Pixels& pixels) const {
        const Index filters = s_.filters();
        const simd::Part blocks = simd::even_part(panels_.columns().blocks(), parts_, part);
        for (Index group = 0; group < s_.groups; ++group) {
            for (Index i = 0; i < count && group > 0; ++i)
                pixels.inputs[i] += filters;
            for (Index b = blocks.first; b < blocks.first + blocks.size; ++b) {
                const simd::ColumnBlock block = panels_.columns()[b];
                simd::run_tiles({.rows = pixels.inputs,
                                 .count = count,
                                 .offsets = phases_.offsets(phase, filters),
                                 .depth = phase.taps * filters,
                                 .panel = panels_(group, block) + phase.first * filters * block.padded(),
                                 .panel_step = block.padded()},
                                {.rows = pixels.outputs, .column = group * s_.depth() + block.column, .width = block.width}, block.vectors);
            }
        }
    }

    const ConvShape& s_;
    CotangentFrames frames_;
    detail::Phases phases_;
    detail::WeightPanels panels_;
    StripPlan strips_;
    Index parts_;
};

/// dx for `images` cotangents, the images of T batches one after the other.
inline void backward_input(const ConvShape& s, Index images, const ConvCotangent<float>& cotangent, const float* weight, float* dx) {
    if (const simd::WinogradTable* const kernels = winograd::input_kernels(s))
        return winograd::backward_input(*kernels, s, images, cotangent, weight, dx);
    if (s.depthwise())
        return depthwise::backward_input(s, images, cotangent, weight, dx);
    if (scatters_input(s, images))
        return backward_input_scattered(s, images, cotangent, weight, dx);
    InputPass{s, images, weight}.run(cotangent, dx);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
