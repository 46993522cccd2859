// SPDX-License-Identifier: MIT
/// @file The grammar of CSV: text to cells, cells to numbers. `io/csv.hpp` is what programs include.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <locale>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// The texts that mean "no value" where nothing else is said, as other programs write them. Not among them is "None", which
/// is a category as often as not.
[[nodiscard]] inline std::vector<std::string> default_missing() {
    return {"NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"};
}

/// How a table is written.
struct CsvOptions {
    bool header = true;    ///< the first row names the columns
    char separator = ',';  ///< any but a quote and the ends of a line
    bool trim = false;     ///< drop spaces and tabs around each field, outside its quotes
    /// Texts that mean "no value", quoted or not; blanks around them do not matter. `{}` where they are data, such as the NA of
    /// Namibia.
    std::vector<std::string> missing = default_missing();
    /// Other texts for some columns, by name: `{{"country", {}}}`.
    std::vector<std::pair<std::string, std::vector<std::string>>> missing_in = {};
    bool empty_is_missing = true;             ///< empty cells, and those of blanks, mean "no value" as well, in every column
    std::uint64_t max_bytes = 0x1'0000'0000;  ///< refuse more (decompressed) bytes than this
};

namespace detail {

[[nodiscard]] inline std::string_view without_blanks(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

/// A table as views into its text, row after row.
struct CsvCells {
    std::unique_ptr<std::string> text;  // in one place even when this struct moves
    std::vector<std::string> names;
    std::vector<std::string_view> cells;
    std::vector<std::size_t> lines;  // where each row begins, counted from 1
    std::vector<std::vector<std::string>> missing;  // for each column
    bool empty_is_missing = true;
    std::filesystem::path path;

    [[nodiscard]] std::string_view at(std::size_t row, std::size_t column) const noexcept { return cells[row * names.size() + column]; }
    [[nodiscard]] bool is_missing(std::size_t row, std::size_t column) const noexcept {
        const std::string_view cell = without_blanks(at(row, column));
        if (cell.empty() && empty_is_missing)
            return true;
        return std::find(missing[column].begin(), missing[column].end(), cell) != missing[column].end();
    }
    [[nodiscard]] std::string place(std::size_t row, std::size_t column) const {
        return concat(" in ", path, ", line ", lines[row], ", column ", column + 1, " '", names[column], "'");
    }
};

/// Long texts would hide the rest of a message.
[[nodiscard]] inline std::string shortened(std::string_view text) {
    return text.size() <= 40 ? std::string{text} : concat(text.substr(0, 37), "...");
}

[[nodiscard]] inline std::string listed(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names)
        list += (list.empty() ? "'" : ", '") + name + "'";
    return list;
}

/// False unless the whole text is one number that `Scalar` holds; floating-point numbers must be finite.
template <class Scalar>
[[nodiscard]] bool parse_number(std::string_view text, Scalar& number) {
    if (text.size() > 1 && text[0] == '+' && text[1] != '-')
        text.remove_prefix(1);
    if constexpr (std::integral<Scalar>) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        return error == std::errc{} && end == text.data() + text.size();
    } else {
        double wide = 0;  // a number too small for float is 0, one too large is refused below
#if defined(__cpp_lib_to_chars)
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wide);
        const bool whole = error == std::errc{} && end == text.data() + text.size();
#else  // a standard library whose from_chars knows integers only
        std::istringstream in{std::string{text}};
        in.imbue(std::locale::classic());
        in >> std::noskipws >> wide;
        const bool whole = !in.fail() && in.peek() == std::istringstream::traits_type::eof();
#endif
        number = static_cast<Scalar>(wide);
        return whole && is_finite(number);
    }
}

/// Reads the whole text once. Cells are views; a field whose quotes stand for quotes is made shorter in place.
class CsvParser {
public:
    CsvParser(std::string text, const CsvOptions& options, const std::filesystem::path& path) : options_{options} {
        require<ValueError>(options.separator != '"' && options.separator != '\n' && options.separator != '\r', "load_csv",
                            "expected a separator other than a quote or the end of a line");
        table_.text = std::make_unique<std::string>(std::move(text));
        table_.empty_is_missing = options.empty_is_missing;
        table_.path = path;
    }

    [[nodiscard]] CsvCells parse() {
        at_ = table_.text->data();
        end_ = at_ + table_.text->size();
        if (table_.text->starts_with("\xEF\xBB\xBF"))
            at_ += 3;
        require<IoError>(!rest_is_empty(), "load_csv", "expected a table in ", table_.path, ", got an empty file");
        refuse_nul();
        read_row();
        if (options_.header)
            take_header();
        else
            for (std::size_t i = 0; i < table_.cells.size(); ++i)
                table_.names.push_back(std::to_string(i));
        take_missing();
        // In one column an empty line is a row with an empty cell; in several it is none, and may stand at the end alone.
        while (at_ != end_ && !(table_.names.size() > 1 && (*at_ == '\n' || *at_ == '\r') && rest_is_empty()))
            read_row();
        return std::move(table_);
    }

private:
    [[nodiscard]] bool rest_is_empty() const noexcept {
        return std::all_of(at_, end_, [](char c) { return c == '\n' || c == '\r'; });
    }

