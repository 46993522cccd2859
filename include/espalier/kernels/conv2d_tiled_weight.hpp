// SPDX-License-Identifier: MIT
/// @file The gradients of a convolution's weights and bias in register tiles: weights (taps and channels) times filters,
/// summed over pixels.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv2d_depthwise.hpp>
#include <espalier/kernels/conv2d_tiled_weight_pooled.hpp>
#include <espalier/kernels/conv2d_tiled_weight_unfolded.hpp>
#include <espalier/kernels/conv2d_winograd_weight.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/conv_sums.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// The strips of all images are cut into a number of chunks that depends on the problem alone; each chunk sums its strips one after
/// the other, and the chunks are added in order. Where there are few chunks, the weights are cut into parts as well, which are summed
/// for themselves. The sums of a group are (patch, filters).
class WeightPass {
public:
    WeightPass(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent)
        : s_{s},
          tasks_{tasks},
          x_{x},
          cotangent_{cotangent},
          columns_{s.filters(), simd::table().tile_vectors},
          strips_{weight_strips(s)},
          chunks_{weight_chunks(s, strips_.size())},
          parts_{weight_parts(s, chunks_, simd::table().tile_rows)},
          pitch_{simd::ceil_div(s.out_channels, simd::table().lanes) * simd::table().lanes},
          source_{s, strips_.rows(), s.output.width},
          sums_{chunks_, tasks, s.groups * s.patch() * columns_.padded(), s.out_channels},
          offsets_memory_{static_cast<std::size_t>(most_pixels()) * sizeof(std::int32_t)},
          offsets_{static_cast<std::int32_t*>(offsets_memory_.data())} {
        for (Index i = 0; i < most_pixels(); ++i) {
            const Index image = i / (strips_.rows() * s.output.width);
            const Index y = i / s.output.width % strips_.rows();
            offsets_[i] = static_cast<std::int32_t>(image * source_.image_size() + source_.window(y, i % s.output.width));
        }
    }

    void run(const Target<float>& dw, const Target<float>& db) const {
        using simd::Scratch;
        const std::size_t bytes = Scratch::bytes<float>(strips_.together() * source_.copied()) + Scratch::bytes<float>(dy_size()) +
                                  2 * Scratch::bytes<float*>(simd::ceil_div(s_.patch(), parts_));
        const Index parts = dw.wanted() ? parts_ : 1;
        parallel_for(chunks_ * parts, 1, bytes, [&](Index i, Index, void* memory) {
            const Index part = i % parts;
            const simd::Part weights = dw.wanted() ? simd::even_part(s_.patch(), parts, part) : simd::Part{0, 0};
            sum_chunk(i / parts, weights, db.wanted() && part == 0, Scratch{memory});
        });
        if (dw.wanted())
            write_weights(dw);
        if (db.wanted())
            sums_.write_bias(db);
    }

private:
    [[nodiscard]] Index most_pixels() const noexcept { return strips_.together() * strips_.rows() * s_.output.width; }
    /// Floats of a strip's cotangent, with those behind it that the last panel reads too.
    [[nodiscard]] Index dy_size() const noexcept { return most_pixels() * pitch_ + simd::table().tile_vectors * simd::table().lanes; }

