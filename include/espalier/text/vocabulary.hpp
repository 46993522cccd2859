// SPDX-License-Identifier: MIT
/// @file Tokens and their ids, both ways: from counts, from a file of a token a line, or from the text that it was saved as.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/file.hpp>
#include <espalier/text/parse_json.hpp>
#include <espalier/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text {

/// How often each token was seen.
using TokenCounts = std::unordered_map<std::string, std::uint64_t>;

/// The tokens that stand for no text, by what they are for; "" for one that there is not.
struct SpecialTokens {
    std::string padding = "<pad>";
    std::string unknown = "<unk>";
    std::string begin = "<bos>";
    std::string end = "<eos>";

    [[nodiscard]] static SpecialTokens none() { return {"", "", "", ""}; }
    /// Those of BERT's vocabularies.
    [[nodiscard]] static SpecialTokens bert() { return {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}; }

    friend bool operator==(const SpecialTokens&, const SpecialTokens&) = default;
};

/// Which of the counted tokens become a vocabulary.
struct VocabularyOptions {
    std::uint64_t min_count = 1;  ///< leave out those seen less often
    Index max_size = 0;           ///< at most so many tokens, the special ones among them; 0 for no bound
    SpecialTokens special = {};   ///< come first, in this order
};

/// Tokens with the ids 0 to n - 1. A regular value whose copies share one table that does not change: safe from many threads.
class Vocabulary {
public:
    Vocabulary() : Vocabulary{std::vector<std::string>{}} {}
    // A move is a copy, which costs nothing: so there is no vocabulary that was moved from and has no table.
    Vocabulary(const Vocabulary&) = default;
    Vocabulary& operator=(const Vocabulary&) = default;
    ~Vocabulary() = default;
    /// The i-th token has the id i. @throws ValueError naming the entries for an empty token, one that comes twice, or a special token that
    /// is not among them
    explicit Vocabulary(std::vector<std::string> tokens, SpecialTokens special = SpecialTokens::none())
        : Vocabulary{std::move(tokens), std::move(special), Place{}} {}

