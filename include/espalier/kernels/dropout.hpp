// SPDX-License-Identifier: MIT
/// @file Dropout: random numbers, the mask and the result in one pass.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <cmath>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels {

/// mask[i] = 0 where the uniform number of draw `random.position() + i` is below p, else `scale`, for 0 <= p < 1; y[i] = x[i] mask[i].
template <class Scalar>
void dropout(Index n, const Random& random, double p, Scalar scale, const Scalar* x, Scalar* mask, Scalar* y) {
    // The upper 53 of 64 bits, as Random::to_unit takes them, are below p 2^53 if all of them are below it rounded up, times 2^11.
    const std::uint64_t bound = static_cast<std::uint64_t>(std::ceil(p * 0x1p53)) << 11;
    parallel_for(n, elementwise_grain(n), [=, &random](Index begin, Index end) {
        const std::uint64_t first = random.position() + static_cast<std::uint64_t>(begin);
        if constexpr (simd::vectorised<Scalar>)
            simd::kernels_of<Dropout>().run(end - begin, {random.seed(), random.stream(), first, bound, scale}, x + begin, mask + begin,
                                            y + begin);
        else
            for (Index i = begin; i < end; ++i) {
                mask[i] = random.at(random.position() + static_cast<std::uint64_t>(i)) < bound ? Scalar(0) : scale;
                y[i] = x[i] * mask[i];
            }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
