// SPDX-License-Identifier: MIT
/// @file Finite or not, told by the bits: with `-ffast-math` a compiler takes every number for finite, and `std::isnan` for false.
#pragma once

#include <espalier/core/config.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI {

namespace detail {

/// The bits of a `float` or `double` without its sign.
template <std::floating_point S>
[[nodiscard]] constexpr auto magnitude_bits(S value) noexcept {
    static_assert(sizeof(S) == 4 || sizeof(S) == 8);
    using Bits = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;
    auto bits = std::bit_cast<Bits>(value);
#if ESPALIER_FAST_MATH && defined(__GNUC__)
    if (!std::is_constant_evaluated())
        asm("" : "+r"(bits));  // else a compiler might look through the cast, as newer ones do, and conclude what it was told
#endif
    return static_cast<Bits>(bits & ~(Bits{1} << (8 * sizeof(S) - 1)));
}

/// Those of infinity: all of the exponent and nothing behind it. NaNs lie above.
template <std::floating_point S>
inline constexpr auto infinity_bits = static_cast<decltype(magnitude_bits(S{}))>(sizeof(S) == 4 ? std::uint64_t{0xFF} << 23
                                                                                                : std::uint64_t{0x7FF} << 52);

}  // namespace detail

/// Neither infinite nor NaN, whatever the compiler was told of its numbers.
template <std::floating_point S>
[[nodiscard]] constexpr bool is_finite(S value) noexcept {
    return detail::magnitude_bits(value) < detail::infinity_bits<S>;
}

/// NaN, whatever the compiler was told of its numbers.
template <std::floating_point S>
[[nodiscard]] constexpr bool is_nan(S value) noexcept {
    return detail::magnitude_bits(value) > detail::infinity_bits<S>;
}

}  // namespace espalier::inline ESPALIER_ABI
