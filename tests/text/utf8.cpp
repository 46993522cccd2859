// SPDX-License-Identifier: MIT
#include <espalier/text/utf8.hpp>

#include "catch.hpp"

#include <string>
#include <tuple>
#include <vector>

using namespace espalier;
using text::decode_utf8;
using text::encode_utf8;
using text::InvalidUtf8;

TEST_CASE("every code point comes back from UTF-8", "[text][utf8]") {
    std::u32string all;
    for (char32_t c = 0; c < 0x110000; ++c)
        if (c < 0xD800 || c > 0xDFFF)
            all.push_back(c);
    const std::string bytes = encode_utf8(all);
    CHECK(bytes.size() == 128 + 2 * (0x800 - 128) + 3 * (0x10000 - 0x800 - 0x800) + 4 * 0x100000);
    CHECK(text::is_utf8(bytes));
    CHECK(decode_utf8(bytes) == all);
    CHECK(decode_utf8("").empty());
    CHECK(encode_utf8(U"").empty());
    CHECK(encode_utf8(U"a\u00e9\u20ac\U0001F600") == "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST_CASE("what is not UTF-8 is an error naming the byte, or replaced part by part", "[text][utf8]") {
    // Text, the first invalid byte, what it becomes: the examples of the Unicode Standard, section 3.9, and its tables.
    const std::vector<std::tuple<std::string, std::size_t, std::u32string>> cases{
        {"ab\x80", 2, U"ab\uFFFD"},                                                                    // a continuation alone
        {"\xC0\xAF", 0, U"\uFFFD\uFFFD"},                                                              // overlong '/'
        {"x\xE0\x80\xAFy", 1, U"x\uFFFD\uFFFD\uFFFDy"},                                                // overlong in three bytes
        {"\xF0\x80\x80\x80", 0, U"\uFFFD\uFFFD\uFFFD\uFFFD"},                                          // and in four
        {"\xED\xA0\x80", 0, U"\uFFFD\uFFFD\uFFFD"},                                                    // a surrogate
        {"\xF4\x90\x80\x80", 0, U"\uFFFD\uFFFD\uFFFD\uFFFD"},                                          // beyond U+10FFFF
        {"\xF5\xFF", 0, U"\uFFFD\uFFFD"},                                                              // bytes that never occur
        {"a\xE2\x82", 1, U"a\uFFFD"},                                                                  // cut off: one part
        {"\xF0\x9F\x98", 0, U"\uFFFD"},                                                                // likewise
        {"\xC3", 0, U"\uFFFD"},                                                                        //
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 0, U"\uFFFD\uFFFD\uFFFD\uFFFD\x41"},                  // each truncated sequence one
        {"\xC3\xA9\xE9t\xC3\xA9", 2, U"\u00e9\uFFFDt\u00e9"},                                          // Latin-1 within UTF-8
    };
    for (const auto& [bytes, first, replaced] : cases) {
        CAPTURE(bytes);
        CHECK_FALSE(text::is_utf8(bytes));
        CHECK_THROWS_AS(decode_utf8(bytes), ValueError);
        CHECK_THROWS_WITH(decode_utf8(bytes), ContainsSubstring("at byte " + std::to_string(first)));
        CHECK(decode_utf8(bytes, InvalidUtf8::replace) == replaced);
        std::string storage;
        CHECK(text::detail::valid_utf8("test", bytes, InvalidUtf8::replace, storage) == encode_utf8(replaced));
    }
    CHECK_THROWS_WITH(decode_utf8("ab\xFF"), ContainsSubstring("[decode_utf8] expected UTF-8, got 0xFF at byte 2"));
    CHECK_THROWS_WITH(encode_utf8(U"ab" + std::u32string(1, char32_t{0xD800})), ContainsSubstring("got 55296 at place 2"));
    CHECK_THROWS_AS(encode_utf8(std::u32string(1, char32_t{0x110000})), ValueError);
}
