// SPDX-License-Identifier: MIT
/// @file Lines of mixed text: ASCII, accents, ideographs, emoji with joiners, Arabic, control characters, odd white space, digits. The same
/// as tests/golden/make_tokenizers.py draws.
#pragma once

#include <espalier/text/utf8.hpp>

#include "line_parts.hpp"

#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

namespace testing {

inline std::vector<std::string> mixed_lines(std::size_t count, std::uint64_t seed) {
    constexpr const char* gaps[] = {"", " ", " ", " ", " ", "  ", "   "};
    std::uint64_t state = seed;
    const auto below = [&](std::uint64_t n) {  // splitmix64
        std::uint64_t x = ++state + 0x9E3779B97F4A7C15;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return (x ^ x >> 31) % n;
    };
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < count; ++i) {
        std::string& line = lines.emplace_back();
        for (auto parts = below(12); parts > 0; --parts) {
            if (below(4) == 0) {
                for (auto letters = 1 + below(9); letters > 0; --letters)
                    line.push_back(static_cast<char>(97 + below(26)));
            } else if (below(12) == 0) {
                espalier::text::detail::append_utf8(line, static_cast<char32_t>(below(0x500)));
            } else {
                line += line_parts[below(std::size(line_parts))];
            }
            line += gaps[below(std::size(gaps))];
        }
    }
    return lines;
}

/// Of lists of numbers: what `fnv` in make_tokenizers.py gives.
template <class Lists>
std::string hash_of_lists(const Lists& lists) {
    std::uint64_t hash = 0xCBF29CE484222325;
    const auto add = [&](std::uint64_t number) { hash = (hash ^ number) * 0x100000001B3; };
    for (const auto& list : lists) {
        for (const auto number : list)
            add(static_cast<std::uint64_t>(number));
        add(~std::uint64_t{0});
    }
    return std::to_string(hash);
}

}  // namespace testing
