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

struct CsvOptions {
    bool header = true;                        ///< the first row names the columns
    char separator = ',';                      ///< any but a quote and the ends of a line
    bool trim = false;                         ///< drop spaces and tabs around each field, outside its quotes
    std::vector<std::string> missing = {};     ///< texts that mean "no value", such as "", "?" or "NA"
    std::uint64_t max_bytes = 0x1'0000'0000;   ///< refuse more (decompressed) bytes than this
};

namespace detail {

/// A table as views into its text, row after row.
struct CsvCells {
    std::unique_ptr<std::string> text;  // in one place even when this struct moves
    std::vector<std::string> names;
    std::vector<std::string_view> cells;
    std::vector<std::size_t> lines;  // where each row begins, counted from 1
    std::vector<std::string> missing;
    std::filesystem::path path;

    [[nodiscard]] bool is_missing(std::string_view cell) const noexcept {
        return std::find(missing.begin(), missing.end(), cell) != missing.end();
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
        table_.missing = options.missing;
        table_.path = path;
    }

    [[nodiscard]] CsvCells parse() {
        at_ = table_.text->data();
        end_ = at_ + table_.text->size();
        if (table_.text->starts_with("\xEF\xBB\xBF"))
            at_ += 3;
        while (end_ != at_ && (end_[-1] == '\n' || end_[-1] == '\r'))
            --end_;  // empty lines at the end, and the end of the last row
        require<IoError>(at_ != end_, "load_csv", "expected a table in ", table_.path, ", got an empty file");
        read_row();
        if (options_.header)
            take_header();
        else
            for (std::size_t i = 0; i < table_.cells.size(); ++i)
                table_.names.push_back(std::to_string(i));
        while (!done_)
            read_row();
        return std::move(table_);
    }

private:
    void take_header() {
        table_.names.assign(table_.cells.begin(), table_.cells.end());
        table_.cells.clear();
        table_.lines.clear();
        std::unordered_set<std::string_view> seen;
        for (const std::string& name : table_.names)
            require<IoError>(seen.insert(name).second, "load_csv", "expected each column name once in ", table_.path,
                             ", line 1, got '", name, "' twice");
    }

    void read_row() {
        const std::size_t first = table_.cells.size();
        const std::size_t start = line_;
        bool more = true;
        while (more)
            more = read_field();
        const std::size_t count = table_.cells.size() - first;
        require<IoError>(table_.names.empty() || count == table_.names.size(), "load_csv", "expected ", table_.names.size(),
                         " columns in ", table_.path, ", line ", start, ", got ", count);
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
            while (cursor != end_ && *cursor != options_.separator && *cursor != '\n')
                ++cursor;
            at_ = cursor;
            if ((cursor == end_ || *cursor == '\n') && cursor != first && cursor[-1] == '\r')
                --cursor;
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
            require<IoError>(at_ != end_, "load_csv", "expected a closing quote in ", table_.path, ", line ", start,
                             ", column ", column_, ", got the end of the file");
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
        if (at_ != end_ && *at_ == '\r' && (at_ + 1 == end_ || at_[1] == '\n'))
            ++at_;
        require<IoError>(at_ == end_ || *at_ == options_.separator || *at_ == '\n', "load_csv",
                         "expected a separator after the closing quote in ", table_.path, ", line ", line_, ", column ",
                         column_, ", got '", at_ == end_ ? ' ' : *at_, "'");
    }

    bool end_of_field() {
        done_ = at_ == end_;
        if (done_)
            return false;
        const bool more = *at_++ == options_.separator;
        line_ += !more;
        column_ += more;
        return more;
    }

    [[nodiscard]] bool is_blank(char c) const noexcept { return (c == ' ' || c == '\t') && c != options_.separator; }

    const CsvOptions& options_;
    CsvCells table_;
    char* at_ = nullptr;
    char* end_ = nullptr;
    std::size_t line_ = 1;
    std::size_t column_ = 1;
    bool done_ = false;
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::io
