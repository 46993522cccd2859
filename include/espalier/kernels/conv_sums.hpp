// SPDX-License-Identifier: MIT
/// @file What chunks of the images have summed for the gradients of weights and bias, and how it is added up in their order.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// Sums of each chunk for each of `tasks` cotangents: `size` floats for the weights, in the order that suits the tiles, and `channels`
/// doubles for the bias. Chunks write theirs from several threads; what they are adds up afterwards.
class ChunkSums {
public:
    ChunkSums(Index chunks, Index tasks, Index size, Index channels)
        : chunks_{chunks},
          tasks_{tasks},
          size_{size},
          channels_{channels},
          memory_{simd::Scratch::bytes<float>(chunks * tasks * size) + simd::Scratch::bytes<double>(chunks * tasks * channels)} {
        simd::Scratch scratch{memory_.data()};
        weights_ = scratch.take<float>(chunks * tasks * size);
        bias_ = scratch.take<double>(chunks * tasks * channels);
    }

    /// Of the weights, not cleared.
    [[nodiscard]] float* weights(Index chunk, Index task) const noexcept { return weights_ + (chunk * tasks_ + task) * size_; }

    void clear_weights(Index chunk) const noexcept { std::fill_n(weights(chunk, 0), tasks_ * size_, 0.0F); }
    void clear_bias(Index chunk) const noexcept { std::fill_n(bias_ + chunk * tasks_ * channels_, tasks_ * channels_, 0.0); }
    void clear_bias(Index chunk, Index task) const noexcept { std::fill_n(bias_ + (chunk * tasks_ + task) * channels_, channels_, 0.0); }

    /// Adds the cotangents of some pixels, `pitch` floats apart.
    void add_bias(Index chunk, Index task, Index pixels, const float* dy, Index pitch) const {
        simd::table().add_column_sums(pixels, channels_, dy, pitch, bias_ + (chunk * tasks_ + task) * channels_);
    }

    /// `rows` rows of n sums of the weights, `stride` apart from `first` on: all chunks added to those of the first.
    ESPALIER_NOINLINE float* added_up(Index task, Index first, Index rows, Index n, Index stride) const {
        float* const total = weights(0, task) + first;
        for (Index chunk = 1; chunk < chunks_; ++chunk)
            simd::table().add_to_rows(rows, n, weights(chunk, task) + first, stride, total, stride);
        return total;
    }
    /// Sums [first, first + n) of the weights, in the same way.
    [[nodiscard]] float* added_up(Index task, Index first, Index n) const { return added_up(task, first, 1, n, 0); }

    /// What all chunks have summed for the bias of a channel, added to `total`.
    [[nodiscard]] double bias(Index task, Index channel, double total) const noexcept {
        for (Index chunk = 0; chunk < chunks_; ++chunk)
            total += bias_[(chunk * tasks_ + task) * channels_ + channel];
        return total;
    }
    ESPALIER_NOINLINE void write_bias(const Target<float>& db) const {
        for (Index t = 0; t < tasks_; ++t)
            for (Index c = 0; c < channels_; ++c) {
                float& to = db.row(t)[c];
                to = static_cast<float>(bias(t, c, db.accumulate ? static_cast<double>(to) : 0));
            }
    }

private:
    Index chunks_;
    Index tasks_;
    Index size_;
    Index channels_;
    Buffer memory_;
    float* weights_;
    double* bias_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
