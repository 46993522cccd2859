// SPDX-License-Identifier: MIT
/// @file Each code point a token.
#pragma once

#include <espalier/text/tokenizer.hpp>
#include <espalier/text/vocabulary.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

namespace detail {

/// Whether `id` is one that decoding leaves out.
[[nodiscard]] inline bool is_skipped(const Vocabulary& vocabulary, Index id, const DecodeOptions& options) {
    return options.skip_special && (id == vocabulary.padding() || id == vocabulary.begin_id() || id == vocabulary.end_id());
}

}  // namespace detail

/// The code points of a text, as a vocabulary numbers them.
class CharTokenizer : public Tokenizer<CharTokenizer> {
public:
    static constexpr bool takes_utf8 = true;

    explicit CharTokenizer(Vocabulary vocabulary) : vocabulary_{std::move(vocabulary)} {}
    /// With the vocabulary of the code points of some lines. @throws ValueError naming the first byte that is not UTF-8
    template <class Lines>
    [[nodiscard]] static CharTokenizer fit(const Lines& lines, const VocabularyOptions& options = {}) {
        TokenCounts counts;
        for (const auto& entry : lines) {  // which may be a string made for this turn alone
            const std::string_view line{entry};
            if (const std::size_t invalid = detail::first_invalid(line); invalid != std::string_view::npos)
                detail::refuse_utf8("CharTokenizer", line, invalid);
            for_each(line, [&](std::string_view c) { ++counts[std::string{c}]; });
        }
        return CharTokenizer{Vocabulary::from_counts(counts, options)};
    }

    [[nodiscard]] const Vocabulary& vocabulary() const& noexcept { return vocabulary_; }
    [[nodiscard]] Vocabulary vocabulary() && { return std::move(vocabulary_); }
    [[nodiscard]] std::optional<Index> begin_id() const noexcept { return vocabulary_.begin_id(); }
    [[nodiscard]] std::optional<Index> end_id() const noexcept { return vocabulary_.end_id(); }

    /// @throws ValueError for a code point that the vocabulary does not have, if it has nothing for unknown ones
    void append_ids(std::string_view text, std::vector<Index>& ids) const {
        for_each(text, [&](std::string_view c) { ids.push_back(vocabulary_.id(c)); });
    }
    /// The text, byte for byte if nothing in it was unknown. @throws ValueError for an id that is not in the vocabulary
    [[nodiscard]] std::string decode(std::span<const Index> ids, const DecodeOptions& options = {}) const {
        std::string text;
        for (const Index id : ids)
            if (const std::string& token = vocabulary_.token(id); !detail::is_skipped(vocabulary_, id, options))
                text += token;
        return text;
    }

    friend bool operator==(const CharTokenizer& a, const CharTokenizer& b) { return a.vocabulary_ == b.vocabulary_; }

private:
    template <class Function>
    static void for_each(std::string_view text, const Function& function) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t bytes = detail::code_point_at(text, at).bytes;
            function(text.substr(at, bytes));
            at += bytes;
        }
    }

    Vocabulary vocabulary_;
};

}  // namespace espalier::inline ESPALIER_ABI::text
