// SPDX-License-Identifier: MIT
/// @file A hash that is the same everywhere, unlike that of the standard library.
#pragma once

#include <cstdint>
#include <string_view>

namespace examples {

/// FNV-1a of 64 bits (Fowler, Noll and Vo).
[[nodiscard]] inline std::uint64_t hash(std::string_view text) noexcept {
    std::uint64_t result = 14695981039346656037U;
    for (const char c : text)
        result = (result ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return result;
}

}  // namespace examples
