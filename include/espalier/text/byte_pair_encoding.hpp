// SPDX-License-Identifier: MIT
/// @file Byte pair encoding of bytes, as GPT-2 does it.
#pragma once

#include <espalier/text/byte_level.hpp>
#include <espalier/text/merges.hpp>
#include <espalier/text/tokenizer.hpp>
#include <espalier/text/tokenizer_file.hpp>
#include <espalier/text/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// The tokenizer of GPT-2 (Sennrich et al., ACL 2016; Radford et al., 2019): a text is cut into words with the blank in front of them, and
/// the bytes of each are merged pair by pair, in the order in which the merges were learnt. Nothing is unknown, and decoding gives the text
/// back byte for byte. Ids are those of the package `tokenizers`.
class BytePairEncoding : public Tokenizer<BytePairEncoding> {
public:
    static constexpr bool takes_utf8 = true;

    // A move is a copy, which costs nothing: so there is no tokenizer that was moved from and has no table.
    BytePairEncoding(const BytePairEncoding&) = default;
    BytePairEncoding& operator=(const BytePairEncoding&) = default;
    ~BytePairEncoding() = default;

    /// Hugging Face's `tokenizer.json`. What the file says of cutting and padding batches is left to the caller. @throws IoError naming the
    /// field that is missing, wrong, or asks for something else than byte-level pairs: a normalizer, another cut, dropout, byte fallback
    [[nodiscard]] static BytePairEncoding load(const std::filesystem::path& path) { return detail::load_tokenizer<BytePairEncoding>(path); }
    /// As `load`, of what such a file holds. @throws as above
    [[nodiscard]] static BytePairEncoding parse(std::string_view json) {
        const detail::TokenizerFile file{json};
        const detail::JsonPart model = file.model("BPE");
        model["dropout"].expect(model["dropout"].is_null() || model["dropout"].json() == 0, "null");
        for (const char* const key : {"continuing_subword_prefix", "end_of_word_suffix"})
            model[key].expect(model[key].text_or("").empty(), "null");
        model["byte_fallback"].expect(!model["byte_fallback"].flag(false), "false");
        file.root()["normalizer"].expect(file.root()["normalizer"].is_null(), "null");
        const detail::JsonPart words = file.root()["pre_tokenizer"];
        words.expect(words.type() == "ByteLevel", "a ByteLevel");

        const auto table = std::make_shared<Table>();
        table->ignore_merges = model["ignore_merges"].flag(false);
        table->add_prefix_space = words["add_prefix_space"].flag(true);
        table->split_words = words["use_regex"].flag(true);
        auto added = file.added_tokens(true);
        table->vocabulary = file.vocabulary(added, model["unk_token"].text_or(""));
        table->read_bytes(added);
        table->read_merges(model["merges"]);
        table->added = detail::AddedTokens{std::move(added)};
        return BytePairEncoding{table};
    }

    [[nodiscard]] const Vocabulary& vocabulary() const& noexcept { return table_->vocabulary; }
    [[nodiscard]] Vocabulary vocabulary() && { return table_->vocabulary; }
    [[nodiscard]] std::optional<Index> begin_id() const noexcept { return table_->vocabulary.begin_id(); }
    [[nodiscard]] std::optional<Index> end_id() const noexcept { return table_->vocabulary.end_id(); }

    void append_ids(std::string_view text, std::vector<Index>& ids) const {
        std::vector<std::uint32_t> word_ids;
        std::string with_space;
        const auto word = [&](std::string_view bytes) { append_word(bytes, word_ids, ids); };
        table_->added.split(
            text,
            [&](std::string_view part) {
                if (table_->add_prefix_space && !part.starts_with(' '))
                    part = with_space.assign(" ").append(part);
                if (table_->split_words)
                    table_->words.for_each(part, word);
                else
                    word(part);
            },
            [&](Index id) { ids.push_back(id); });
    }
    /// The bytes of the text, and special tokens as they are written if they are not left out. @throws ValueError for an id that is not in
    /// the vocabulary
    [[nodiscard]] std::string decode(std::span<const Index> ids, const DecodeOptions& options = {}) const {
        std::string text;
        for (const Index id : ids) {
            static_cast<void>(table_->vocabulary.token(id));  // checks it
            if (!options.skip_special || !table_->skipped[static_cast<std::size_t>(id)])
                text += table_->bytes[static_cast<std::size_t>(id)];
        }
        return text;
    }

private:
    struct Table {
        Vocabulary vocabulary;
        detail::AddedTokens added;
        detail::Merges merges;
        detail::ByteLevelWords words;
        std::array<char32_t, 256> characters = detail::byte_characters();
        std::array<std::uint32_t, 256> byte_ids{};
        std::vector<std::string> bytes;  ///< of each token
        std::vector<bool> skipped;  ///< by decoding
        bool ignore_merges = false;  ///< a word that is a token is that token
        bool add_prefix_space = false;
        bool split_words = true;

