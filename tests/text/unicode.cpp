// SPDX-License-Identifier: MIT
#include <espalier/text/unicode.hpp>

#include "catch.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <string>

using namespace espalier;
using text::CharacterKind;

namespace {

class Fnv {
public:
    void add(std::uint64_t number) { hash_ = (hash_ ^ number) * 0x100000001B3; }
    void add(const std::u32string& characters) {
        for (const char32_t c : characters)
            add(c);
    }
    std::string text() const { return std::to_string(hash_); }

private:
    std::uint64_t hash_ = 0xCBF29CE484222325;
};

bool is_surrogate(char32_t c) { return c >= 0xD800 && c < 0xE000; }

}  // namespace

TEST_CASE("kinds, lower case and decomposition of all characters are Python's", "[text][unicode]") {
    const auto golden = nlohmann::json::parse(std::ifstream{ESPALIER_GOLDEN_DIR "/unicode.json"});
    Fnv kinds, lower, decomposed, of_marks;
    std::u32string all, mixed, marks, mixed_marks;
    for (char32_t c = 0; c < 0x110000; ++c) {
        const auto other = static_cast<char32_t>((std::uint64_t{c} * 7919 + 13) % 0x110000);
        if (!is_surrogate(other))
            mixed.push_back(other);
        if (is_surrogate(c))
            continue;
        kinds.add(static_cast<std::uint64_t>(text::kind_of(c)));
        all.push_back(c);
        if (text::detail::UnicodeTables::get().combining_class(c))
            marks.push_back(c);
    }
    for (std::size_t i = 0; i < marks.size(); ++i)
        mixed_marks.push_back(marks[i * 7919 % marks.size()]);
    lower.add(text::lower_case(all));
    decomposed.add(text::nfd(mixed));
    of_marks.add(text::nfd(mixed_marks));
    CHECK(kinds.text() == golden["kinds"]);
    CHECK(lower.text() == golden["lower_case"]);
    CHECK(decomposed.text() == golden["nfd"]);
    CHECK(of_marks.text() == golden["nfd_of_marks"]);
}

TEST_CASE("what tokenizers ask of characters", "[text][unicode]") {
    CHECK(text::kind_of(U'\u00e9') == CharacterKind::letter);
    CHECK(text::kind_of(U'\u0663') == CharacterKind::number);
    CHECK(text::kind_of(U'\u2019') == CharacterKind::punctuation);
    CHECK(text::kind_of(U'\u0301') == CharacterKind::mark);
    CHECK(text::kind_of(U'\u200d') == CharacterKind::control);
    CHECK(text::kind_of(U'\U0001F600') == CharacterKind::other);
    CHECK(text::kind_of(char32_t{0x110000}) == CharacterKind::other);
    CHECK(text::kind_of(char32_t{0xFFFFFFFF}) == CharacterKind::other);
    CHECK(text::is_white_space(U'\u3000'));
    CHECK(text::is_white_space(U'\u0085'));
    CHECK_FALSE(text::is_white_space(U'\u200b'));
    CHECK(text::is_punctuation(U'$'));
    CHECK_FALSE(text::is_punctuation(U'\u20ac'));
    CHECK(text::is_cjk(U'\u4e2d'));
    CHECK_FALSE(text::is_cjk(U'\uac00'));
}

TEST_CASE("lower case and accents", "[text][unicode]") {
    CHECK(text::lower_case(U"\u00c9COLE \u0130 \u03a3\u1e9e") == U"\u00e9cole i\u0307 \u03c3\u00df");
    CHECK(text::strip_accents(U"\u00e9\u01d5\u1ec7 \uac01 \u00f8") == U"eUe \u1100\u1161\u11a8 \u00f8");
    CHECK(text::nfd(U"\u0344") == U"\u0308\u0301");
    CHECK(text::nfd(U"a\u0301\u0323") == U"a\u0323\u0301");
    CHECK(text::nfd(U"").empty());
    CHECK(text::strip_accents(U"\u0301\u0301").empty());
}
