// SPDX-License-Identifier: MIT
/// @file A text cleaned and cut into words and punctuation, as BERT's basic tokenizer does it.
#pragma once

#include <espalier/text/unicode.hpp>
#include <espalier/text/utf8.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// What is done to a text before it is cut at white space and around punctuation.
struct WordOptions {
    bool clean = true;          ///< drop control characters, U+FFFD and what joins emoji
    bool split_cjk = true;      ///< each Chinese ideograph a word
    bool strip_accents = true;  ///< "é" becomes "e"
    bool lower_case = true;

    friend bool operator==(const WordOptions&, const WordOptions&) = default;
};

namespace detail {

[[nodiscard]] inline std::u32string normalized(std::string_view text, const WordOptions& options) {
    const auto& tables = UnicodeTables::get();
    std::u32string result;
    result.reserve(text.size());
    bool ascii = true;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = code_point_at(text, at);
        at += c.bytes;
        ascii = ascii && c.value < 128;
        const bool is_gap = c.value == '\t' || c.value == '\n' || c.value == '\r';  // white space, though Unicode calls it control
        const bool is_dropped = c.value == replacement || (!is_gap && tables.kind(c.value) == CharacterKind::control);
        if (options.clean && is_dropped)
            continue;
        if (options.split_cjk && is_cjk(c.value)) {
            result += {U' ', c.value, U' '};
        } else {
            result.push_back(c.value);
        }
    }
    if (options.strip_accents && !ascii)
        result = text::strip_accents(result);
    if (options.lower_case)
        result = text::lower_case(result);
    return result;
}

/// Calls `function(word)` with each word of code points, and each punctuation mark by itself.
template <class Function>
void for_each_word(std::u32string_view text, const Function& function) {
    std::size_t begin = 0;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        const bool is_end = at == text.size();
        const bool is_mark = !is_end && is_punctuation(text[at]);
        if (!is_end && !is_mark && !is_white_space(text[at]))
            continue;
        if (at > begin)
            function(text.substr(begin, at - begin));
        if (is_mark)
            function(text.substr(at, 1));
        begin = at + 1;
    }
}

}  // namespace detail

/// The words of a text, and its punctuation marks one by one. @throws ValueError naming the first byte that is not UTF-8
[[nodiscard]] inline std::vector<std::string> split_words(std::string_view text, const WordOptions& options = {}) {
    if (const std::size_t invalid = detail::first_invalid(text); invalid != std::string_view::npos)
        detail::refuse_utf8("split_words", text, invalid);
    std::vector<std::string> words;
    detail::for_each_word(detail::normalized(text, options), [&](std::u32string_view word) { words.push_back(encode_utf8(word)); });
    return words;
}

}  // namespace espalier::inline ESPALIER_ABI::text
