// SPDX-License-Identifier: MIT
/// @file Arrays of random numbers, drawn on all threads: a stream's draw is a function of its position.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>

#include <cstdint>

namespace espalier::inline ESPALIER_ABI {

/// to[i] = f(stream) for a `f` that takes `draws` draws of the stream: what a loop over i with `random` itself gives, which is advanced
/// likewise.
template <class Scalar, class F>
void draw_each(Index n, Random& random, std::uint64_t draws, Scalar* to, const F& f) {
    constexpr Index grain = 4096;
    parallel_for(n, grain, [=, &f, from = random](Index begin, Index end) {
        Random stream = from;
        stream.skip(draws * static_cast<std::uint64_t>(begin));
        for (Index i = begin; i < end; ++i)
            to[i] = f(stream);
    });
    random.skip(draws * static_cast<std::uint64_t>(n));
}

}  // namespace espalier::inline ESPALIER_ABI