    /// Sums a part of the weights over the strips of a chunk.
    void sum_chunk(Index chunk, const simd::Part& weights, bool with_bias, simd::Scratch scratch) const {
        auto* const copy = scratch.take<float>(strips_.together() * source_.copied());
        auto* const dy = scratch.take<float>(dy_size());
        auto* const inputs = scratch.take<const float*>(weights.size);
        auto* const outputs = scratch.take<float*>(weights.size);
        std::fill_n(dy, dy_size(), 0.0F);  // lanes without a channel hold no rubbish
        if (with_bias)
            sums_.clear_bias(chunk);
        const simd::Part mine = simd::even_part(strips_.size(), chunks_, chunk);
        for (Index i = mine.first; i < mine.first + mine.size; ++i) {
            const Strip strip = strips_[i];
            const Index image_pixels = strip.rows * s_.output.width;
            const float* const from = source_.read(strip, x_, copy);
            for (Index t = 0; t < tasks_; ++t) {
                for (Index image = 0; image < strip.images; ++image)
                    detail::frame_of_cotangent({strip.first, 0, strip.rows, s_.output.width, pitch_}, s_, cotangent_,
                                               t * s_.batch + strip.image + image, dy + image * image_pixels * pitch_);
                if (with_bias)
                    sums_.add_bias(chunk, t, strip.images * image_pixels, dy, pitch_);
                for (Index group = 0; weights.size > 0 && group < s_.groups; ++group) {
                    float* const sum = sums_.weights(chunk, t) + group * s_.patch() * columns_.padded();
                    for (Index k = 0; k < weights.size; ++k) {
                        inputs[k] = from + source_.product(weights.first + k) + group * s_.depth();
                        outputs[k] = sum + (weights.first + k) * columns_.padded();
                    }
                    simd::run_tiles({.rows = inputs,
                                     .count = weights.size,
                                     .offsets = offsets_,
                                     .depth = strip.images * image_pixels,
                                     .panel = dy + group * s_.filters(),
                                     .panel_step = pitch_},
                                    outputs, columns_, i == mine.first ? simd::Start::zero : simd::Start::accumulate);
                }
            }
        }
    }

    /// The chunks added up and turned over: (patch, filters) becomes (filters, patch).
    void write_weights(const Target<float>& dw) const {
        constexpr Index rows_at_once = 16;
        const Index row_blocks = simd::ceil_div(s_.patch(), rows_at_once);
        parallel_for(tasks_ * s_.groups * row_blocks, 4, [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i) {
                const Index first = i % row_blocks * rows_at_once;
                const Index rows = std::min(rows_at_once, s_.patch() - first);
                const Index group = i / row_blocks % s_.groups;
                const Index t = i / row_blocks / s_.groups;
                const float* const total = sums_.added_up(t, (group * s_.patch() + first) * columns_.padded(), rows * columns_.padded());
                float* const to = dw.row(t) + group * s_.filters() * s_.patch() + first;
                if (!dw.accumulate)
                    simd::transpose(rows, s_.filters(), total, columns_.padded(), to, s_.patch());
                else
                    for (Index f = 0; f < s_.filters(); ++f)
                        for (Index r = 0; r < rows; ++r)
                            to[f * s_.patch() + r] += total[r * columns_.padded() + f];
            }
        });
    }

    const ConvShape& s_;
    Index tasks_;
    const float* x_;
    const ConvCotangent<float>& cotangent_;
    simd::Columns columns_;
    StripPlan strips_;
    Index chunks_;
    Index parts_;
    Index pitch_;  ///< floats from a pixel of the cotangent to the next
    detail::StripSource source_;
    detail::ChunkSums sums_;
    Buffer offsets_memory_;
    std::int32_t* offsets_;  ///< of the windows of a strip
};

/// The gradients of weights and bias, where they are wanted, for each of `tasks` cotangents.
inline void backward_weight(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent, const Target<float>& dw,
                            const Target<float>& db) {
    if (!dw.wanted() && !db.wanted())
        return;
    if (s.batch * s.output_size() == 0) {
        for (Index t = 0; dw.wanted() && !dw.accumulate && t < tasks; ++t)
            std::fill_n(dw.row(t), s.weight_size(), 0.0F);
        for (Index t = 0; db.wanted() && !db.accumulate && t < tasks; ++t)
            std::fill_n(db.row(t), s.out_channels, 0.0F);
    } else if (const simd::WinogradTable* const kernels = dw.wanted() ? winograd::weight_kernels(s) : nullptr) {
        winograd::WeightPass{*kernels, s, tasks, x, cotangent}.run(dw, db);
    } else if (s.depthwise()) {
        depthwise::backward_weight(s, tasks, x, cotangent, dw, db);
    } else if (sums_windows(s, tasks, cotangent.tail)) {
        PooledWeightPass{s, tasks, x, cotangent}.run(dw, db);
    } else if (dw.wanted() && unfolds_windows(s)) {
        UnfoldedWeightPass{s, tasks, x, cotangent}.run(dw, db);
    } else {
        WeightPass{s, tasks, x, cotangent}.run(dw, db);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