    /// The special tokens, then the most frequent first; of two seen as often, that with the smaller bytes. So it does not depend on the
    /// order of the texts. @throws ValueError for a `max_size` that has no room for the special tokens
    [[nodiscard]] static Vocabulary from_counts(const TokenCounts& counts, const VocabularyOptions& options = {}) {
        std::vector<std::string> tokens;
        for (const std::string* token : in_order(options.special))
            if (!token->empty())
                tokens.push_back(*token);
        const auto special_count = tokens.size();
        require<ValueError>(options.max_size == 0 || options.max_size >= static_cast<Index>(special_count), "vocabulary",
                            "expected a max_size of 0 or at least ", special_count, ", the special tokens, got ", options.max_size);
        std::vector<std::pair<std::uint64_t, std::string_view>> counted;
        for (const auto& [token, count] : counts)
            if (count >= options.min_count && count > 0 && !token.empty() && std::find(tokens.begin(), tokens.end(), token) == tokens.end())
                counted.emplace_back(count, token);
        std::sort(counted.begin(), counted.end(),
                  [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
        for (const auto& [count, token] : counted) {
            if (options.max_size != 0 && static_cast<Index>(tokens.size()) == options.max_size)
                break;
            tokens.emplace_back(token);
        }
        return Vocabulary{std::move(tokens), options.special};
    }

    /// A file such as BERT's `vocab.txt`: a token a line, whose id is the number of the line counted from 0. Lines end by LF or CR LF; a
    /// byte order mark before the first is no part of it. @throws IoError naming the line for one that is empty, not UTF-8, or has a token
    /// of a line before, and for a special token that is missing
    [[nodiscard]] static Vocabulary load(const std::filesystem::path& path, SpecialTokens special = SpecialTokens::none()) {
        return parse(io::read_file(path, max_bytes), std::move(special), concat(" in ", path));
    }
    /// As `load`, of what such a file holds. @throws as above
    [[nodiscard]] static Vocabulary parse(std::string_view text, SpecialTokens special = SpecialTokens::none(),
                                          const std::string& where = "") {
        std::vector<std::string> tokens;
        if (text.starts_with("\xEF\xBB\xBF"))
            text.remove_prefix(3);
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            std::string_view line = text.substr(0, end);
            if (line.ends_with('\r'))
                line.remove_suffix(1);
            require<IoError>(is_utf8(line), "vocabulary", "expected UTF-8", where, ", got other bytes in line ", tokens.size() + 1);
            tokens.emplace_back(line);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        return Vocabulary{std::move(tokens), std::move(special), Place{true, where}};
    }

    /// Number of tokens; ids are in [0, size()).
    [[nodiscard]] Index size() const noexcept { return static_cast<Index>(table_->tokens.size()); }
    [[nodiscard]] bool empty() const noexcept { return table_->tokens.empty(); }

    /// The id of a token, if it is one of them.
    [[nodiscard]] std::optional<Index> find(std::string_view token) const {
        const auto found = table_->ids.find(token);
        return found == table_->ids.end() ? std::nullopt : std::optional{found->second};
    }
    [[nodiscard]] bool contains(std::string_view token) const { return find(token).has_value(); }
    /// The id of a token, or that of the unknown one. @throws ValueError for another token if there is no unknown one
    [[nodiscard]] Index id(std::string_view token) const {
        const auto found = find(token);
        if (!found && !unknown())
            fail<ValueError>("vocabulary", "expected a token of the vocabulary, which has none for unknown ones, got '",
                             token.size() <= 40 ? token : token.substr(0, 37), token.size() <= 40 ? "'" : "...'");
        return found ? *found : *unknown();
    }
    /// @throws ValueError for an id that is not in [0, size())
    [[nodiscard]] const std::string& token(Index id) const& {
        require<ValueError>(id >= 0 && id < size(), "vocabulary", "expected an id in [0, ", size(), "), got ", id);
        return table_->tokens[static_cast<std::size_t>(id)];
    }
    [[nodiscard]] std::string token(Index id) && { return std::as_const(*this).token(id); }
    [[nodiscard]] const std::vector<std::string>& tokens() const& noexcept { return table_->tokens; }
    [[nodiscard]] std::vector<std::string> tokens() && { return table_->tokens; }

    [[nodiscard]] const SpecialTokens& special() const& noexcept { return table_->special; }
    [[nodiscard]] SpecialTokens special() && { return table_->special; }
    [[nodiscard]] std::optional<Index> padding() const noexcept { return table_->special_ids[0]; }
    [[nodiscard]] std::optional<Index> unknown() const noexcept { return table_->special_ids[1]; }
    [[nodiscard]] std::optional<Index> begin_id() const noexcept { return table_->special_ids[2]; }
    [[nodiscard]] std::optional<Index> end_id() const noexcept { return table_->special_ids[3]; }

    /// For the metadata of a model's file. @throws ValueError for a token that is not UTF-8, which JSON cannot hold
    [[nodiscard]] std::string to_json() const {
        nlohmann::ordered_json json{{"format", format}, {"tokens", table_->tokens}};
        const auto special = in_order(table_->special);
        for (std::size_t i = 0; i < special.size(); ++i)
            json[special_names[i]] = *special[i];
        try {
            return json.dump();
        } catch (const nlohmann::json::exception&) {
            fail<ValueError>("vocabulary", "expected tokens in UTF-8, which JSON needs, got another encoding");
        }
    }
    /// What `to_json` wrote. @throws IoError for anything else
    [[nodiscard]] static Vocabulary from_json(std::string_view text) {
        const detail::Json json = detail::parse_json("vocabulary", text);
        std::vector<std::string> tokens;
        SpecialTokens special;
        try {
            require<IoError>(json.at("format") == format, "vocabulary", "expected the format '", format, "', got ",
                             json.at("format").dump());
            json.at("tokens").get_to(tokens);
            special = {json.at("padding").get<std::string>(), json.at("unknown").get<std::string>(), json.at("begin").get<std::string>(),
                       json.at("end").get<std::string>()};
        } catch (const detail::Json::exception& error) {
            fail<IoError>("vocabulary", "expected the JSON of a vocabulary, got something else: ", error.what());
        }
        try {
            return Vocabulary{std::move(tokens), std::move(special)};
        } catch (const ValueError& error) {
            fail<IoError>("vocabulary", error.message());
        }
    }

    friend bool operator==(const Vocabulary& a, const Vocabulary& b) {
        return a.table_ == b.table_ || (a.table_->tokens == b.table_->tokens && a.table_->special == b.table_->special);
    }

private:
    static constexpr const char* format = "espalier vocabulary 1";
    static constexpr const char* special_names[] = {"padding", "unknown", "begin", "end"};
    static constexpr std::uint64_t max_bytes = 0x1000'0000;

    struct Table {
        std::vector<std::string> tokens;
        std::unordered_map<std::string_view, Index> ids;  ///< of views into the tokens
        SpecialTokens special;
        std::optional<Index> special_ids[4];
    };
    /// Where tokens come from, for errors: entries of a list, or lines of a file.
    struct Place {
        bool file = false;
        std::string where = {};
        [[nodiscard]] std::string entry(std::size_t i) const { return file ? concat("line ", i + 1) : concat("entry ", i); }
        template <class... Parts>
        void check(bool ok, const Parts&... parts) const {
            if (ok)
                return;
            if (file)
                fail<IoError>("vocabulary", parts...);
            fail<ValueError>("vocabulary", parts...);
        }
    };

    Vocabulary(std::vector<std::string> tokens, SpecialTokens special, const Place& place) {
        const auto table = std::make_shared<Table>();
        table->tokens = std::move(tokens);
        table->special = std::move(special);
        table->ids.reserve(table->tokens.size());
        for (std::size_t i = 0; i < table->tokens.size(); ++i) {
            const std::string& token = table->tokens[i];
            place.check(!token.empty(), "expected no empty token", place.where, ", got one as ", place.entry(i));
            const auto [first, is_new] = table->ids.emplace(token, static_cast<Index>(i));
            place.check(is_new, "expected each token once", place.where, ", got '", token, "' as ",
                        place.entry(static_cast<std::size_t>(first->second)), " and ", place.entry(i));
        }
        const auto wanted = in_order(table->special);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (wanted[i]->empty())
                continue;
            const auto found = table->ids.find(*wanted[i]);
            place.check(found != table->ids.end(), "expected the special token '", *wanted[i], "'", place.where, ", got ",
                        table->tokens.size(), " tokens without it");
            table->special_ids[i] = found->second;
        }
        table_ = table;
    }

    [[nodiscard]] static std::vector<const std::string*> in_order(const SpecialTokens& special) {
        return {&special.padding, &special.unknown, &special.begin, &special.end};
    }

    std::shared_ptr<const Table> table_;
};

}  // namespace espalier::inline ESPALIER_ABI::text
