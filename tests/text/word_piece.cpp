// SPDX-License-Identifier: MIT
#include <espalier/text/word_piece.hpp>

#include "catch.hpp"
#include "lines.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

using namespace espalier;
using text::WordPiece;
using Ids = std::vector<Index>;

namespace {

const std::string folder = ESPALIER_GOLDEN_DIR "/tokenizers/";

nlohmann::json golden() { return nlohmann::json::parse(std::ifstream{folder + "expected.json"}); }

void check_lines(const WordPiece& tokenizer, const nlohmann::json& expected) {
    const auto lines = testing::mixed_lines(10000, 2);
    std::vector<Ids> ids, with_special;
    for (const auto& line : lines) {
        ids.push_back(tokenizer.encode(line));
        with_special.push_back(tokenizer.encode(line, {.add_special = true}));
    }
    for (std::size_t i = 0; i < expected["first"].size(); ++i)
        CHECK(ids[i] == expected["first"][i].get<Ids>());
    CHECK(testing::hash_of_lists(ids) == expected["ids"]);
    CHECK(testing::hash_of_lists(with_special) == expected["with_special"]);
}

nlohmann::json changed(const char* pointer, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(std::ifstream{folder + "bert.json"});
    json[nlohmann::json::json_pointer{pointer}] = value;
    return json;
}

}  // namespace

TEST_CASE("the lines of both languages are the same", "[text][tokenizer]") {
    std::vector<std::u32string> lines;
    for (const auto& line : testing::mixed_lines(10000, 2))
        lines.push_back(text::decode_utf8(line));
    CHECK(testing::hash_of_lists(lines) == golden()["lines"]);
}

TEST_CASE("word pieces are those of the package tokenizers", "[text][tokenizer]") {
    check_lines(WordPiece::load(folder + "bert.json"), golden()["bert"]);
    check_lines(WordPiece::load(folder + "bert_cased.json"), golden()["bert_cased"]);
    check_lines(WordPiece::load_vocabulary(folder + "vocab.txt"), golden()["bert"]);
    CHECK(WordPiece::load_vocabulary(folder + "vocab.txt").vocabulary() == WordPiece::load(folder + "bert.json").vocabulary());
}

TEST_CASE("the longest piece first, or the whole word is unknown", "[text][tokenizer]") {
    const WordPiece tokenizer{text::Vocabulary{
        {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "##a", "want", "!", "[MASK]", "##w"}, text::SpecialTokens::bert()}};
    CHECK(tokenizer.encode("Unaffable want!") == Ids{4, 5, 6, 8, 9});
    CHECK(tokenizer.encode("unaffablex [MASK]want") == Ids{1, 10, 8});
    CHECK(tokenizer.encode("un" + std::string(98, 'a')).size() == 99);
    CHECK(tokenizer.encode("un" + std::string(99, 'a')) == Ids{1});
    CHECK(tokenizer.encode("") == Ids{});
    CHECK(tokenizer.decode(tokenizer.encode("Unaffable want x", {.add_special = true})) == "unaffable want [UNK]");
    CHECK(tokenizer.decode(Ids{2, 8, 3}, {.skip_special = false}) == "[CLS] want [SEP]");
    CHECK_THROWS_AS(tokenizer.decode(Ids{12}), ValueError);
    CHECK_THROWS_AS(tokenizer.encode("\xC3"), ValueError);
    CHECK_THROWS_AS(WordPiece{text::Vocabulary{}}, ValueError);
    CHECK_THROWS_AS(WordPiece(tokenizer.vocabulary(), {.max_characters = 0}), ValueError);
    CHECK(tokenizer == WordPiece{tokenizer.vocabulary()});
    auto moved = tokenizer;
    const auto to = std::move(moved);
    CHECK(moved == to);  // NOLINT(bugprone-use-after-move): a move is a copy
    const std::string huge(10'000'000, 'w');
    CHECK(tokenizer.encode(huge) == Ids{1});
}

TEST_CASE("what a file asks for beyond word pieces is refused by name", "[text][tokenizer]") {
    const auto message = [](const char* pointer, const nlohmann::json& value) {
        try {
            static_cast<void>(WordPiece::parse(changed(pointer, value).dump()));
        } catch (const IoError& error) {
            return std::string{error.what()};
        }
        return std::string{"accepted"};
    };
    CHECK_THAT(message("/model/type", "Unigram"), ContainsSubstring("expected a model of type WordPiece as model, got \"Unigram\""));
    CHECK_THAT(message("/normalizer", {{"type", "NFKC"}}), ContainsSubstring("as normalizer, got \"NFKC\""));
    CHECK_THAT(message("/pre_tokenizer", nullptr), ContainsSubstring("as pre_tokenizer"));
    CHECK_THAT(message("/post_processor", {{"type", "Other"}}), ContainsSubstring("as post_processor, got \"Other\""));
    CHECK_THAT(message("/added_tokens/0/single_word", true), ContainsSubstring("expected false as added_tokens[0].single_word, got true"));
    CHECK_THAT(message("/added_tokens/1/id", 7), ContainsSubstring("of '[UNK]' as before, got 7"));
    CHECK_THAT(message("/model/vocab/new", 100000), ContainsSubstring("expected ids without gaps in model.vocab"));
    CHECK_THAT(message("/model/vocab/new", 3), ContainsSubstring("expected each id once in model.vocab, got 3"));
    CHECK_THAT(message("/model/vocab/new", "x"), ContainsSubstring("as model.vocab of 'new', got \"x\""));
    CHECK_THAT(message("/model/unk_token", "none"), ContainsSubstring("expected the special token 'none'"));
    CHECK_THAT(message("/model/unk_token", ""), ContainsSubstring("expected a token as model.unk_token"));
    CHECK_THAT(message("/model/max_input_chars_per_word", 0), ContainsSubstring("above 0"));
    CHECK_THAT(message("/model", 3), ContainsSubstring("expected an object as model"));
    CHECK(message("/truncation", {{"max_length", 3}}) == "accepted");
    CHECK_THROWS_WITH(WordPiece::parse("{\"model\": {\"vocab\": {\"a\": 0, \"a\": 1}}}"),
                      ContainsSubstring("expected each key of model.vocab once, got 'a' twice"));
    CHECK_THROWS_AS(WordPiece::parse("[]"), IoError);
    const std::string whole = changed("/version", "1.0").dump();
    for (std::size_t length = 0; length < whole.size(); length += 997)
        CHECK_THROWS_AS(WordPiece::parse(std::string_view{whole}.substr(0, length)), IoError);
    CHECK_THROWS_WITH(WordPiece::load(folder + "vocab.txt"), ContainsSubstring("vocab.txt"));
}
