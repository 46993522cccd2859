// SPDX-License-Identifier: MIT
/// @file Words cut into the longest pieces that a vocabulary has, as BERT does it.
#pragma once

#include <espalier/text/split_words.hpp>
#include <espalier/text/tokenizer.hpp>
#include <espalier/text/tokenizer_file.hpp>
#include <espalier/text/vocabulary.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// How `WordPiece` cuts.
struct WordPieceOptions {
    WordOptions words = {};
    std::string prefix = "##";   ///< of a piece that does not begin a word
    Index max_characters = 100;  ///< of a word; a longer one is unknown

    friend bool operator==(const WordPieceOptions&, const WordPieceOptions&) = default;
};

/// The tokenizer of BERT (Devlin et al., NAACL 2019): `split_words`, then from the left the longest piece of each word that there is. A
/// word of which a part has no piece is unknown as a whole. Special tokens such as `[MASK]` are found in a text as they stand. Ids are
/// those of the package `tokenizers`; its tables of marks and punctuation are older (Unicode 8), which scripts added since may show.
class WordPiece : public Tokenizer<WordPiece> {
public:
    static constexpr bool takes_utf8 = true;

    /// @throws ValueError for a vocabulary without a token for unknown words, or a `max_characters` below 1
    explicit WordPiece(Vocabulary vocabulary, const WordPieceOptions& options = {})
        : WordPiece{std::move(vocabulary), options, std::nullopt} {}
    // A move is a copy, which costs nothing: so there is no tokenizer that was moved from and has no table.
    WordPiece(const WordPiece&) = default;
    WordPiece& operator=(const WordPiece&) = default;
    ~WordPiece() = default;

    /// BERT's `vocab.txt`, with the special tokens of BERT. @throws IoError as `Vocabulary::load`
    [[nodiscard]] static WordPiece load_vocabulary(const std::filesystem::path& path, const WordPieceOptions& options = {}) {
        return WordPiece{Vocabulary::load(path, SpecialTokens::bert()), options};
    }
    /// Hugging Face's `tokenizer.json`. What the file says of cutting and padding batches is left to the caller. @throws IoError naming the
    /// field that is missing, wrong, or asks for something else than BERT's normalizer, words and pieces
    [[nodiscard]] static WordPiece load(const std::filesystem::path& path) { return detail::load_tokenizer<WordPiece>(path); }
    /// As `load`, of what such a file holds. @throws as above
    [[nodiscard]] static WordPiece parse(std::string_view json) {
        const detail::TokenizerFile file{json};
        const detail::JsonPart model = file.model("WordPiece");
        WordPieceOptions options;
        options.prefix = model["continuing_subword_prefix"].text_or("##");
        if (!model["max_input_chars_per_word"].is_null())
            options.max_characters = model["max_input_chars_per_word"].number();
        model["max_input_chars_per_word"].expect(options.max_characters > 0, "a number above 0");
        const std::string unknown = model["unk_token"].text_or("[UNK]");
        model["unk_token"].expect(!unknown.empty(), "a token");
        options.words = words_of(file.root()["normalizer"]);
        const detail::JsonPart pre_tokenizer = file.root()["pre_tokenizer"];
        pre_tokenizer.expect(pre_tokenizer.type() == "BertPreTokenizer", "a BertPreTokenizer");
        auto added = file.added_tokens(options.words == WordOptions{false, false, false, false});
        Vocabulary vocabulary = file.vocabulary(added, unknown);
        return WordPiece{std::move(vocabulary), options, std::move(added)};
    }

    [[nodiscard]] const Vocabulary& vocabulary() const& noexcept { return vocabulary_; }
    [[nodiscard]] Vocabulary vocabulary() && { return std::move(vocabulary_); }
    [[nodiscard]] std::optional<Index> begin_id() const noexcept { return vocabulary_.begin_id(); }
    [[nodiscard]] std::optional<Index> end_id() const noexcept { return vocabulary_.end_id(); }

