// SPDX-License-Identifier: MIT
/// @file By which way convolutions are computed, where there are several.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace espalier::inline ESPALIER_ABI {

/// Ways of a convolution of single precision. All are exact to rounding; what differs is speed, and the last bits.
enum class ConvAlgorithm {
    automatic,  ///< whichever is faster, by the extents of the problem alone
    direct,     ///< sums of products in the order of the definition
    winograd,   ///< Winograd's way with 1/4 of the products, wherever it exists: windows of 3x3 that move by one pixel
};

/// The name that `ESPALIER_CONV` knows it by.
[[nodiscard]] constexpr std::string_view conv_algorithm_name(ConvAlgorithm algorithm) noexcept {
    return algorithm == ConvAlgorithm::winograd ? "winograd" : algorithm == ConvAlgorithm::direct ? "direct" : "automatic";
}

namespace detail {

/// Automatic without a name. @throws ValueError for one that is unknown.
[[nodiscard]] inline ConvAlgorithm conv_algorithm_of(const char* name) {
    if (!name || !*name)
        return ConvAlgorithm::automatic;
    for (const ConvAlgorithm candidate : {ConvAlgorithm::automatic, ConvAlgorithm::direct, ConvAlgorithm::winograd})
        if (conv_algorithm_name(candidate) == name)
            return candidate;
    fail<ValueError>("conv_algorithm", "expected ESPALIER_CONV to be automatic, direct or winograd, got ", name);
}

inline constinit std::atomic<int> chosen_conv_algorithm{-1};

}  // namespace detail

/// The way that convolutions take: what `set_conv_algorithm` said last, or else the environment's `ESPALIER_CONV` (`automatic`, `direct`,
/// `winograd`), or else ConvAlgorithm::automatic. @throws ValueError if the variable holds anything else
[[nodiscard]] ESPALIER_NOINLINE inline ConvAlgorithm conv_algorithm() {
    if (const int known = detail::chosen_conv_algorithm.load(std::memory_order_relaxed); known >= 0)
        return static_cast<ConvAlgorithm>(known);
    const ConvAlgorithm found = detail::conv_algorithm_of(std::getenv("ESPALIER_CONV"));
    int unknown = -1;  // unless somebody set it meanwhile
    detail::chosen_conv_algorithm.compare_exchange_strong(unknown, static_cast<int>(found), std::memory_order_relaxed);
    return unknown >= 0 ? static_cast<ConvAlgorithm>(unknown) : found;
}

/// Sets the way that convolutions take from here on, on all threads; processors without fused multiply-add, and `double`, always take the
/// direct one. A gradient may take another way than its result did: each is right for itself.
inline void set_conv_algorithm(ConvAlgorithm algorithm) noexcept {
    detail::chosen_conv_algorithm.store(static_cast<int>(algorithm), std::memory_order_relaxed);
}

}  // namespace espalier::inline ESPALIER_ABI
