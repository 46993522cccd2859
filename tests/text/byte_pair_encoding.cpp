// SPDX-License-Identifier: MIT
#include <espalier/text/byte_pair_encoding.hpp>

#include "catch.hpp"
#include "lines.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <initializer_list>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace espalier;
using text::BytePairEncoding;
using Ids = std::vector<Index>;

namespace {

const std::string tokenizers = ESPALIER_GOLDEN_DIR "/tokenizers/";

nlohmann::json file_of(const std::string& name) { return nlohmann::json::parse(std::ifstream{tokenizers + name}); }

std::string message_of(const nlohmann::json& json) {
    try {
        static_cast<void>(BytePairEncoding::parse(json.dump()));
    } catch (const IoError& error) {
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("byte pairs are those of the package tokenizers, and give the text back", "[text][tokenizer]") {
    const auto lines = testing::mixed_lines(10000, 2);
    const auto expected = file_of("expected.json");
    for (const char* const name : {"gpt2", "gpt2_prefix", "gpt2_whole"}) {
        CAPTURE(name);
        const auto tokenizer = BytePairEncoding::load(tokenizers + name + ".json");
        std::vector<Ids> ids;
        std::size_t different = 0;
        for (const auto& line : lines) {
            ids.push_back(tokenizer.encode(line));
            if (name != std::string_view{"gpt2_prefix"})
                different += tokenizer.decode(ids.back(), {.skip_special = false}) != line;
        }
        CHECK(different == 0);
        for (std::size_t i = 0; i < expected[name]["first"].size(); ++i)
            CHECK(ids[i] == expected[name]["first"][i].get<Ids>());
        CHECK(testing::hash_of_lists(ids) == expected[name]["ids"]);
    }
}

TEST_CASE("byte pairs of nothing, of one byte and of much", "[text][tokenizer]") {
    const auto tokenizer = BytePairEncoding::load(tokenizers + "gpt2.json");
    CHECK(tokenizer.encode("").empty());
    CHECK(tokenizer.encode("a").size() == 1);
    CHECK(tokenizer.decode(tokenizer.encode("a<|endoftext|>b")) == "ab");
    CHECK(tokenizer.decode(tokenizer.encode("a<|endoftext|>b"), {.skip_special = false}) == "a<|endoftext|>b");
    CHECK_THROWS_AS(tokenizer.encode("a\xFF"), ValueError);
    CHECK(tokenizer.decode(tokenizer.encode("a\xFF", {.invalid = text::InvalidUtf8::replace})) == "a\xEF\xBF\xBD");
    CHECK_THROWS_AS(tokenizer.decode(Ids{tokenizer.vocabulary().size()}), ValueError);
    CHECK_THROWS_AS(tokenizer.decode(Ids{-1}), ValueError);
    CHECK_THROWS_AS(tokenizer.encode("a", {.add_special = true}), ValueError);
    std::string huge;  // one word of 1 MB, and a million words
    for (Index i = 0; i < 1'000'000; ++i)
        huge.push_back(static_cast<char>('a' + i * i % 7));
    CHECK(tokenizer.decode(tokenizer.encode(huge)) == huge);
    for (std::size_t i = 0; i < huge.size(); i += 2)
        huge[i] = ' ';
    CHECK(tokenizer.decode(tokenizer.encode(huge)) == huge);
}

TEST_CASE("a short word is merged as a long one", "[text][tokenizer]") {
    text::detail::Merges merges{3};
    REQUIRE(merges.insert(1, 2, {0, 3}));
    REQUIRE(merges.insert(3, 3, {1, 4}));
    REQUIRE(merges.insert(1, 1, {2, 5}));
    REQUIRE_FALSE(merges.insert(1, 2, {7, 9}));
    for (std::size_t count = 2; count < 80; count += 4) {  // 1 2 1 2 becomes 4
        std::vector<std::uint32_t> ids;
        for (std::size_t i = 0; i < count; ++i)
            ids.push_back(i % 2 == 0 ? 1 : 2);
        ids.push_back(1);
        ids.push_back(1);
        ids.push_back(1);
        ids.resize(merges.apply(ids.data(), ids.size()));
        std::vector<std::uint32_t> expected(count / 4, 4);
        expected.push_back(3);
        expected.push_back(5);
        expected.push_back(1);
        CHECK(ids == expected);
    }
}

TEST_CASE("copies of a tokenizer work at the same time", "[text][tokenizer]") {
    const auto tokenizer = BytePairEncoding::load(tokenizers + "gpt2.json");
    const auto lines = testing::mixed_lines(300, 5);
    const auto expected = tokenizer.encode_batch(lines);
    std::vector<int> equal(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < equal.size(); ++i)
        threads.emplace_back([&, copy = tokenizer, i] { equal[i] = copy.encode_batch(lines) == expected; });
    for (auto& thread : threads)
        thread.join();
    CHECK(equal == std::vector<int>(4, 1));
    auto moved = tokenizer;
    const auto to = std::move(moved);
    CHECK(moved.encode_batch(lines) == to.encode_batch(lines));  // NOLINT(bugprone-use-after-move): a move is a copy
}

TEST_CASE("an added token takes white space along if it says so, as the mask of RoBERTa", "[text][tokenizer]") {
    auto json = file_of("gpt2.json");
    const auto plain = BytePairEncoding::parse(json.dump());
    const Index mask = plain.vocabulary().size(), next = mask + 1;
    json["added_tokens"].push_back({{"id", mask}, {"content", "<mask>"}, {"special", true}, {"lstrip", true}});
    json["added_tokens"].push_back({{"id", next}, {"content", "<next>"}, {"special", true}, {"rstrip", true}});
    const auto tokenizer = BytePairEncoding::parse(json.dump());
    const auto expect = [&](const char* text, std::initializer_list<std::variant<const char*, Index>> parts) {
        Ids expected;
        for (const auto& part : parts)
            if (const Index* const id = std::get_if<Index>(&part))
                expected.push_back(*id);
            else
                for (const Index i : plain.encode(std::get<const char*>(part)))
                    expected.push_back(i);
        CAPTURE(text);
        CHECK(tokenizer.encode(text) == expected);
    };
    expect("Hello <mask>.", {"Hello", mask, "."});
    expect("a \t\n\xE3\x80\x80 <mask> b", {"a", mask, " b"});
    expect(" <mask> <mask>", {mask, mask});
    expect("\xE4\xB8\xAD<mask>\xE4\xB8\xAD", {"\xE4\xB8\xAD", mask, "\xE4\xB8\xAD"});
    expect("a <next>\xC2\xA0 b", {"a ", next, "b"});
    expect("<next> <mask> <next> ", {next, mask, " ", next});
    expect("  ", {"  "});
    CHECK(tokenizer.decode(tokenizer.encode("a <mask> b"), {.skip_special = false}) == "a<mask> b");
    CHECK(tokenizer.decode(tokenizer.encode("a <mask> b")) == "a b");
}

TEST_CASE("what a file asks for beyond byte pairs is refused by name", "[text][tokenizer]") {
    const auto changed = [](const char* pointer, const nlohmann::json& value) {
        auto json = file_of("gpt2.json");
        json[nlohmann::json::json_pointer{pointer}] = value;
        return message_of(json);
    };
    CHECK_THAT(changed("/model/type", "WordPiece"), ContainsSubstring("expected a model of type BPE as model"));
    CHECK_THAT(changed("/model/dropout", 0.1), ContainsSubstring("as model.dropout, got 0.1"));
    CHECK_THAT(changed("/model/byte_fallback", true), ContainsSubstring("as model.byte_fallback, got true"));
    CHECK_THAT(changed("/model/end_of_word_suffix", "</w>"), ContainsSubstring("as model.end_of_word_suffix"));
    CHECK_THAT(changed("/normalizer", {{"type", "NFC"}}), ContainsSubstring("as normalizer, got \"NFC\""));
    CHECK_THAT(changed("/pre_tokenizer", {{"type", "Split"}}), ContainsSubstring("as pre_tokenizer, got \"Split\""));
    CHECK_THAT(changed("/model/merges/3", "a"), ContainsSubstring("as model.merges[3]"));
    CHECK_THAT(changed("/model/merges/3", {"a", "nowhere"}), ContainsSubstring("in model.merges[3], got 'nowhere'"));
    CHECK_THAT(changed("/model/merges/3", file_of("gpt2.json")["model"]["merges"][0]), ContainsSubstring("again as model.merges[3]"));
    CHECK_THAT(changed("/added_tokens/1", {{"id", file_of("gpt2.json")["model"]["vocab"]["\u0120"]}, {"content", "\u0120"}}),
               ContainsSubstring("got one for byte 32"));
    CHECK(changed("/model/ignore_merges", true) == "accepted");
    auto without = file_of("gpt2.json");
    const auto id = without["model"]["vocab"]["a"];
    without["model"]["vocab"].erase("a");
    without["model"]["vocab"]["other"] = id;
    CHECK_THAT(message_of(without), ContainsSubstring("got none for byte 97"));
    CHECK_THROWS_WITH(BytePairEncoding::load(tokenizers + "bert.json"), ContainsSubstring("bert.json"));
    CHECK_THROWS_AS(BytePairEncoding::load(tokenizers + "none.json"), IoError);
}
