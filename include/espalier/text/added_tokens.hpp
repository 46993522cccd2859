// SPDX-License-Identifier: MIT
/// @file Tokens that are found in a text as they stand, before it is cut. `text/tokenizer_file.hpp` reads them.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/tensor/tensor.hpp>
#include <espalier/text/unicode.hpp>
#include <espalier/text/utf8.hpp>

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
    bool lstrip = false;  ///< takes the white space before it along, as the mask of RoBERTa does
    bool rstrip = false;  ///< that behind it

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
            if (const std::size_t end = found->lstrip ? before_space(text, begin, at) : at; end > begin)
                on_text(text.substr(begin, end - begin));
            on_token(found->id);
            at += found->content.size();
            begin = at = found->rstrip ? behind_space(text, at) : at;
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
    /// Where the white space begins that ends at `end`, as far as it lies behind `begin`.
    [[nodiscard]] static std::size_t before_space(std::string_view text, std::size_t begin, std::size_t end) noexcept {
        while (end > begin) {
            std::size_t at = end - 1;
            while (at > begin && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
                --at;
            if (!is_white_space(code_point_at(text, at).value))
                break;
            end = at;
        }
        return end;
    }
    /// Where the white space ends that begins at `at`.
    [[nodiscard]] static std::size_t behind_space(std::string_view text, std::size_t at) noexcept {
        while (at < text.size()) {
            const CodePoint c = code_point_at(text, at);
            if (!is_white_space(c.value))
                break;
            at += c.bytes;
        }
        return at;
    }

    std::vector<AddedToken> tokens_;
    std::array<bool, 256> begins_{};  ///< whether a token begins with that byte
};

}  // namespace espalier::inline ESPALIER_ABI::text::detail
