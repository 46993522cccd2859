// SPDX-License-Identifier: MIT
/// @file UTF-8 to code points and back, with every check that RFC 3629 asks for.
#pragma once

#include <espalier/core/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace espalier::inline ESPALIER_ABI::text {

/// What becomes of bytes that are not UTF-8.
enum class InvalidUtf8 {
    error,   ///< a ValueError that names the byte
    replace  ///< U+FFFD for each part that no character begins with, as the Unicode Standard recommends (section 3.9)
};

namespace detail {

inline constexpr char32_t replacement = 0xFFFD;

/// A code point and its bytes; of bytes that are not UTF-8, U+FFFD and as many as one U+FFFD stands for.
struct CodePoint {
    char32_t value;
    unsigned char bytes;
    bool valid;
};

/// The code point that begins at byte `at`, which there must be.
[[nodiscard]] inline CodePoint code_point_at(std::string_view text, std::size_t at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return {first, 1, true};
    const unsigned char bytes = first < 0xC2 || first > 0xF4 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (bytes == 0)  // a continuation, or a first byte of overlong forms or of what lies beyond U+10FFFF
        return {replacement, 1, false};
    // The second byte decides about overlong forms, surrogates and the end of Unicode.
    const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    char32_t value = first & (0x7Fu >> bytes);
    for (unsigned char i = 1; i < bytes; ++i) {
        const bool there = at + i < text.size();
        if (!there || byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xBF))
            return {replacement, i, false};
        value = value << 6 | (byte(i) & 0x3Fu);
    }
    return {value, bytes, true};
}

/// Appends the UTF-8 of a code point that is one.
inline void append_utf8(std::string& text, char32_t c) {
    const auto byte = [&](char32_t bits) { text.push_back(static_cast<char>(static_cast<unsigned char>(bits))); };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xC0 | c >> 6);
        byte(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        byte(0xE0 | c >> 12);
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    } else {
        byte(0xF0 | c >> 18);
        byte(0x80 | (c >> 12 & 0x3F));
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    }
}

/// The first byte that is not UTF-8, or npos.
[[nodiscard]] inline std::size_t first_invalid(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0x80) {  // most are: no call for them
            ++at;
            continue;
        }
        const CodePoint c = code_point_at(text, at);
        if (!c.valid)
            return at;
        at += c.bytes;
    }
    return std::string_view::npos;
}

[[noreturn]] ESPALIER_COLD inline void refuse_utf8(const char* operation, std::string_view text, std::size_t at) {
    constexpr const char* digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(text[at]);
    fail<ValueError>(operation, "expected UTF-8, got 0x", digits[byte >> 4], digits[byte & 15], " at byte ", at);
}

/// The text itself if it is UTF-8; else an error, or `storage` with each invalid part replaced.
[[nodiscard]] inline std::string_view valid_utf8(const char* operation, std::string_view text, InvalidUtf8 invalid, std::string& storage) {
    const std::size_t first = first_invalid(text);
    if (first == std::string_view::npos)
        return text;
    if (invalid == InvalidUtf8::error)
        refuse_utf8(operation, text, first);
    storage.assign(text.substr(0, first));
    for (std::size_t at = first; at < text.size();) {
        const CodePoint c = code_point_at(text, at);
        append_utf8(storage, c.value);
        at += c.bytes;
    }
    return storage;
}

}  // namespace detail

/// Whether a text is UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF, nothing cut off.
[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept { return detail::first_invalid(text) == std::string_view::npos; }

/// The code points of a text. @throws ValueError naming the first byte that is not UTF-8, unless such parts are replaced
[[nodiscard]] inline std::u32string decode_utf8(std::string_view text, InvalidUtf8 invalid = InvalidUtf8::error) {
    std::u32string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const detail::CodePoint c = detail::code_point_at(text, at);
        if (!c.valid && invalid == InvalidUtf8::error)
            detail::refuse_utf8("decode_utf8", text, at);
        result.push_back(c.value);
        at += c.bytes;
    }
    return result;
}

/// The UTF-8 of code points. @throws ValueError naming the first that is a surrogate or beyond U+10FFFF
[[nodiscard]] inline std::string encode_utf8(std::u32string_view code_points) {
    std::string result;
    result.reserve(code_points.size());
    for (std::size_t i = 0; i < code_points.size(); ++i) {
        const char32_t c = code_points[i];
        require<ValueError>(c < 0xD800 || (c > 0xDFFF && c <= 0x10FFFF), "encode_utf8",
                            "expected code points of Unicode, without surrogates, got ", static_cast<unsigned long>(c), " at place ", i);
        detail::append_utf8(result, c);
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::text
