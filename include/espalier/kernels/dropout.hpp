// SPDX-License-Identifier: MIT
/// @file Dropout: random numbers and the result in one pass.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels {

/// How many groups n elements are, the last one perhaps a part.
[[nodiscard]] constexpr Index dropout_groups(Index n) noexcept { return (n + simd::elements_of_group - 1) / simd::elements_of_group; }

/// How many draws `dropout` of n elements takes from a stream.
[[nodiscard]] constexpr std::uint64_t dropout_draws(Index n) noexcept {
    return static_cast<std::uint64_t>(dropout_groups(n) * simd::draws_of_group);
}

/// y[i] = 0 x[i] where the number in [0, 1) that element i takes of `random`'s draws from its position on is below p, else `scale` x[i],
/// for 0 <= p < 1; numbers are multiples of 2^-32, as is p. The same again with what comes back to y gives what comes back to x: there is
/// no mask to be kept. y may be x.
template <class Scalar>
void dropout(Index n, const Random& random, double p, Scalar scale, const Scalar* x, Scalar* y) {
    const double rounded = std::nearbyint(p * 0x1p32);
    const auto bound = static_cast<std::uint32_t>(std::min(rounded, 0x1p32 - 1));
    const Scalar kept = rounded < 0x1p32 ? scale : Scalar(0);
    const Index grain = std::max<Index>(1, elementwise_grain(n) / simd::elements_of_group);
    parallel_for(dropout_groups(n), grain, [=, &random](Index begin, Index end) {
        const std::uint64_t first = random.position() + static_cast<std::uint64_t>(begin * simd::draws_of_group);
        const Index from = begin * simd::elements_of_group, size = std::min(n, end * simd::elements_of_group) - from;
        if constexpr (simd::vectorised<Scalar>)
            simd::kernels_of<Dropout>().run(size, {random.seed(), random.stream(), first, bound, kept}, x + from, y + from);
        else
            for (Index i = 0; i < size; i += simd::elements_of_group)
                for (Index k = 0; k < simd::draws_of_group && i + k < size; ++k) {
                    const auto words = random.words_at(first + static_cast<std::uint64_t>(i / 4 + k));
                    for (Index w = 0, place = i + k; w < 4 && place < size; ++w, place += simd::draws_of_group)
                        y[from + place] = x[from + place] * (words[static_cast<std::size_t>(w)] < bound ? Scalar(0) : kept);
                }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
