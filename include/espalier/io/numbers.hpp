// SPDX-License-Identifier: MIT
/// @file Stored numbers of one type read as another: half floats as floats, integers as wider or narrower ones.
#pragma once

#include <espalier/io/dtype.hpp>
#include <espalier/io/endian.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::io::detail {

[[nodiscard]] constexpr bool is_float(Dtype dtype) noexcept {
    return dtype == Dtype::F16 || dtype == Dtype::BF16 || dtype == Dtype::F32 || dtype == Dtype::F64;
}
[[nodiscard]] constexpr bool is_integer(Dtype dtype) noexcept {
    return dtype == Dtype::BOOL || dtype == Dtype::I8 || dtype == Dtype::U8 || dtype == Dtype::I16 || dtype == Dtype::U16 ||
           dtype == Dtype::I32 || dtype == Dtype::U32 || dtype == Dtype::I64 || dtype == Dtype::U64;
}

/// Whether tensors of a stored type are read as tensors of `T`: floats as floats, integers and truth values as integers.
template <class T>
[[nodiscard]] constexpr bool reads(Dtype dtype) noexcept {
    return std::floating_point<T> ? is_float(dtype) : is_integer(dtype);
}
/// The stored types that are read as `T`, in words.
template <class T>
[[nodiscard]] constexpr std::string_view readable() noexcept {
    return std::floating_point<T> ? "F16, BF16, F32 or F64" : "BOOL or of integers";
}

/// The float that 16 bits of F16 are: sign, 5 bits of exponent, 10 of fraction; every one is a float exactly. Eigen::half does
/// the same, but by other instructions in units built for them, under one name for the whole program.
[[nodiscard]] inline float half_to_float(std::uint16_t bits) noexcept {
    const std::uint32_t sign = (bits & 0x8000U) << 16;
    const std::uint32_t exponent = bits >> 10 & 31U;
    const std::uint32_t fraction = bits & 1023U;
    if (exponent == 0)  // zero and subnormal
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24F));
    const std::uint32_t widened = exponent == 31 ? 255 : exponent + 127 - 15;  // infinity and NaN stay what they are
    return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}
/// The float that 16 bits of BF16 are: its upper half.
[[nodiscard]] inline float bfloat16_to_float(std::uint16_t bits) noexcept { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// `count` stored floats as `T`, rounded to the nearest if `T` is narrower.
template <std::floating_point T>
void read_floats(Dtype dtype, const char* from, std::size_t count, T* to) noexcept {
    switch (dtype) {
        case Dtype::F16:
            for (std::size_t i = 0; i < count; ++i)
                to[i] = static_cast<T>(half_to_float(decode<std::uint16_t, std::endian::little>(from + 2 * i)));
            break;
        case Dtype::BF16:
            for (std::size_t i = 0; i < count; ++i)
                to[i] = static_cast<T>(bfloat16_to_float(decode<std::uint16_t, std::endian::little>(from + 2 * i)));
            break;
        default:
            if (dtype == dtype_of<T>()) {
                decode_all<T, std::endian::little>(from, count, to);
            } else {
                using Other = std::conditional_t<sizeof(T) == 4, double, float>;
                for (std::size_t i = 0; i < count; ++i)
                    to[i] = static_cast<T>(decode<Other, std::endian::little>(from + i * sizeof(Other)));
            }
    }
}

/// `count` stored integers of type `Stored` as `T`. @throws IoError that names the tensor, for one that `T` cannot hold
template <class Stored, class T>
void read_integers_of(std::string_view name, const char* from, std::size_t count, T* to) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto value = decode<Stored, std::endian::little>(from + i * sizeof(Stored));
        if constexpr (std::same_as<T, bool>) {
            require<IoError>(value == 0 || value == 1, "tensor_file", "expected values of 0 or 1 in '", name, "', got ", +value, " at ", i);
            to[i] = value != 0;
        } else {
            require<IoError>(std::in_range<T>(value), "tensor_file", "expected values from ", +std::numeric_limits<T>::min(), " to ",
                             +std::numeric_limits<T>::max(), " in '", name, "', got ", +value, " at ", i);
            to[i] = static_cast<T>(value);
        }
    }
}

template <std::integral T>
void read_integers(std::string_view name, Dtype dtype, const char* from, std::size_t count, T* to) {
    if (dtype == dtype_of<T>() && dtype != Dtype::BOOL)
        return decode_all<T, std::endian::little>(from, count, to);
    switch (dtype) {
        case Dtype::BOOL:  // any other byte in a bool is undefined behaviour
            require<IoError>(std::all_of(from, from + count, [](char c) { return c == 0 || c == 1; }), "tensor_file",
                             "expected bytes of 0 or 1 in '", name, "' of type BOOL, got another");
            return read_integers_of<std::uint8_t>(name, from, count, to);
        case Dtype::I8: return read_integers_of<std::int8_t>(name, from, count, to);
        case Dtype::U8: return read_integers_of<std::uint8_t>(name, from, count, to);
        case Dtype::I16: return read_integers_of<std::int16_t>(name, from, count, to);
        case Dtype::U16: return read_integers_of<std::uint16_t>(name, from, count, to);
        case Dtype::I32: return read_integers_of<std::int32_t>(name, from, count, to);
        case Dtype::U32: return read_integers_of<std::uint32_t>(name, from, count, to);
        case Dtype::I64: return read_integers_of<std::int64_t>(name, from, count, to);
        default: return read_integers_of<std::uint64_t>(name, from, count, to);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
