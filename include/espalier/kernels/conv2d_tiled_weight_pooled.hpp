// SPDX-License-Identifier: MIT
/// @file The gradients of the weights and bias of a convolution that ReLU and 2x2 pooling follow, for many cotangents at once.
///
/// A window hands its cotangent to its winner alone: three of four pixels get nothing, and who wins is the same for all cotangents.
/// So the sums of a filter go over its windows instead of its pixels, with the cotangents in the lanes of the vectors.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv_choice.hpp>
#include <espalier/kernels/conv_rows.hpp>
#include <espalier/kernels/conv_sums.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::tiled {

/// What the winner of each window saw times the window's cotangents, summed for each filter, (patch, tasks).
class PooledWeightPass {
    static constexpr Index block = 16;  ///< filters whose cotangents are turned over together: a cache line

public:
    PooledWeightPass(const ConvShape& s, Index tasks, const float* x, const ConvCotangent<float>& cotangent)
        : s_{s},
          tasks_{tasks},
          x_{x},
          cotangent_{cotangent},
          columns_{tasks, simd::table().tile_vectors},
          pitch_{columns_.padded()},
          blocks_{simd::ceil_div(s.out_channels, block)},
          strips_{pooled_strips(s)},
          chunks_{weight_chunks(s, strips_.size())},
          parts_{column_parts(chunks_, blocks_)},
          source_{s, 2 * strips_.rows(), s.output.width},
          sums_{chunks_, s.out_channels, s.patch() * pitch_, tasks} {}

    void run(const Target<float>& dw, const Target<float>& db) const {
        using simd::Scratch;
        const std::size_t bytes = Scratch::bytes<float>(strips_.together() * source_.copied()) + Scratch::bytes<float>(block * pitch_) +
                                  Scratch::bytes<float>(block * most_windows() * pitch_) +
                                  Scratch::bytes<std::int32_t>(block * most_windows()) + 2 * Scratch::bytes<float*>(s_.patch());
        parallel_for(chunks_ * parts_, 1, bytes, [&](Index i, Index, void* memory) {
            sum_chunk(i / parts_, simd::even_part(blocks_, parts_, i % parts_), dw.wanted(), Scratch{memory});
        });
        if (dw.wanted())
            parallel_for(s_.out_channels, 4, [&](Index begin, Index end) {
                for (Index f = begin; f < end; ++f)
                    write_filter(f, dw);
            });
        for (Index t = 0; db.wanted() && t < tasks_; ++t)
            for (Index f = 0; f < s_.out_channels; ++f)
                db.row(t)[f] = static_cast<float>(sums_.bias(f, t, db.accumulate ? static_cast<double>(db.row(t)[f]) : 0));
    }

private:
    /// The windows of some filters in a strip that have a winner: how many, where the winners' own windows lie, and their cotangents.
    struct Windows {
        std::array<Index, block> count;
        std::int32_t* offsets;
        float* panels;
    };

    [[nodiscard]] Index most_windows() const noexcept { return strips_.together() * strips_.rows() * s_.pooled().width; }

    /// Sums some blocks of filters over the strips of a chunk.
    void sum_chunk(Index chunk, const simd::Part& blocks, bool with_weights, simd::Scratch scratch) const {
        auto* const copy = scratch.take<float>(strips_.together() * source_.copied());
        auto* const turned = scratch.take<float>(block * pitch_);
        std::fill_n(turned, block * pitch_, 0.0F);  // lanes without a cotangent hold no rubbish
        Windows windows{{}, nullptr, scratch.take<float>(block * most_windows() * pitch_)};
        windows.offsets = scratch.take<std::int32_t>(block * most_windows());
        auto* const inputs = scratch.take<const float*>(s_.patch());
        auto* const outputs = scratch.take<float*>(s_.patch());
        for (Index f = blocks.first * block; f < std::min((blocks.first + blocks.size) * block, s_.out_channels); ++f)
            sums_.clear_bias(chunk, f);
        const simd::Part mine = simd::even_part(strips_.size(), chunks_, chunk);
        for (Index i = mine.first; i < mine.first + mine.size; ++i) {
            const Strip strip = strips_[i];
            const float* const from = source_.read({strip.image, strip.images, 2 * strip.first, 2 * strip.rows}, x_, copy);
            for (Index b = blocks.first; b < blocks.first + blocks.size; ++b) {
                list_windows(strip, b * block, turned, windows);
                for (Index j = 0; j < std::min(block, s_.out_channels - b * block); ++j) {
                    const Index f = b * block + j;
                    const float* const panel = windows.panels + j * most_windows() * pitch_;
                    sums_.add_bias(chunk, f, windows.count[static_cast<std::size_t>(j)], panel, pitch_);
                    for (Index k = 0; with_weights && k < s_.patch(); ++k) {
                        inputs[k] = from + source_.product(k) + f / s_.filters() * s_.depth();
                        outputs[k] = sums_.weights(chunk, f) + k * pitch_;
                    }
                    if (with_weights)
                        simd::run_tiles({.rows = inputs,
                                         .count = s_.patch(),
                                         .offsets = windows.offsets + j * most_windows(),
                                         .depth = windows.count[static_cast<std::size_t>(j)],
                                         .panel = panel,
                                         .panel_step = pitch_},
                                        outputs, columns_, i == mine.first ? simd::Start::zero : simd::Start::accumulate);
                }
            }
        }
    }

    /// Those of filters [first, first + block) in a strip.
    void list_windows(const Strip& strip, Index first, float* turned, Windows& windows) const {
        const Index filters = std::min(block, s_.out_channels - first);
        const Pair pooled = s_.pooled();
        windows.count.fill(0);
        for (Index image = 0; image < strip.images; ++image)
            for (Index y = 0; y < strip.rows; ++y)
                for (Index x = 0; x < pooled.width; ++x) {
                    const Index place = (strip.image + image) * s_.pooled_size() +
                                        ((strip.first + y) * pooled.width + x) * s_.out_channels + first;
                    simd::transpose(tasks_, filters, cotangent_.dy + place, s_.batch * s_.pooled_size(), turned, pitch_);
                    for (Index j = 0; j < filters; ++j) {
                        const int winner = cotangent_.winners[place + j];
                        if (winner >= 4)
                            continue;
                        const Index at = j * most_windows() + windows.count[static_cast<std::size_t>(j)]++;
                        windows.offsets[at] = static_cast<std::int32_t>(image * source_.image_size() +
                                                                        source_.window(2 * y + winner / 2, 2 * x + winner % 2));
                        std::copy_n(turned + j * pitch_, pitch_, windows.panels + at * pitch_);
                    }
                }
    }

    /// The chunks added up and turned over: (patch, tasks) becomes a row of each task's gradient.
    void write_filter(Index f, const Target<float>& dw) const {
        const float* const total = sums_.added_up(f, 0, s_.patch() * pitch_);
        for (Index t = 0; t < tasks_; ++t) {
            float* const to = dw.row(t) + f * s_.patch();
            for (Index k = 0; k < s_.patch(); ++k)
                to[k] = (dw.accumulate ? to[k] : 0.0F) + total[k * pitch_ + t];
        }
    }

    const ConvShape& s_;
    Index tasks_;
    const float* x_;
    const ConvCotangent<float>& cotangent_;
    simd::Columns columns_;
    Index pitch_;  ///< of the cotangents, padded to whole vectors
    Index blocks_;
    StripPlan strips_;  ///< of rows of windows
    Index chunks_;
    Index parts_;
    detail::StripSource source_;
    detail::ChunkSums sums_;  ///< with the parts of filters and cotangents changed over
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::tiled
