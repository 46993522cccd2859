// SPDX-License-Identifier: MIT
/// @file Rows of a table that stand anywhere, asked for before they are needed: no processor guesses where the next one lies.
#pragma once

#include <espalier/core/config.hpp>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Rows between the one that is asked for and the one at work. From the third-level cache a row takes as long as the work on some ten.
inline constexpr Index rows_ahead = 16;

/// Starts to bring a row's ends into the first-level cache; what lies between them follows by itself. Changes nothing else, which is why
/// this and what only calls it must be inlined: to g++ a function that has no effect need not be called.
template <class Scalar>
ESPALIER_INLINE void prefetch_row(const Scalar* row, Index width) noexcept {
#if defined(__GNUC__)
    if (width > 0) {
        __builtin_prefetch(row);
        __builtin_prefetch(row + width - 1);
    }
#endif
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
