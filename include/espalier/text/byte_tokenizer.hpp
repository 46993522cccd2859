// SPDX-License-Identifier: MIT
/// @file Each byte a token: no vocabulary, nothing unknown.
#pragma once

#include <espalier/text/tokenizer.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// The bytes of a text, 0 to 255, whatever they mean; then 256 for padding, 257 for the beginning and 258 for the end.
class ByteTokenizer : public Tokenizer<ByteTokenizer> {
public:
    static constexpr bool takes_utf8 = false;

    ByteTokenizer() = default;  // an aggregate would have to reach the constructor of its base

    [[nodiscard]] static constexpr Index size() noexcept { return 259; }
    [[nodiscard]] static constexpr std::optional<Index> padding() noexcept { return 256; }
    [[nodiscard]] static constexpr std::optional<Index> begin_id() noexcept { return 257; }
    [[nodiscard]] static constexpr std::optional<Index> end_id() noexcept { return 258; }

    void append_ids(std::string_view text, std::vector<Index>& ids) const {
        for (const char c : text)
            ids.push_back(static_cast<unsigned char>(c));
    }
    /// The bytes; special ids stand for none. @throws ValueError for an id that is not in [0, 259)
    [[nodiscard]] std::string decode(std::span<const Index> ids) const {
        std::string text;
        for (const Index id : ids) {
            require<ValueError>(id >= 0 && id < size(), "decode", "expected ids in [0, ", size(), "), got ", id);
            if (id < 256)
                text.push_back(static_cast<char>(static_cast<unsigned char>(id)));
        }
        return text;
    }

    friend bool operator==(const ByteTokenizer&, const ByteTokenizer&) noexcept { return true; }  // it has no state
};

}  // namespace espalier::inline ESPALIER_ABI::text
