// SPDX-License-Identifier: MIT
/// @file The element types of safetensors files, and which C++ type holds which of them.
#pragma once

#include <espalier/core/error.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::io {

/// In the order of the format, by increasing alignment: writers sort by it, the largest first.
enum class Dtype {
    // clang-format off
    BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ,  // up to 8 bits
    I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64,
    // clang-format on
};

namespace detail {
struct DtypeInfo {
    std::string_view name;
    unsigned bits;
};
inline constexpr std::array<DtypeInfo, 22> dtypes{{
    {"BOOL", 8},    {"F4", 4},          {"F6_E2M3", 6},     {"F6_E3M2", 6}, {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8},
    {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16}, {"F16", 16}, {"BF16", 16},   {"I32", 32},
    {"U32", 32},    {"F32", 32},        {"C64", 64},        {"F64", 64},    {"I64", 64}, {"U64", 64},
}};
}  // namespace detail

/// The name in the file, such as "F32".
[[nodiscard]] constexpr std::string_view name_of(Dtype dtype) noexcept { return detail::dtypes[static_cast<std::size_t>(dtype)].name; }
/// Bits of one element.
[[nodiscard]] constexpr unsigned bits_of(Dtype dtype) noexcept { return detail::dtypes[static_cast<std::size_t>(dtype)].bits; }
/// Nothing for a name that the format does not have.
[[nodiscard]] constexpr std::optional<Dtype> dtype_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < detail::dtypes.size(); ++i)
        if (detail::dtypes[i].name == name)
            return static_cast<Dtype>(i);
    return {};
}

/// How a C++ type is stored.
template <class T>
[[nodiscard]] constexpr Dtype dtype_of() noexcept {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8);
    if constexpr (std::same_as<T, bool>)
        return Dtype::BOOL;
    else if constexpr (std::floating_point<T>)
        return sizeof(T) == 4 ? Dtype::F32 : Dtype::F64;
    else if constexpr (sizeof(T) == 1)
        return std::is_signed_v<T> ? Dtype::I8 : Dtype::U8;
    else if constexpr (sizeof(T) == 2)
        return std::is_signed_v<T> ? Dtype::I16 : Dtype::U16;
    else if constexpr (sizeof(T) == 4)
        return std::is_signed_v<T> ? Dtype::I32 : Dtype::U32;
    else
        return std::is_signed_v<T> ? Dtype::I64 : Dtype::U64;
}

}  // namespace espalier::inline ESPALIER_ABI::io
