// SPDX-License-Identifier: MIT
/// @file What `tokenizer.json` of Hugging Face says, part by part. `text/word_piece.hpp` and `text/byte_pair_encoding.hpp` are what
/// programs include.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/file.hpp>
#include <espalier/text/added_tokens.hpp>
#include <espalier/text/parse_json.hpp>
#include <espalier/text/vocabulary.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text::detail {

inline constexpr std::uint64_t max_tokenizer_bytes = 0x1000'0000;

/// A part of the file and its name, which errors tell.
class JsonPart {
public:
    JsonPart(const Json& json, std::string name) : json_{&json}, name_{std::move(name)} {}

    [[nodiscard]] const Json& json() const noexcept { return *json_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool is_null() const noexcept { return json_->is_null(); }

    /// A field; null if there is none.
    [[nodiscard]] JsonPart operator[](const char* key) const {
        expect(json_->is_object(), "an object");
        static const Json null;
        const auto found = json_->find(key);
        return {found == json_->end() ? null : *found, name_.empty() ? key : name_ + "." + key};
    }
    [[nodiscard]] std::vector<JsonPart> list() const {
        expect(json_->is_array(), "a list");
        std::vector<JsonPart> result;
        for (const Json& entry : *json_)
            result.emplace_back(entry, concat(name_, '[', result.size(), ']'));
        return result;
    }
    [[nodiscard]] const std::string& text() const {
        expect(json_->is_string(), "a string");
        return json_->get_ref<const std::string&>();
    }
    [[nodiscard]] std::string text_or(const std::string& otherwise) const { return is_null() ? otherwise : text(); }
    [[nodiscard]] bool flag(bool otherwise) const {
        expect(is_null() || json_->is_boolean(), "true or false");
        return is_null() ? otherwise : json_->get<bool>();
    }
    [[nodiscard]] Index number() const {
        expect(json_->is_number_unsigned() && json_->get<std::uint64_t>() < 0x7FFF'FFFF, "a number of at least 0 and below 2^31");
        return json_->get<Index>();
    }
    /// "" for null.
    [[nodiscard]] std::string type() const { return is_null() ? "" : (*this)["type"].text(); }

    void expect(bool ok, std::string_view expected) const {
        if (!ok)
            refuse(expected);
    }
    [[noreturn]] ESPALIER_COLD void refuse(std::string_view expected) const {
        std::string got = json_->is_object() && json_->contains("type") ? (*json_)["type"].dump() : json_->dump();
        if (got.size() > 60)
            got = json_->type_name();
        fail<IoError>("tokenizer", "expected ", expected, " as ", name_.empty() ? "the file" : name_, ", got ", got);
    }

private:
    const Json* json_;
    std::string name_;
};

/// The parts that both kinds of model share.
struct TokenizerFile {
    explicit TokenizerFile(std::string_view text) : json(parse_json("tokenizer", text)) {}  // braces would make a list of it
    TokenizerFile(const TokenizerFile&) = delete;
    TokenizerFile& operator=(const TokenizerFile&) = delete;

    [[nodiscard]] JsonPart root() const { return {json, ""}; }
    [[nodiscard]] JsonPart model(const char* type) const {
        const JsonPart part = root()["model"];
        part.expect(part.json().is_object(), "an object");
        part.expect(part.type() == type || part["type"].is_null(), concat("a model of type ", type));  // old files do not say it
        return part;
    }

    /// Those that are found in a text as they stand; `as_written` says whether a normalizer might change a text before.
    [[nodiscard]] std::vector<AddedToken> added_tokens(bool as_written) const {
        std::vector<AddedToken> result;
        if (root()["added_tokens"].is_null())
            return result;
        for (const JsonPart& part : root()["added_tokens"].list()) {
            part["single_word"].expect(!part["single_word"].flag(false), "false");
            part["normalized"].expect(as_written || !part["normalized"].flag(false), "false");
            part["content"].expect(!part["content"].text().empty(), "a text that is not empty");
            result.push_back({part["content"].text(), part["id"].number(), part["special"].flag(false), part["lstrip"].flag(false),
                              part["rstrip"].flag(false)});
        }
        return result;
    }

    /// All tokens in the order of their ids. @throws IoError for gaps and ids that come twice
    [[nodiscard]] Vocabulary vocabulary(const std::vector<AddedToken>& added, const std::string& unknown) const {
        const JsonPart part = root()["model"]["vocab"];
        part.expect(part.json().is_object(), "an object of tokens and ids");
        std::unordered_map<std::string_view, Index> ids;
        for (auto entry = part.json().begin(); entry != part.json().end(); ++entry)
            ids.emplace(entry.key(), JsonPart{entry.value(), "model.vocab of '" + entry.key() + "'"}.number());
        for (const AddedToken& token : added) {
            const auto [known, is_new] = ids.emplace(token.content, token.id);
            require<IoError>(known->second == token.id, "tokenizer", "expected the id ", known->second, " in added_tokens of '",
                             token.content, "' as before, got ", token.id);
        }
        std::vector<std::string> tokens(ids.size());
        std::vector<bool> seen(ids.size());
        for (const auto& [token, id] : ids) {
            require<IoError>(id < static_cast<Index>(ids.size()), "tokenizer", "expected ids without gaps in model.vocab, 0 to ",
                             ids.size() - 1, ", got ", id, " of '", token, "'");
            const auto at = static_cast<std::size_t>(id);
            require<IoError>(!seen[at], "tokenizer", "expected each id once in model.vocab, got ", id, " of '", tokens[at], "' and '",
                             token, "'");
            seen[at] = true;
            tokens[at] = token;
        }
        SpecialTokens special{padding(ids), unknown, "", ""};
        find_special(root()["post_processor"], special);
        try {
            return Vocabulary{std::move(tokens), std::move(special)};
        } catch (const ValueError& error) {
            fail<IoError>("tokenizer", error.message());
        }
    }

    Json json;

private:
    [[nodiscard]] std::string padding(const std::unordered_map<std::string_view, Index>& ids) const {
        if (!root()["padding"].is_null())
            return root()["padding"]["pad_token"].text();
        for (const char* const name : {"[PAD]", "<pad>"})
            if (ids.contains(name))
                return name;
        return "";
    }
    /// What a post-processor sets in front of a single text and behind it.
    static void find_special(const JsonPart& part, SpecialTokens& special) {
        const std::string type = part.type();
        if (type == "Sequence") {
            for (const JsonPart& step : part["processors"].list())
                find_special(step, special);
        } else if (type == "BertProcessing" || type == "RobertaProcessing") {
            const auto begin = part["cls"].list(), end = part["sep"].list();
            part.expect(!begin.empty() && !end.empty(), "cls and sep, each a token and its id,");
            special.begin = begin[0].text();
            special.end = end[0].text();
        } else if (type == "TemplateProcessing") {
            bool after = false;
            for (const JsonPart& piece : part["single"].list()) {
                if (piece["SpecialToken"].is_null()) {
                    piece.expect(!after && !piece["Sequence"].is_null(), "one sequence");
                    after = true;
                    continue;
                }
                std::string& place = after ? special.end : special.begin;
                piece.expect(place.empty(), "at most one token on each side of the sequence");
                place = piece["SpecialToken"]["id"].text();
            }
        } else {
            part.expect(type.empty() || type == "ByteLevel", "a ByteLevel, BertProcessing, RobertaProcessing or TemplateProcessing");
        }
    }
};

/// What `Own::parse` makes of a file. @throws as that, with the file's name, and IoError for one that cannot be read
template <class Own>
[[nodiscard]] Own load_tokenizer(const std::filesystem::path& path) {
    const std::string text = io::read_file(path, max_tokenizer_bytes);
    try {
        return Own::parse(text);
    } catch (IoError& error) {
        error.append(concat(" in ", path));
        throw;
    }
}

}  // namespace espalier::inline ESPALIER_ABI::text::detail
