// SPDX-License-Identifier: MIT
#include <espalier/io/model.hpp>
#include <espalier/nn/embedding_bag.hpp>
#include <espalier/text/vocabulary.hpp>

#include "catch.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace espalier;
using text::SpecialTokens;
using text::Vocabulary;

TEST_CASE("a vocabulary of counts: special tokens, then by count, then by bytes", "[text][vocabulary]") {
    const text::TokenCounts counts{{"b", 3}, {"a", 3}, {"rare", 1}, {"most", 9}, {"<unk>", 50}, {"", 7}, {"\xC3\xA9", 3}, {"never", 0}};
    const auto all = Vocabulary::from_counts(counts);
    CHECK(all.tokens() == std::vector<std::string>{"<pad>", "<unk>", "<bos>", "<eos>", "most", "a", "b", "\xC3\xA9", "rare"});
    CHECK(all.padding() == 0);
    CHECK(all.unknown() == 1);
    CHECK(all.begin_id() == 2);
    CHECK(all.end_id() == 3);
    CHECK(Vocabulary::from_counts(counts, {.min_count = 3, .max_size = 6}).tokens() ==
          std::vector<std::string>{"<pad>", "<unk>", "<bos>", "<eos>", "most", "a"});
    CHECK(Vocabulary::from_counts({}, {.special = SpecialTokens::none()}).empty());
    CHECK(Vocabulary::from_counts({}, {.max_size = 4}).size() == 4);
    CHECK_THROWS_WITH(Vocabulary::from_counts(counts, {.max_size = 3}), ContainsSubstring("at least 4"));
    CHECK_THROWS_AS(Vocabulary::from_counts(counts, {.max_size = -1}), ValueError);
    CHECK_THROWS_AS(Vocabulary::from_counts(counts, {.special = {.padding = "x", .unknown = "x"}}), ValueError);
}

TEST_CASE("tokens and ids, both ways", "[text][vocabulary]") {
    const Vocabulary plain{std::vector<std::string>{"no", "yes"}};
    CHECK(plain.find("yes") == 1);
    CHECK_FALSE(plain.find("maybe"));
    CHECK(plain.token(0) == "no");
    CHECK_FALSE(plain.padding());
    CHECK_THROWS_WITH(plain.id("maybe"), ContainsSubstring("got 'maybe'"));
    CHECK_THROWS_WITH(plain.token(2), ContainsSubstring("expected an id in [0, 2), got 2"));
    CHECK_THROWS_AS(plain.token(-1), ValueError);
    const Vocabulary with_unknown{{"no", "?", "yes"}, {.padding = "", .unknown = "?", .begin = "", .end = ""}};
    CHECK(with_unknown.id("maybe") == 1);
    CHECK(with_unknown.id("yes") == 2);
    CHECK_FALSE(with_unknown == plain);
    const Vocabulary copy = with_unknown;
    CHECK(copy == with_unknown);
    CHECK(&copy.tokens() == &with_unknown.tokens());
    Vocabulary moved = copy;
    const Vocabulary to = std::move(moved);
    CHECK(moved == to);  // NOLINT(bugprone-use-after-move): a move is a copy
    CHECK(moved.size() == 3);
    CHECK(Vocabulary{}.size() == 0);
    CHECK_THROWS_AS(Vocabulary{}.token(0), ValueError);
    CHECK_THROWS_WITH((Vocabulary{{"a", "b", "a"}}), ContainsSubstring("got 'a' as entry 0 and entry 2"));
    CHECK_THROWS_WITH((Vocabulary{std::vector<std::string>{"a", "", "b"}}), ContainsSubstring("got one as entry 1"));
    CHECK_THROWS_WITH((Vocabulary{std::vector<std::string>{"a", "b"}, SpecialTokens::bert()}), ContainsSubstring("'[PAD]'"));
}