    /// No table has one, but text in UTF-16 does, and would come as other names and numbers.
    void refuse_nul() const {
        char* const nul = std::find(at_, end_, '\0');
        require<IoError>(nul == end_, "load_csv", "expected text in UTF-8 or another extension of ASCII in ", table_.path, ", line ",
                         1 + std::count(at_, nul, '\n'), ", got a zero byte");
    }

    void take_missing() {
        const auto bare = [](std::vector<std::string> texts) {
            for (std::string& text : texts)
                text = std::string{without_blanks(text)};
            return texts;
        };
        table_.missing.assign(table_.names.size(), bare(options_.missing));
        for (const auto& [name, texts] : options_.missing_in) {
            const auto found = std::find(table_.names.begin(), table_.names.end(), name);
            require<IoError>(found != table_.names.end(), "load_csv", "expected the names in .missing_in among the columns of ",
                             table_.path, ": ", listed(table_.names), "; got '", name, "'");
            table_.missing[static_cast<std::size_t>(found - table_.names.begin())] = bare(texts);
        }
    }

    void take_header() {
        table_.names.assign(table_.cells.begin(), table_.cells.end());
        table_.cells.clear();
        table_.lines.clear();
        std::unordered_set<std::string_view> seen;
        for (const std::string& name : table_.names)
            require<IoError>(seen.insert(name).second, "load_csv", "expected each column name once in ", table_.path, ", line 1, got '",
                             name, "' twice");
    }

    void read_row() {
        const std::size_t first = table_.cells.size();
        const std::size_t start = line_;
        bool more = true;
        while (more)
            more = read_field();
        const std::size_t count = table_.cells.size() - first;
        require<IoError>(table_.names.empty() || count == table_.names.size(), "load_csv", "expected ", table_.names.size(), " columns in ",
                         table_.path, ", line ", start, ", got ", count);
        table_.lines.push_back(start);
        column_ = 1;
    }

    /// True if the row goes on.
    bool read_field() {
        char* cursor = at_;
        if (options_.trim)
            while (cursor != end_ && is_blank(*cursor))
                ++cursor;
        if (cursor != end_ && *cursor == '"') {
            at_ = cursor + 1;
            read_quoted();
        } else {
            char* const first = cursor;
            while (cursor != end_ && *cursor != options_.separator && *cursor != '\n' && *cursor != '\r')
                ++cursor;
            at_ = cursor;
            if (options_.trim)
                while (cursor != first && is_blank(cursor[-1]))
                    --cursor;
            table_.cells.emplace_back(first, static_cast<std::size_t>(cursor - first));
        }
        return end_of_field();
    }

    /// `at_` is behind the opening quote, and behind the closing one afterwards.
    void read_quoted() {
        const std::size_t start = line_;
        char* const first = at_;
        char* to = at_;
        for (;; ++at_) {
            require<IoError>(at_ != end_, "load_csv", "expected a closing quote in ", table_.path, ", line ", start, ", column ", column_,
                             ", got the end of the file");
            if (*at_ == '"') {
                if (at_ + 1 == end_ || at_[1] != '"')
                    break;
                ++at_;
            }
            line_ += *at_ == '\n';
            if (to != at_)
                *to = *at_;
            ++to;
        }
        ++at_;
        table_.cells.emplace_back(first, static_cast<std::size_t>(to - first));
        if (options_.trim)
            while (at_ != end_ && is_blank(*at_))
                ++at_;
        require<IoError>(at_ == end_ || *at_ == options_.separator || *at_ == '\n' || *at_ == '\r', "load_csv",
                         "expected a separator after the closing quote in ", table_.path, ", line ", line_, ", column ", column_, ", got '",
                         at_ == end_ ? ' ' : *at_, "'");
    }

    bool end_of_field() {
        if (at_ == end_)
            return false;
        if (*at_ == options_.separator) {
            ++at_;
            ++column_;
            return true;
        }
        if (*at_ == '\r') {  // alone it ended a line long ago, and is a damaged field today: either way something to look at
            require<IoError>(at_ + 1 != end_ && at_[1] == '\n', "load_csv", "expected lines that end with LF or CR LF in ", table_.path,
                             ", line ", line_, ", column ", column_, ", got a CR alone, which only quotes may hold");
            ++at_;
        }
        ++at_;
        ++line_;
        return false;
    }

    [[nodiscard]] bool is_blank(char c) const noexcept { return (c == ' ' || c == '\t') && c != options_.separator; }

    const CsvOptions& options_;
    CsvCells table_;
    char* at_ = nullptr;
    char* end_ = nullptr;
    std::size_t line_ = 1;
    std::size_t column_ = 1;
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::io
