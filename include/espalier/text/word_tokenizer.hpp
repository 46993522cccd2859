// SPDX-License-Identifier: MIT
/// @file Each word and each punctuation mark a token.
#pragma once

#include <espalier/text/char_tokenizer.hpp>
#include <espalier/text/split_words.hpp>
#include <espalier/text/tokenizer.hpp>
#include <espalier/text/vocabulary.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// What `split_words` makes of a text, as a vocabulary numbers it.
class WordTokenizer : public Tokenizer<WordTokenizer> {
public:
    static constexpr bool takes_utf8 = true;

    explicit WordTokenizer(Vocabulary vocabulary, const WordOptions& words = {}) : vocabulary_{std::move(vocabulary)}, words_{words} {}
    /// With the vocabulary of the words of some lines. @throws ValueError naming the first byte that is not UTF-8
    template <class Lines>
    [[nodiscard]] static WordTokenizer fit(const Lines& lines, const VocabularyOptions& options = {}, const WordOptions& words = {}) {
        TokenCounts counts;
        for (const auto& line : lines)
            for (std::string& word : split_words(line, words))
                ++counts[std::move(word)];
        return WordTokenizer{Vocabulary::from_counts(counts, options), words};
    }

    [[nodiscard]] const Vocabulary& vocabulary() const& noexcept { return vocabulary_; }
    [[nodiscard]] Vocabulary vocabulary() && { return std::move(vocabulary_); }
    [[nodiscard]] std::optional<Index> begin_id() const noexcept { return vocabulary_.begin_id(); }
    [[nodiscard]] std::optional<Index> end_id() const noexcept { return vocabulary_.end_id(); }

    /// @throws ValueError for a word that the vocabulary does not have, if it has nothing for unknown ones
    void append_ids(std::string_view text, std::vector<Index>& ids) const {
        std::string bytes;
        detail::for_each_word(detail::normalized(text, words_), [&](std::u32string_view word) {
            bytes.clear();
            for (const char32_t c : word)
                detail::append_utf8(bytes, c);
            ids.push_back(vocabulary_.id(bytes));
        });
    }
    /// The tokens with blanks between them. @throws ValueError for an id that is not in the vocabulary
    [[nodiscard]] std::string decode(std::span<const Index> ids, const DecodeOptions& options = {}) const {
        std::string text;
        for (const Index id : ids)
            if (const std::string& token = vocabulary_.token(id); !detail::is_skipped(vocabulary_, id, options))
                text += (text.empty() ? "" : " ") + token;
        return text;
    }

    friend bool operator==(const WordTokenizer& a, const WordTokenizer& b) {
        return a.vocabulary_ == b.vocabulary_ && a.words_ == b.words_;
    }

private:
    Vocabulary vocabulary_;
    WordOptions words_;
};

}  // namespace espalier::inline ESPALIER_ABI::text
