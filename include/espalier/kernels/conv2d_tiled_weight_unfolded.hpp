// SPDX-License-Identifier: MIT
/// @file The gradients of the weights and bias of a convolution of few filters, which would leave many lanes of the vectors empty:
/// windows, unfolded, fill them, which costs little as long as there are few channels.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/conv_sums.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// Filters times windows, summed over pixels, (filters, patch). A chunk is some whole images.
class UnfoldedWeightPass {
public:
    UnfoldedWeightPass(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent)
        : s_{s},
          tasks_{tasks},
          x_{x},
          cotangent_{cotangent},
          columns_{s.patch(), simd::table().tile_vectors},
          strips_{window_strips(s, s.batch)},
          pixels_{strips_.rows() * s.output.width},
          chunks_{weight_chunks(s, s.batch)},
          source_{s, strips_.rows(), s.output.width},
          sums_{chunks_, tasks, s.filters() * columns_.padded(), s.filters()},
          offsets_memory_{static_cast<std::size_t>(pixels_) * sizeof(std::int32_t)},
          offsets_{static_cast<std::int32_t*>(offsets_memory_.data())} {
        for (Index p = 0; p < pixels_; ++p)
            offsets_[p] = static_cast<std::int32_t>(p * s.filters());
    }

    void run(const Target<float>& dw, const Target<float>& db) const {
        using simd::Scratch;
        const std::size_t bytes = Scratch::bytes<float>(source_.copied()) + Scratch::bytes<float>(pixels_ * columns_.padded()) +
                                  Scratch::bytes<float>(pixels_ * s_.filters()) + 2 * Scratch::bytes<float*>(s_.filters());
        parallel_for(chunks_, 1, bytes, [&](Index chunk, Index, void* memory) { sum_chunk(chunk, db.wanted(), Scratch{memory}); });
        const Index grain = 16384 / (chunks_ * columns_.padded());  // floats to add up that are worth a thread
        parallel_for(tasks_ * s_.filters(), std::max<Index>(1, grain), [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i)
                write_filter(i / s_.filters(), i % s_.filters(), dw);
        });
        if (db.wanted())
            sums_.write_bias(db);
    }

private:
    void sum_chunk(Index chunk, bool with_bias, simd::Scratch scratch) const {
        auto* const copy = scratch.take<float>(source_.copied());
        auto* const windows = scratch.take<float>(pixels_ * columns_.padded());
        auto* const spare = scratch.take<float>(pixels_ * s_.filters());
        auto* const inputs = scratch.take<const float*>(s_.filters());
        auto* const outputs = scratch.take<float*>(s_.filters());
        std::fill_n(windows, pixels_ * columns_.padded(), 0.0F);  // lanes without a weight hold no rubbish
        sums_.clear_bias(chunk);
        const simd::Part images = simd::even_part(s_.batch, chunks_, chunk);
        const Index first = images.first * strips_.of_image();
        for (Index i = first; i < first + images.size * strips_.of_image(); ++i) {
            const Strip strip = strips_[i];
            unfold(strip.rows, source_.read(strip, x_, copy), windows);
            for (Index t = 0; t < tasks_; ++t) {
                const float* const dy = detail::strip_of_cotangent(strip, s_, cotangent_, t, spare);
                if (with_bias)
                    sums_.add_bias(chunk, t, strip.rows * s_.output.width, dy, s_.filters());
                for (Index f = 0; f < s_.filters(); ++f) {
                    inputs[f] = dy + f;
                    outputs[f] = sums_.weights(chunk, t) + f * columns_.padded();
                }
                simd::run_tiles({.rows = inputs,
                                 .count = s_.filters(),
                                 .offsets = offsets_,
                                 .depth = strip.rows * s_.output.width,
                                 .panel = windows,
                                 .panel_step = columns_.padded()},
                                outputs, columns_, i == first ? simd::Start::zero : simd::Start::accumulate);
            }
        }
    }

    /// The windows of a strip side by side, each padded to whole vectors.
    void unfold(Index rows, const float* from, float* windows) const {
        const Window& w = s_.window;
        const Index run = w.kernel.width * s_.in_channels;
        for (Index r = 0; r < rows; ++r)
            for (Index ky = 0; ky < w.kernel.height; ++ky)
                simd::table().copy_rows(s_.output.width, run, from + source_.window(r, 0) + source_.product(ky * run),
                                        w.stride.width * s_.in_channels, windows + r * s_.output.width * columns_.padded() + ky * run,
                                        columns_.padded(), run);
    }

    void write_filter(Index task, Index filter, const Target<float>& dw) const {
        const float* const sum = sums_.added_up(task, filter * columns_.padded(), s_.patch());
        float* const to = dw.row(task) + filter * s_.patch();
        if (dw.accumulate)
            simd::table().add_to_rows(1, s_.patch(), sum, 0, to, 0);
        else
            std::copy_n(sum, s_.patch(), to);
    }

    const ConvShape& s_;
    Index tasks_;
    const float* x_;
    const ConvCotangent<float>& cotangent_;
    simd::Columns columns_;
    StripPlan strips_;
    Index pixels_;  ///< of a strip, at most
    Index chunks_;
    detail::StripSource source_;
    detail::ChunkSums sums_;
    Buffer offsets_memory_;
    std::int32_t* offsets_;  ///< of pixels of a strip of the cotangent
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
