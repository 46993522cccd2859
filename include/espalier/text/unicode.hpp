// SPDX-License-Identifier: MIT
/// @file What tokenizers ask of a character, and its lower case and decomposition, by the tables of one version of Unicode.
#pragma once

#include <espalier/text/unicode_tables.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// What a character is to a tokenizer, by its general category. White space is asked for by `is_white_space`.
enum class CharacterKind : std::uint8_t {
    other,        ///< symbols, separators, spacing marks, and what is not assigned
    letter,       ///< L*
    number,       ///< N*
    punctuation,  ///< P*
    mark,         ///< Mn: accents and the like, which take no place
    control       ///< Cc, Cf and Co
};

namespace detail {

/// The tables unpacked, in pages of 256 characters of which those that are equal stand there once.
class UnicodeTables {
public:
    [[nodiscard]] static const UnicodeTables& get() {
        static const UnicodeTables tables;
        return tables;
    }

    [[nodiscard]] CharacterKind kind(char32_t c) const noexcept { return static_cast<CharacterKind>(bits(c) & 7); }
    [[nodiscard]] unsigned combining_class(char32_t c) const noexcept { return bits(c) >> 8; }
    [[nodiscard]] char32_t lower_case(char32_t c) const noexcept { return bits(c) & has_lower_case ? find(lower_case_, c).first : c; }
    /// Both parts of one step, the second 0 if there is none; `c` and 0 if it has no decomposition.
    [[nodiscard]] std::pair<char32_t, char32_t> decomposition(char32_t c) const noexcept {
        return bits(c) & has_decomposition ? find(decompositions_, c) : std::pair{c, char32_t{0}};
    }

private:
    static constexpr std::size_t characters = 0x110000;
    static constexpr std::uint16_t has_lower_case = 8;
    static constexpr std::uint16_t has_decomposition = 16;

    struct Mapping {
        char32_t from;
        std::pair<char32_t, char32_t> to;
    };

    UnicodeTables() {
        std::vector<std::uint16_t> all(characters);
        std::size_t at = 0;
        for (std::size_t i = 0; i < std::size(kind_runs); i += 3) {
            at += static_cast<std::size_t>(kind_runs[i]);
            std::fill_n(all.begin() + static_cast<std::ptrdiff_t>(at), kind_runs[i + 1], static_cast<std::uint16_t>(kind_runs[i + 2]));
        }
        at = 0;
        for (std::size_t i = 0; i < std::size(combining_runs); i += 3) {
            at += static_cast<std::size_t>(combining_runs[i]);
            for (std::size_t k = 0; k < static_cast<std::size_t>(combining_runs[i + 1]); ++k)
                all[at + k] = static_cast<std::uint16_t>(all[at + k] | combining_runs[i + 2] << 8);
        }
        at = 0;
        for (std::size_t i = 0; i < std::size(lower_case_runs); i += 4) {
            at += static_cast<std::size_t>(lower_case_runs[i]);
            for (std::int32_t k = 0; k < lower_case_runs[i + 1]; ++k) {
                const auto c = static_cast<std::int32_t>(at) + k * lower_case_runs[i + 2];
                lower_case_.push_back({static_cast<char32_t>(c), {static_cast<char32_t>(c + lower_case_runs[i + 3]), 0}});
                all[static_cast<std::size_t>(c)] |= has_lower_case;
            }
        }
        std::sort(lower_case_.begin(), lower_case_.end(), [](const Mapping& a, const Mapping& b) { return a.from < b.from; });
        at = 0;
        for (std::size_t i = 0; i < std::size(decompositions); i += 3) {
            at += static_cast<std::size_t>(decompositions[i]);
            decompositions_.push_back({static_cast<char32_t>(at),
                                       {static_cast<char32_t>(decompositions[i + 1]), static_cast<char32_t>(decompositions[i + 2])}});
            all[at] |= has_decomposition;
        }
        make_pages(all);
    }

    void make_pages(const std::vector<std::uint16_t>& all) {
        std::map<Page, std::uint16_t> places;
        for (std::size_t page = 0; page < pages_.size(); ++page) {
            Page entries;
            std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(page * entries.size()), entries.size(), entries.begin());
            const auto [place, is_new] = places.emplace(entries, static_cast<std::uint16_t>(different_.size()));
            if (is_new)
                different_.push_back(entries);
            pages_[page] = place->second;
        }
    }

