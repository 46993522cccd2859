// SPDX-License-Identifier: MIT
/// @file Numbers from and to bytes of a stated order, whatever the machine's own order is.
#pragma once

#include <espalier/core/config.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::io {

/// The number whose `sizeof(T)` bytes begin at `from`; no alignment is needed.
template <class T, std::endian Order>
[[nodiscard]] T decode(const char* from) noexcept {
    static_assert(std::is_arithmetic_v<T>);
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), from, sizeof(T));
    if constexpr (Order != std::endian::native && sizeof(T) > 1)
        std::reverse(bytes.begin(), bytes.end());
    return std::bit_cast<T>(bytes);
}

/// Writes the `sizeof(T)` bytes of `value` to `to`.
template <std::endian Order, class T>
void encode(T value, char* to) noexcept {
    static_assert(std::is_arithmetic_v<T>);
    auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    if constexpr (Order != std::endian::native && sizeof(T) > 1)
        std::reverse(bytes.begin(), bytes.end());
    std::memcpy(to, bytes.data(), sizeof(T));
}

/// `count` numbers in one go.
template <class T, std::endian Order>
void decode_all(const char* from, std::size_t count, T* to) noexcept {
    if constexpr (Order == std::endian::native || sizeof(T) == 1) {
        if (count > 0)
            std::memcpy(to, from, count * sizeof(T));
    } else {
        for (std::size_t i = 0; i < count; ++i)
            to[i] = decode<T, Order>(from + i * sizeof(T));
    }
}
/// `encode` for each of `values`, one behind the other.
template <std::endian Order, class T>
void encode_all(const T* from, std::size_t count, char* to) noexcept {
    if constexpr (Order == std::endian::native || sizeof(T) == 1) {
        if (count > 0)
            std::memcpy(to, from, count * sizeof(T));
    } else {
        for (std::size_t i = 0; i < count; ++i)
            encode<Order>(from[i], to + i * sizeof(T));
    }
}

/// Appends the bytes of `value`.
template <std::endian Order, class T>
void append(std::string& to, T value) {
    std::array<char, sizeof(T)> bytes;
    encode<Order>(value, bytes.data());
    to.append(bytes.data(), bytes.size());
}

}  // namespace espalier::inline ESPALIER_ABI::io
