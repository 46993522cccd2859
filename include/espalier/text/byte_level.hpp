// SPDX-License-Identifier: MIT
/// @file How GPT-2 cuts a text into words, and the characters by which its vocabulary writes bytes.
#pragma once

#include <espalier/text/unicode.hpp>
#include <espalier/text/utf8.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace espalier::inline ESPALIER_ABI::text::detail {

/// The character for each byte: itself if it is printable in Latin-1, else one from U+0100 on, in the order of the bytes.
[[nodiscard]] inline std::array<char32_t, 256> byte_characters() {
    std::array<char32_t, 256> result{};
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 256; ++byte) {
        const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        result[byte] = printable ? byte : next++;
    }
    return result;
}

/// The bytes that a token stands for; nothing if a character of it stands for none.
[[nodiscard]] inline std::optional<std::string> bytes_of_token(std::string_view token, const std::array<char32_t, 256>& characters) {
    std::array<int, 0x180> bytes;
    bytes.fill(-1);
    for (std::size_t byte = 0; byte < 256; ++byte)
        bytes[characters[byte]] = static_cast<int>(byte);
    std::string result;
    for (std::size_t at = 0; at < token.size();) {
        const CodePoint c = code_point_at(token, at);
        at += c.bytes;
        if (c.value >= bytes.size() || bytes[c.value] < 0)
            return std::nullopt;
        result.push_back(static_cast<char>(static_cast<unsigned char>(bytes[c.value])));
    }
    return result;
}

enum class WordClass : unsigned char { letter, number, space, other };

/// The cut of GPT-2's pattern `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, written out.
class ByteLevelWords {
public:
    /// Calls `function(word)` with one word after the other, which make up the text, in UTF-8.
    template <class Function>
    void for_each(std::string_view text, const Function& function) const {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = end_of_word(text, at);
            function(text.substr(at, end - at));
            at = end;
        }
    }

private:
    struct Classified {
        WordClass value;
        std::size_t end;
    };

    [[nodiscard]] Classified at(std::string_view text, std::size_t place) const {
        const auto byte = static_cast<unsigned char>(text[place]);
        if (byte < 128)
            return {ascii_[byte], place + 1};
        const CodePoint c = code_point_at(text, place);
        return {classify(c.value, tables_), place + c.bytes};
    }
    /// Where a run of one class ends.
    [[nodiscard]] std::size_t end_of_run(std::string_view text, std::size_t place, WordClass of) const {
        while (place < text.size()) {
            const Classified next = at(text, place);
            if (next.value != of)
                break;
            place = next.end;
        }
        return place;
    }
    [[nodiscard]] std::size_t end_of_word(std::string_view text, std::size_t begin) const {
        if (text[begin] == '\'')
            for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
                if (text.substr(begin).starts_with(ending))
                    return begin + ending.size();
        Classified first = at(text, begin);
        if (text[begin] == ' ' && begin + 1 < text.size())
            first = at(text, begin + 1);
        if (first.value != WordClass::space)
            return end_of_run(text, first.end, first.value);
        // White space up to the last one before a word: that one is a word by itself, or the blank that a word begins with.
        std::size_t end = begin, last = begin;
        while (end < text.size()) {
            const Classified next = at(text, end);
            if (next.value != WordClass::space)
                break;
            last = end;
            end = next.end;
        }
        return end == text.size() || last == begin ? end : last;
    }

    [[nodiscard]] static WordClass classify(char32_t c, const UnicodeTables& tables) noexcept {
        if (is_white_space(c))
            return WordClass::space;
        const CharacterKind kind = tables.kind(c);
        return kind == CharacterKind::letter ? WordClass::letter : kind == CharacterKind::number ? WordClass::number : WordClass::other;
    }
    [[nodiscard]] static std::array<WordClass, 128> ascii_classes() {
        std::array<WordClass, 128> result{};
        for (char32_t c = 0; c < 128; ++c)
            result[c] = classify(c, UnicodeTables::get());
        return result;
    }

    const UnicodeTables& tables_ = UnicodeTables::get();
    std::array<WordClass, 128> ascii_ = ascii_classes();
};

}  // namespace espalier::inline ESPALIER_ABI::text::detail