    [[nodiscard]] std::uint16_t bits(char32_t c) const noexcept { return c < characters ? different_[pages_[c >> 8]][c & 255] : 0; }
    [[nodiscard]] static std::pair<char32_t, char32_t> find(const std::vector<Mapping>& mappings, char32_t c) noexcept {
        return std::lower_bound(mappings.begin(), mappings.end(), c, [](const Mapping& m, char32_t wanted) { return m.from < wanted; })->to;
    }

    using Page = std::array<std::uint16_t, 256>;  ///< kind, whether there is a mapping, combining class
    std::array<std::uint16_t, characters / 256> pages_{};
    std::vector<Page> different_;
    std::vector<Mapping> lower_case_;
    std::vector<Mapping> decompositions_;
};

inline constexpr char32_t hangul = 0xAC00, hangul_end = 0xD7A4, jamo_l = 0x1100, jamo_v = 0x1161, jamo_t = 0x11A7;

inline void append_decomposed(std::u32string& to, char32_t c, const UnicodeTables& tables) {
    if (c >= hangul && c < hangul_end) {  // 19 * 21 * 28 syllables by the rule of the Unicode Standard, section 3.12
        const char32_t syllable = c - hangul;
        to.push_back(jamo_l + syllable / 588);
        to.push_back(jamo_v + syllable % 588 / 28);
        if (syllable % 28)
            to.push_back(jamo_t + syllable % 28);
        return;
    }
    char32_t tail[4];  // no decomposition is deeper
    int count = 0;
    auto parts = tables.decomposition(c);
    while (parts.first != c) {
        if (parts.second)
            tail[count++] = parts.second;
        c = parts.first;
        parts = tables.decomposition(c);
    }
    to.push_back(c);
    while (count > 0)  // a second part may have one of its own, such as U+0344
        append_decomposed(to, tail[--count], tables);
}

}  // namespace detail

/// The kind of a character; what is no code point is `other`.
[[nodiscard]] inline CharacterKind kind_of(char32_t c) { return detail::UnicodeTables::get().kind(c); }
/// The property White_Space: blanks, ends of lines and the spaces of Unicode, but not the joiners of width 0.
[[nodiscard]] constexpr bool is_white_space(char32_t c) noexcept {
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}
/// Punctuation by category, and every mark of ASCII such as `$` and `^`, as BERT counts them.
[[nodiscard]] inline bool is_punctuation(char32_t c) {
    if (c < 128)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    return kind_of(c) == CharacterKind::punctuation;
}
/// The ideographs of Chinese, each of which BERT takes for a word. Hangul, Hiragana and Katakana are not among them.
[[nodiscard]] constexpr bool is_cjk(char32_t c) noexcept {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/// The lower case of each character by itself, whatever stands around it.
[[nodiscard]] inline std::u32string lower_case(std::u32string_view text) {
    const auto& tables = detail::UnicodeTables::get();
    std::u32string result;
    result.reserve(text.size());
    for (const char32_t c : text) {
        if (c == 0x130) {  // I with a dot above, the one that becomes two
            result += U"i\u0307";
            continue;
        }
        result.push_back(tables.lower_case(c));
    }
    return result;
}

/// The canonical decomposition (NFD): letters, and their accents behind them in the order of their classes.
[[nodiscard]] inline std::u32string nfd(std::u32string_view text) {
    const auto& tables = detail::UnicodeTables::get();
    std::u32string result;
    result.reserve(text.size());
    for (const char32_t c : text)
        detail::append_decomposed(result, c, tables);
    const auto is_starter = [&](char32_t c) { return tables.combining_class(c) == 0; };
    const auto lower_class = [&](char32_t a, char32_t b) { return tables.combining_class(a) < tables.combining_class(b); };
    for (auto first = result.begin(); first != result.end();) {
        first = std::find_if_not(first, result.end(), is_starter);
        const auto last = std::find_if(first, result.end(), is_starter);
        std::stable_sort(first, last, lower_class);
        first = last;
    }
    return result;
}

/// The decomposition without the marks that take no place: "é" becomes "e", and a syllable of Hangul its letters.
[[nodiscard]] inline std::u32string strip_accents(std::u32string_view text) {
    std::u32string result = nfd(text);
    std::erase_if(result, [](char32_t c) { return kind_of(c) == CharacterKind::mark; });
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::text