TEST_CASE("a vocabulary from a file of a token a line", "[text][vocabulary]") {
    CHECK(Vocabulary::parse("a\n##b\nc d\n").tokens() == std::vector<std::string>{"a", "##b", "c d"});
    CHECK(Vocabulary::parse("a\r\nb").tokens() == std::vector<std::string>{"a", "b"});
    CHECK(Vocabulary::parse("\xEF\xBB\xBF[PAD]\r\nb").tokens() == std::vector<std::string>{"[PAD]", "b"});
    CHECK(Vocabulary::parse("a\n\xEF\xBB\xBF"
                            "b")
              .tokens() == std::vector<std::string>{"a",
                                                    "\xEF\xBB\xBF"
                                                    "b"});  // a token as any other
    CHECK(Vocabulary::parse("").empty());
    CHECK_THROWS_AS(Vocabulary::parse("a\n\nb\n"), IoError);
    CHECK_THROWS_WITH(Vocabulary::parse("a\n\nb\n"), ContainsSubstring("line 2"));
    CHECK_THROWS_WITH(Vocabulary::parse("a\nb\na\n"), ContainsSubstring("got 'a' as line 1 and line 3"));
    CHECK_THROWS_WITH(Vocabulary::parse("a\n\xFF\n"), ContainsSubstring("line 2"));
    CHECK_THROWS_WITH(Vocabulary::parse("a\n", SpecialTokens::bert()), ContainsSubstring("expected the special token '[PAD]'"));
    const std::filesystem::path path = "vocabulary_test.txt";
    io::write_file(path, "[PAD]\n[UNK]\n[CLS]\n[SEP]\nword\n");
    const auto loaded = Vocabulary::load(path, SpecialTokens::bert());
    CHECK(loaded.end_id() == 3);
    io::write_file(path, "x\nx\n");
    CHECK_THROWS_WITH(Vocabulary::load(path), ContainsSubstring("vocabulary_test.txt"));
    std::filesystem::remove(path);
    CHECK_THROWS_AS(Vocabulary::load(path), IoError);
}

TEST_CASE("a vocabulary is saved within a model's file", "[text][vocabulary]") {
    const auto vocabulary = Vocabulary::from_counts({{"\"quoted\"", 2}, {"\xE4\xB8\xAD", 5}, {"line\nend", 1}},
                                                    {.special = SpecialTokens::bert()});
    const nn::EmbeddingBag<float> net{vocabulary.size(), 2};
    const std::filesystem::path path = "vocabulary_test.safetensors";
    io::save(net, path, {.metadata = {{"vocabulary", vocabulary.to_json()}}});
    CHECK(Vocabulary::from_json(io::load_safetensors(path).metadata().at("vocabulary")) == vocabulary);
    std::filesystem::remove(path);
    CHECK(Vocabulary::from_json(Vocabulary{}.to_json()) == Vocabulary{});

    CHECK_THROWS_AS(Vocabulary{std::vector<std::string>{"\xFF"}}.to_json(), ValueError);
    CHECK_THROWS_AS(Vocabulary::from_json(""), IoError);
    CHECK_THROWS_AS(Vocabulary::from_json("[]"), IoError);
    CHECK_THROWS_AS(Vocabulary::from_json(R"({"format": "espalier vocabulary 1", "tokens": ["a"]})"), IoError);
    CHECK_THROWS_WITH(Vocabulary::from_json(R"({"format": "other"})"), ContainsSubstring("got \"other\""));
    CHECK_THROWS_WITH(Vocabulary::from_json(R"({"format": "espalier vocabulary 1", "format": "x"})"), ContainsSubstring("'format' twice"));
    CHECK_THROWS_AS(
        Vocabulary::from_json(
            R"({"format": "espalier vocabulary 1", "tokens": ["a", "a"], "padding": "", "unknown": "", "begin": "", "end": ""})"),
        IoError);
    CHECK_THROWS_WITH(Vocabulary::from_json(std::string(100000, '[')), ContainsSubstring("levels"));
    const std::string text = vocabulary.to_json();
    for (std::size_t length = 0; length < text.size(); length += 7)
        CHECK_THROWS_AS(Vocabulary::from_json(text.substr(0, length)), IoError);
}