    void append_ids(std::string_view text, std::vector<Index>& ids) const {
        std::string bytes;
        std::vector<std::size_t> ends;
        table_->added.split(
            text,
            [&](std::string_view part) {
                detail::for_each_word(detail::normalized(part, table_->options.words), [&](std::u32string_view word) {
                    bytes.clear();
                    ends.assign(1, 0);
                    if (static_cast<Index>(word.size()) > table_->options.max_characters) {
                        ids.push_back(*vocabulary_.unknown());
                        return;
                    }
                    for (const char32_t c : word) {
                        detail::append_utf8(bytes, c);
                        ends.push_back(bytes.size());
                    }
                    append_pieces(bytes, ends, ids);
                });
            },
            [&](Index id) { ids.push_back(id); });
    }
    /// The words with blanks between them. @throws ValueError for an id that is not in the vocabulary
    [[nodiscard]] std::string decode(std::span<const Index> ids, const DecodeOptions& options = {}) const {
        std::string text;
        for (const Index id : ids) {
            const std::string& token = vocabulary_.token(id);
            if (options.skip_special && std::find(table_->skipped.begin(), table_->skipped.end(), id) != table_->skipped.end())
                continue;
            const bool continues = !text.empty() && !table_->options.prefix.empty() && token.starts_with(table_->options.prefix);
            text += continues ? token.substr(table_->options.prefix.size()) : (text.empty() ? "" : " ") + token;
        }
        return text;
    }

    friend bool operator==(const WordPiece& a, const WordPiece& b) {
        return a.vocabulary_ == b.vocabulary_ && a.table_->options == b.table_->options && a.table_->added == b.table_->added;
    }

private:
    struct Table {
        WordPieceOptions options;
        detail::AddedTokens added;
        std::unordered_map<std::string_view, Index> continuing;  ///< pieces without their prefix
        std::vector<Index> skipped;  ///< by decoding
    };

    WordPiece(Vocabulary vocabulary, const WordPieceOptions& options, std::optional<std::vector<detail::AddedToken>> added)
        : vocabulary_{std::move(vocabulary)} {
        require<ValueError>(vocabulary_.unknown().has_value(), "WordPiece",
                            "expected a vocabulary with a token for unknown words, got none");
        require<ValueError>(options.max_characters > 0, "WordPiece", "expected max_characters above 0, got ", options.max_characters);
        const auto table = std::make_shared<Table>();
        table->options = options;
        for (Index id = 0; id < vocabulary_.size(); ++id)
            if (const std::string& token = vocabulary_.token(id); token.size() > options.prefix.size() && token.starts_with(options.prefix))
                table->continuing.emplace(std::string_view{token}.substr(options.prefix.size()), id);
        if (!added) {
            added.emplace();
            const SpecialTokens& special = vocabulary_.special();
            for (const std::string& token : {special.padding, special.unknown, special.begin, special.end, std::string{"[MASK]"}})
                if (const auto id = token.empty() ? std::nullopt : vocabulary_.find(token))
                    added->push_back({token, *id, true});
        }
        for (const detail::AddedToken& token : *added)
            if (token.special && token.id != vocabulary_.unknown())
                table->skipped.push_back(token.id);
        table->added = detail::AddedTokens{std::move(*added)};
        table_ = table;
    }

    [[nodiscard]] static WordOptions words_of(const detail::JsonPart& normalizer) {
        normalizer.expect(normalizer.is_null() || normalizer.type() == "BertNormalizer", "a BertNormalizer");
        if (normalizer.is_null())
            return {false, false, false, false};
        const bool lower = normalizer["lowercase"].flag(true);
        return {normalizer["clean_text"].flag(true), normalizer["handle_chinese_chars"].flag(true), normalizer["strip_accents"].flag(lower),
                lower};
    }

    /// `ends` are the places between the characters, the first 0.
    void append_pieces(std::string_view word, const std::vector<std::size_t>& ends, std::vector<Index>& ids) const {
        const std::size_t before = ids.size();
        for (std::size_t first = 0; first + 1 < ends.size();) {
            std::size_t last = ends.size() - 1;
            std::optional<Index> found;
            for (; last > first && !found; --last)
                found = piece(word.substr(ends[first], ends[last] - ends[first]), first == 0);
            if (!found) {
                ids.resize(before);
                ids.push_back(*vocabulary_.unknown());
                return;
            }
            ids.push_back(*found);
            first = last + 1;
        }
    }
    [[nodiscard]] std::optional<Index> piece(std::string_view text, bool begins_word) const {
        if (begins_word)
            return vocabulary_.find(text);
        const auto found = table_->continuing.find(text);
        return found == table_->continuing.end() ? std::nullopt : std::optional{found->second};
    }

    Vocabulary vocabulary_;  ///< whose tokens the table has views of
    std::shared_ptr<const Table> table_;
};

}  // namespace espalier::inline ESPALIER_ABI::text
