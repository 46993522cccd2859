// SPDX-License-Identifier: MIT
// Of text/byte_tokenizer.hpp, text/char_tokenizer.hpp, text/word_tokenizer.hpp, and what text/tokenizer.hpp gives to all.
#include <espalier/text/byte_tokenizer.hpp>
#include <espalier/text/char_tokenizer.hpp>
#include <espalier/text/word_tokenizer.hpp>

#include "catch.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace espalier;
using Ids = std::vector<Index>;

TEST_CASE("bytes are their own ids", "[text][tokenizer]") {
    const text::ByteTokenizer bytes;
    CHECK(bytes.encode("a\xFF") == Ids{97, 255});
    CHECK(bytes.encode("").empty());
    CHECK(bytes == text::ByteTokenizer{});
    CHECK(bytes.encode("a", {.add_special = true}) == Ids{257, 97, 258});
    std::string all;
    for (int i = 0; i < 256; ++i)
        all.push_back(static_cast<char>(static_cast<unsigned char>(i)));
    CHECK(bytes.decode(bytes.encode(all, {.add_special = true})) == all);
    CHECK_THROWS_WITH(bytes.decode(Ids{97, 259}), ContainsSubstring("expected ids in [0, 259), got 259"));
    CHECK_THROWS_AS(bytes.decode(Ids{-1}), ValueError);
}

TEST_CASE("lines become sequences, cut to a length that special ids count in", "[text][tokenizer]") {
    const text::ByteTokenizer bytes;
    CHECK(bytes.encode_batch({"ab", "", "c"}) == data::Sequences{{97, 98}, {}, {99}});
    CHECK(bytes.encode_batch(std::vector<std::string>{}).size() == 0);
    CHECK(bytes.encode_batch(std::vector<std::string>{"abc", "d"}, {.max_length = 3, .add_special = true}) ==
          data::Sequences{{257, 97, 258}, {257, 100, 258}});
    CHECK(bytes.encode("abc", {.max_length = 2, .add_special = true}) == Ids{257, 258});
    CHECK(bytes.encode("abc", {.max_length = 2}) == Ids{97, 98});
    CHECK_THROWS_WITH(bytes.encode("abc", {.max_length = 1, .add_special = true}), ContainsSubstring("at least 2, got 1"));
    CHECK_THROWS_AS(bytes.encode("abc", {.max_length = -1}), ValueError);
    const text::CharTokenizer chars{text::Vocabulary{{"a", "b"}}};
    CHECK_THROWS_WITH(chars.encode("a", {.add_special = true}), ContainsSubstring("got one without"));
    CHECK_THROWS_WITH(chars.encode_batch({"ab", "a\xFF"}), ContainsSubstring("at byte 1 in line 1 of the batch"));
    CHECK_THROWS_WITH(chars.encode_batch({"ab", "", "c"}), ContainsSubstring("'c' in line 2 of the batch"));
}

TEST_CASE("code points by a vocabulary, and back", "[text][tokenizer]") {
    const std::vector<std::string> lines{"na\xC3\xAFve", "\xE4\xB8\xAD\n"};
    const auto chars = text::CharTokenizer::fit(lines);
    CHECK(chars.vocabulary().size() == 4 + 7);
    for (const auto& line : lines)
        CHECK(chars.decode(chars.encode(line, {.add_special = true})) == line);
    CHECK(chars.encode("x") == Ids{1});
    CHECK(chars.decode(chars.encode("xn", {.add_special = true})) == "<unk>n");
    CHECK(chars.decode(chars.encode("n", {.add_special = true}), {.skip_special = false}) == "<bos>n<eos>");
    CHECK(chars.encode("\xFF", {.invalid = text::InvalidUtf8::replace}) == Ids{1});
    CHECK_THROWS_AS(chars.encode("\xFF"), ValueError);
    CHECK_THROWS_AS(chars.decode(Ids{11}), ValueError);
    CHECK_THROWS_AS(text::CharTokenizer::fit(std::vector<std::string>{"\xFF"}), ValueError);
    CHECK(chars == text::CharTokenizer{chars.vocabulary()});
}

namespace {

/// A range whose strings last no longer than the expression that reads them.
struct Made {
    struct Iterator {
        const std::string* name;
        std::string operator*() const { return "a line of no little length, " + *name; }
        Iterator& operator++() {
            ++name;
            return *this;
        }
        bool operator==(const Iterator&) const = default;
    };
    [[nodiscard]] Iterator begin() const { return {names.data()}; }
    [[nodiscard]] Iterator end() const { return {names.data() + names.size()}; }
    std::vector<std::string> names;
};

}  // namespace

TEST_CASE("a vocabulary is learnt from strings that are made one by one as well", "[text][tokenizer]") {
    const Made made{{"ab", "b"}};
    const std::vector<std::string> kept{"a line of no little length, ab", "a line of no little length, b"};
    CHECK(text::CharTokenizer::fit(made) == text::CharTokenizer::fit(kept));
    CHECK(text::WordTokenizer::fit(made) == text::WordTokenizer::fit(kept));
    CHECK(text::WordTokenizer::fit(std::vector<const char*>{"a b", "b"}).vocabulary().size() == 4 + 2);
    CHECK(text::CharTokenizer::fit(std::vector<std::string_view>{}).vocabulary().size() == 4);
}

TEST_CASE("words and punctuation by a vocabulary", "[text][tokenizer]") {
    using Words = std::vector<std::string>;
    CHECK(text::split_words("Don't  panic\xE2\x80\x94na\xC3\xAFve!\t$5") ==
          Words{"don", "'", "t", "panic", "\xE2\x80\x94", "naive", "!", "$", "5"});
    CHECK(text::split_words("\xE4\xB8\xAD\xE6\x96\x87x a\xE2\x80\x8D\x01z") == Words{"\xE4\xB8\xAD", "\xE6\x96\x87", "x", "az"});
    CHECK(text::split_words("\xC3\x89t\xC3\xA9 B", {.strip_accents = false}) == Words{"\xC3\xA9t\xC3\xA9", "b"});
    CHECK(text::split_words("\xC3\x89t\xC3\xA9 B", {.lower_case = false}) == Words{"Ete", "B"});
    CHECK(text::split_words("").empty());
    CHECK(text::split_words(" \n\xC2\xA0").empty());
    CHECK_THROWS_AS(text::split_words("a\xFF"), ValueError);

    const auto words = text::WordTokenizer::fit(std::vector<std::string>{"The cat sat.", "The dog."}, {.min_count = 2});
    CHECK(words.vocabulary().tokens() == Words{"<pad>", "<unk>", "<bos>", "<eos>", ".", "the"});
    CHECK(words.encode("the cow.") == Ids{5, 1, 4});
    CHECK(words.decode(words.encode("the cow.", {.add_special = true})) == "the <unk> .");
    CHECK_THROWS_AS(words.decode(Ids{6}), ValueError);
    CHECK(words == text::WordTokenizer{words.vocabulary()});
    CHECK_FALSE(words == text::WordTokenizer{words.vocabulary(), {.lower_case = false}});
}
