// SPDX-License-Identifier: MIT
/// @file Tokens that are found in a text as they stand, before it is cut. `text/tokenizer_file.hpp` reads them.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text::detail {

struct AddedToken {
    std::string content;
    Index id = 0;
    bool special = false;

    friend bool operator==(const AddedToken&, const AddedToken&) = default;
};

class AddedTokens {
public:
    AddedTokens() = default;
    explicit AddedTokens(std::vector<AddedToken> tokens) : tokens_{std::move(tokens)} {
        // Of two that begin at one place the longer is meant: it is tried first.
        std::stable_sort(tokens_.begin(), tokens_.end(),
                         [](const AddedToken& a, const AddedToken& b) { return a.content.size() > b.content.size(); });
        for (const AddedToken& token : tokens_)
            begins_[static_cast<unsigned char>(token.content.front())] = true;
    }

    /// Calls `on_text(part)` and `on_token(id)` in the order in which they stand in the text.
    template <class OnText, class OnToken>
    void split(std::string_view text, const OnText& on_text, const OnToken& on_token) const {
        std::size_t begin = 0;
        for (std::size_t at = 0; !tokens_.empty() && at < text.size();) {
            const AddedToken* const found = begins_[static_cast<unsigned char>(text[at])] ? match(text.substr(at)) : nullptr;
            if (!found) {
                ++at;
                continue;
            }
            if (at > begin)
                on_text(text.substr(begin, at - begin));
            on_token(found->id);
            begin = at += found->content.size();
        }
        if (begin < text.size())
            on_text(text.substr(begin));
    }

    [[nodiscard]] const std::vector<AddedToken>& tokens() const noexcept { return tokens_; }

    friend bool operator==(const AddedTokens& a, const AddedTokens& b) { return a.tokens_ == b.tokens_; }

private:
    [[nodiscard]] const AddedToken* match(std::string_view text) const noexcept {
        for (const AddedToken& token : tokens_)
            if (text.starts_with(token.content))
                return &token;
        return nullptr;
    }

    std::vector<AddedToken> tokens_;
    std::array<bool, 256> begins_{};  ///< whether a token begins with that byte
};

}  // namespace espalier::inline ESPALIER_ABI::text::detail
