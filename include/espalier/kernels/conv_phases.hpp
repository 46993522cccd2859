// SPDX-License-Identifier: MIT
/// @file Which taps of a strided convolution's windows reach a pixel of its input.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/kernels/conv_shape.hpp>
#include <espalier/kernels/simd/blocks.hpp>

#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::detail {

/// The gradient of a pixel sums the weights k of all windows o that hold it, those with `o stride + k dilation = pixel + padding`. So
/// k dilation and pixel + padding leave the same rest by the stride, the pixel's phase, and all pixels of a phase have the same taps.
/// One side of an image, with a kernel of 3, stride 2 and padding 1:
///
///     pixel           0     1     2     3     4     5
///     phase           1     0     1     0     1     0
///     taps            1    0 2    1    0 2    1    0 2
///     their windows   0    1 0    1    2 1    2    3 2
///
/// From one pixel of a phase to the next, `stride` on, all windows move on by one, so that those of the taps lie at the same
/// offsets from that of the first tap: in phase 0 at 0 and -1. That is what the tiles want, pixels with a list of offsets.
class Phases {
public:
    struct Phase {
        Index first;  ///< place of its first tap among those of all phases
        Index taps;
        Pair tap;     ///< the first one, whose window the offsets count from
    };

    /// `row_size` floats lie between rows of the cotangent.
    Phases(const ConvShape& s, Index row_size)
        : taps_{s.window.taps()},
          stride_{s.window.stride},
          memory_{simd::Scratch::bytes<Index>(taps_) + simd::Scratch::bytes<Phase>(stride_.height * stride_.width) +
                  simd::Scratch::bytes<std::int32_t>(taps_ * s.filters())} {
        simd::Scratch scratch{memory_.data()};
        tap_ = scratch.take<Index>(taps_);
        phase_ = scratch.take<Phase>(stride_.height * stride_.width);
        offsets_ = scratch.take<std::int32_t>(taps_ * s.filters());
        Index place = 0;
        for (Index y = 0; y < stride_.height; ++y)
            for (Index x = 0; x < stride_.width; ++x)
                phase_[y * stride_.width + x] = list_taps({y, x}, s, row_size, place);
    }

    [[nodiscard]] const Phase& at(Pair phase) const noexcept { return phase_[phase.height * stride_.width + phase.width]; }
    /// Of all taps, phase by phase, the one at a place.
    [[nodiscard]] Index tap(Index place) const noexcept { return tap_[place]; }
    /// Of the windows of each filter for the taps of a phase, (taps, filters), from that of its first tap.
    [[nodiscard]] const std::int32_t* offsets(const Phase& phase, Index filters) const noexcept { return offsets_ + phase.first * filters; }

    /// The first of the pixels from `from` on that belong to a phase, along one side.
    [[nodiscard]] static Index first_pixel(Index from, Index phase, Index padding, Index stride) noexcept {
        const Index before = (phase - from - padding) % stride;
        return from + (before + stride) % stride;
    }

private:
    Phase list_taps(Pair wanted, const ConvShape& s, Index row_size, Index& place) {
        const Window& w = s.window;
        Phase phase{place, 0, {}};
        for (Index tap = 0; tap < taps_; ++tap) {
            const Pair at{tap / w.kernel.width, tap % w.kernel.width};
            const Pair rest{at.height * w.dilation.height % stride_.height, at.width * w.dilation.width % stride_.width};
            if (rest != wanted)
                continue;
            if (phase.taps++ == 0)
                phase.tap = at;
            const Index offset = -(at.height - phase.tap.height) * w.dilation.height / stride_.height * row_size -
                                 (at.width - phase.tap.width) * w.dilation.width / stride_.width * s.out_channels;
            for (Index f = 0; f < s.filters(); ++f)
                offsets_[place * s.filters() + f] = static_cast<std::int32_t>(offset + f);
            tap_[place++] = tap;
        }
        return phase;
    }

    Index taps_;
    Pair stride_;
    Buffer memory_;
    Index* tap_;
    Phase* phase_;
    std::int32_t* offsets_;
};

}  // namespace espalier::inline ESPALIER_ABI::kernels::detail