        void read_bytes(const std::vector<detail::AddedToken>& added_tokens) {
            for (std::size_t byte = 0; byte < 256; ++byte) {
                const auto id = vocabulary.find(encode_utf8(std::u32string_view{&characters[byte], 1}));
                require<IoError>(id.has_value(), "tokenizer", "expected a token for each byte in model.vocab, got none for byte ", byte);
                byte_ids[byte] = static_cast<std::uint32_t>(*id);
            }
            skipped.resize(vocabulary.tokens().size());
            for (const std::string& token : vocabulary.tokens())
                bytes.push_back(detail::bytes_of_token(token, characters).value_or(token));
            for (const detail::AddedToken& token : added_tokens) {
                bytes[static_cast<std::size_t>(token.id)] = token.content;
                skipped[static_cast<std::size_t>(token.id)] = token.special && token.id != vocabulary.unknown();
            }
            for (std::size_t byte = 0; byte < 256; ++byte)
                require<IoError>(bytes[byte_ids[byte]] == std::string(1, static_cast<char>(static_cast<unsigned char>(byte))), "tokenizer",
                                 "expected added_tokens that stand for no byte, got one for byte ", byte);
        }

        void read_merges(const detail::JsonPart& part) {
            part.expect(part.json().is_array(), "a list");
            merges = detail::Merges{part.json().size()};
            std::uint32_t rank = 0;
            for (const detail::Json& entry : part.json()) {
                const auto [left, right] = pair_of(detail::JsonPart{entry, concat("model.merges[", rank, ']')});
                const auto id = [&](const std::string& token) {
                    const auto found = vocabulary.find(token);
                    require<IoError>(found.has_value(), "tokenizer", "expected tokens of model.vocab in model.merges[", rank, "], got '",
                                     token, "'");
                    return static_cast<std::uint32_t>(*found);
                };
                const auto left_id = id(left), right_id = id(right), both = id(left + right);
                require<IoError>(bytes[both] == bytes[left_id] + bytes[right_id], "tokenizer",
                                 "expected a token of the bytes of both in model.merges[", rank, "], got '", left, right, "'");
                require<IoError>(merges.insert(left_id, right_id, {rank, both}), "tokenizer",
                                 "expected each pair once in model.merges, got '", left, ' ', right, "' again as model.merges[", rank, "]");
                ++rank;
            }
        }
        /// "left right" in older files, ["left", "right"] in newer ones.
        [[nodiscard]] static std::pair<std::string, std::string> pair_of(const detail::JsonPart& part) {
            if (part.json().is_array()) {
                const auto both = part.list();
                part.expect(both.size() == 2, "two tokens");
                return {both[0].text(), both[1].text()};
            }
            const std::string& text = part.text();
            const std::size_t blank = text.find(' ');
            part.expect(blank != std::string::npos && text.find(' ', blank + 1) == std::string::npos,
                        "two tokens with a blank between them");
            return {text.substr(0, blank), text.substr(blank + 1)};
        }
    };

    explicit BytePairEncoding(std::shared_ptr<const Table> table) : table_{std::move(table)} {}

    void append_word(std::string_view word, std::vector<std::uint32_t>& word_ids, std::vector<Index>& ids) const {
        if (table_->ignore_merges) {
            std::string token;
            for (const char c : word)
                detail::append_utf8(token, table_->characters[static_cast<unsigned char>(c)]);
            if (const auto id = table_->vocabulary.find(token)) {
                ids.push_back(*id);
                return;
            }
        }
        word_ids.resize(word.size());
        for (std::size_t i = 0; i < word.size(); ++i)
            word_ids[i] = table_->byte_ids[static_cast<unsigned char>(word[i])];
        const std::size_t count = table_->merges.apply(word_ids.data(), word_ids.size());
        ids.insert(ids.end(), word_ids.begin(), word_ids.begin() + static_cast<std::ptrdiff_t>(count));
    }

    std::shared_ptr<const Table> table_;
};

}  // namespace espalier::inline ESPALIER_ABI::text
