// SPDX-License-Identifier: MIT
/// @file What all tokenizers have: text to ids, lines to sequences of different lengths, and ids back to text.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/data/sequences.hpp>
#include <espalier/text/utf8.hpp>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// How a text is encoded.
struct EncodeOptions {
    Index max_length = 0;      ///< cut after so many ids, the special ones among them; 0 for no bound
    bool add_special = false;  ///< the id of the beginning in front and that of the end behind, as far as the tokenizer has them
    InvalidUtf8 invalid = InvalidUtf8::error;
};

/// How ids are decoded.
struct DecodeOptions {
    bool skip_special = true;  ///< leave out padding, beginning and end, but not what stands for unknown text
};

/// Base of the tokenizers, `class Own : public Tokenizer<Own>`. Own has `append_ids(text, ids)`, of text in UTF-8 if `takes_utf8`, says
/// in `begin_id()` and `end_id()` which ids `add_special` adds, and has a `decode`. Tokenizers are values whose copies share tables that
/// do not change: one may be used from many threads.
template <class Own>
class Tokenizer {
public:
    /// @throws ValueError naming the first byte that is not UTF-8, unless such parts are replaced; for a `max_length` below 0 or the number
    /// of special ids; for `add_special` of a tokenizer that has neither beginning nor end
    [[nodiscard]] std::vector<Index> encode(std::string_view text, const EncodeOptions& options = {}) const {
        std::vector<Index> ids;
        append(text, options, ids);
        return ids;
    }

    /// Any range of texts: N sequences, of any lengths. `data::pad_sequence` makes a rectangle of them. @throws as above, with the number
    /// of the line
    template <std::ranges::input_range Lines>
        requires std::convertible_to<std::ranges::range_reference_t<const Lines&>, std::string_view>
    [[nodiscard]] data::Sequences encode_batch(const Lines& lines, const EncodeOptions& options = {}) const {
        std::vector<Index> ids, lengths;
        for (const auto& line : lines) {
            const std::size_t before = ids.size();
            try {
                append(std::string_view{line}, options, ids);
            } catch (ValueError& error) {
                error.append(concat(" in line ", lengths.size(), " of the batch"));
                throw;
            }
            lengths.push_back(static_cast<Index>(ids.size() - before));
        }
        const Shape total{static_cast<Index>(ids.size())};
        const Shape count{static_cast<Index>(lengths.size())};
        return {Tensor<Index>{total, ids}, Tensor<Index>{count, lengths}};
    }
    [[nodiscard]] data::Sequences encode_batch(std::initializer_list<std::string_view> lines, const EncodeOptions& options = {}) const {
        return encode_batch(std::span<const std::string_view>{lines.begin(), lines.size()}, options);
    }

protected:
    Tokenizer() = default;

private:
    void append(std::string_view text, const EncodeOptions& options, std::vector<Index>& ids) const {
        const auto& own = static_cast<const Own&>(*this);
        const std::optional<Index> begin = options.add_special ? own.begin_id() : std::nullopt;
        const std::optional<Index> end = options.add_special ? own.end_id() : std::nullopt;
        require<ValueError>(!options.add_special || begin || end, "encode",
                            "expected a tokenizer with tokens for beginning or end where special ones are added, got one without");
        const Index special = begin.has_value() + end.has_value();
        require<ValueError>(options.max_length == 0 || options.max_length >= std::max(special, Index{1}), "encode",
                            "expected a max_length of 0 or at least ", std::max(special, Index{1}), ", got ", options.max_length);
        std::string storage;
        const std::string_view valid = Own::takes_utf8 ? detail::valid_utf8("encode", text, options.invalid, storage) : text;
        if (begin)
            ids.push_back(*begin);
        const std::size_t before = ids.size();
        own.append_ids(valid, ids);
        if (options.max_length != 0)
            ids.resize(std::min(ids.size(), before + static_cast<std::size_t>(options.max_length - special)));
        if (end)
            ids.push_back(*end);
    }
};

}  // namespace espalier::inline ESPALIER_ABI::text
