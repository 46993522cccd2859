// SPDX-License-Identifier: MIT
/// @file The grammar of CSV: text to cells, of a whole file or of one piece after the other. `io/csv.hpp` is what programs include.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/csv_cells.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// Where a field without quotes ends: the first separator, LF or CR from `at` on, or `end`. Eight bytes at a time: most fields are shorter
/// than that, so that their lengths are no branches to be guessed.
[[nodiscard]] inline char* end_of_text(char* at, char* end, char separator) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
        const auto zeros = [](std::uint64_t x) { return (x - ones) & ~x & tops; };  // the lowest bit of it is at the first byte that is 0
        const std::uint64_t separators = ones * static_cast<unsigned char>(separator);
        for (; end - at >= 8; at += 8) {
            std::uint64_t bytes;
            std::memcpy(&bytes, at, 8);
            if (const auto found = zeros(bytes ^ separators) | zeros(bytes ^ ones * '\n') | zeros(bytes ^ ones * '\r'))
                return at + std::countr_zero(found) / 8;
        }
    }
    while (at != end && *at != separator && *at != '\n' && *at != '\r')
        ++at;
    return at;
}

/// Reads a text, or a long one piece after the other. Cells are views; a field whose quotes stand for quotes is made shorter in place,
/// once its row is known to be whole.
class CsvParser {
public:
    /// `options` must outlive this.
    CsvParser(const CsvOptions& options, std::filesystem::path path) : options_{options}, path_{std::move(path)} {
        require<ValueError>(options.separator != '"' && options.separator != '\n' && options.separator != '\r', "load_csv",
                            "expected a separator other than a quote or the end of a line");
    }

    /// The rows of a text that goes on to the end of the table.
    [[nodiscard]] CsvCells parse(std::string text) {
        std::string rest;
        return parse(std::move(text), true, rest);
    }
    /// The whole rows of a piece; `rest` becomes the part of a row at its end, with which the next piece must begin. None are left unless
    /// `last` says that the table ends here.
    [[nodiscard]] CsvCells parse(std::string text, bool last, std::string& rest) {
        table_ = {};
        table_.cells.reserve(cells_);
        table_.text = std::make_unique<std::string>(std::move(text));
        table_.empty_is_missing = options_.empty_is_missing;
        table_.path = path_;
        at_ = table_.text->data();
        end_ = at_ + table_.text->size();
        last_ = last;
        if (columns_ || begin()) {
            table_.columns = columns_;
            // In one column an empty line is a row with an empty cell; in several it is none, and may stand at the end alone.
            while (at_ != end_ && !(width() > 1 && (*at_ == '\n' || *at_ == '\r') && rest_is_empty()) && read_row()) {
            }
        }
        rest.assign(last ? end_ : at_, end_);  // empty lines at the end are no beginning of another table
        cells_ = table_.cells.size();
        return std::move(table_);
    }

    /// Whether the names of the columns are known.
    [[nodiscard]] bool begun() const noexcept { return columns_ != nullptr; }
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return columns_->names; }
    /// The line at which the next piece begins.
    [[nodiscard]] std::size_t line() const noexcept { return line_; }

private:
    /// Reads the header. False if there is not all of it yet.
    bool begin() {
        char* const first = at_;
        if (table_.text->starts_with("\xEF\xBB\xBF"))
            at_ += 3;
        const bool empty = rest_is_empty();
        require<IoError>(!empty || !last_, "load_csv", "expected a table in ", path_, ", got an empty file");
        if (empty || !read_row()) {
            at_ = first;
            return false;
        }
        std::vector<std::string> names;
        for (std::size_t i = 0; i < table_.cells.size(); ++i)
            names.push_back(options_.header ? std::string{table_.cells[i]} : std::to_string(i));
        if (options_.header) {
            table_.cells.clear();
            table_.lines.clear();
        }
        take_columns(std::move(names));
        return true;
    }

    /// Number of columns.
    [[nodiscard]] std::size_t width() const noexcept { return columns_->names.size(); }

    [[nodiscard]] bool rest_is_empty() const noexcept {
        return std::all_of(at_, end_, [](char c) { return c == '\n' || c == '\r'; });
    }

    void take_columns(std::vector<std::string> names) {
        std::unordered_set<std::string_view> seen;
        for (const std::string& name : names)
            require<IoError>(seen.insert(name).second, "load_csv", "expected each column name once in ", path_, ", line 1, got '", name,
                             "' twice");
        const auto columns = std::make_shared<CsvColumns>(std::move(names));
        columns->missing.assign(columns->names.size(), CsvMissing{options_.missing});
        for (const auto& [name, texts] : options_.missing_in) {
            const auto found = columns->places.find(name);
            if (found == columns->places.end())
                fail<IoError>("load_csv", "expected the names in .missing_in among the columns of ", path_, ": ", listed(columns->names),
                              "; got '", name, "'");
            columns->missing[found->second] = CsvMissing{texts};
        }
        columns_ = columns;
    }

    /// False, and nothing is read, if the piece ends within the row.
    bool read_row() {
        char* const begin = at_;
        const std::size_t first = table_.cells.size();
        const std::size_t start = line_;
        cut_ = false;
        column_ = 1;
        doubled_.clear();
        while (read_field()) {
        }
        if (cut_) {
            table_.cells.resize(first);
            at_ = begin;
            line_ = start;
            return false;
        }
        refuse_nul(begin, start);
        const std::size_t count = table_.cells.size() - first;
        if (columns_ && count != width())
            fail<IoError>("load_csv", "expected ", width(), " columns in ", path_, ", line ", start, ", got ", count);
        for (const std::size_t cell : doubled_)
            table_.cells[cell] = with_single_quotes(table_.cells[cell]);
        table_.lines.push_back(start);
        return true;
    }

    /// No table has one, but text in UTF-16 does, and would come as other names and numbers.
    void refuse_nul(const char* begin, std::size_t line) const {
        const void* const nul = std::memchr(begin, 0, static_cast<std::size_t>(at_ - begin));
        if (nul)
            fail<IoError>("load_csv", "expected text in UTF-8 or another extension of ASCII in ", path_, ", line ",
                          line + static_cast<std::size_t>(std::count(begin, static_cast<const char*>(nul), '\n')), ", got a zero byte");
    }

    /// True if the row goes on.
    bool read_field() {
        char* cursor = at_;
        if (options_.trim)
            while (cursor != end_ && is_blank(*cursor))
                ++cursor;
        if (cursor != end_ && *cursor == '"') {
            at_ = cursor + 1;
            if (!read_quoted())
                return false;
        } else {
            char* const first = cursor;
            at_ = cursor = end_of_text(cursor, end_, options_.separator);
            if (options_.trim)
                while (cursor != first && is_blank(cursor[-1]))
                    --cursor;
            table_.cells.emplace_back(first, static_cast<std::size_t>(cursor - first));
        }
        return end_of_field();
    }

    /// `at_` is behind the opening quote, and behind the closing one afterwards. False if the piece ends before.
    bool read_quoted() {
        const std::size_t start = line_;
        char* const first = at_;
        bool doubled = false;
        for (;;) {
            auto* const quote = at_ == end_ ? nullptr : static_cast<char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
            cut_ = !last_ && (!quote || quote + 1 == end_);  // another quote may come behind it
            if (cut_)
                return false;
            require<IoError>(quote != nullptr, "load_csv", "expected a closing quote in ", path_, ", line ", start, ", column ", column_,
                             ", got the end of the file");
            line_ += static_cast<std::size_t>(std::count(at_, quote, '\n'));
            at_ = quote + 1;
            if (at_ == end_ || *at_ != '"')
                break;
            doubled = true;
            ++at_;
        }
        if (doubled)
            doubled_.push_back(table_.cells.size());
        table_.cells.emplace_back(first, static_cast<std::size_t>(at_ - 1 - first));
        if (options_.trim)
            while (at_ != end_ && is_blank(*at_))
                ++at_;
        require<IoError>(at_ == end_ || *at_ == options_.separator || *at_ == '\n' || *at_ == '\r', "load_csv",
                         "expected a separator after the closing quote in ", path_, ", line ", line_, ", column ", column_, ", got '",
                         at_ == end_ ? ' ' : *at_, "'");
        return true;
    }

    [[nodiscard]] std::string_view with_single_quotes(std::string_view cell) {
        char* const first = table_.text->data() + (cell.data() - table_.text->data());
        char* to = first;
        for (std::size_t i = 0; i < cell.size(); i += cell[i] == '"' ? 2 : 1)
            *to++ = cell[i];
        return {first, static_cast<std::size_t>(to - first)};
    }

    bool end_of_field() {
        if (at_ == end_) {
            cut_ = !last_;
            return false;
        }
        if (*at_ == options_.separator) {
            ++at_;
            ++column_;
            return true;
        }
        if (*at_ == '\r') {  // alone it ended a line long ago, and is a damaged field today: either way something to look at
            cut_ = !last_ && at_ + 1 == end_;
            if (cut_)
                return false;
            require<IoError>(at_ + 1 != end_ && at_[1] == '\n', "load_csv", "expected lines that end with LF or CR LF in ", path_,
                             ", line ", line_, ", column ", column_, ", got a CR alone, which only quotes may hold");
            ++at_;
        }
        ++at_;
        ++line_;
        return false;
    }

    [[nodiscard]] bool is_blank(char c) const noexcept { return (c == ' ' || c == '\t') && c != options_.separator; }

    const CsvOptions& options_;
    std::filesystem::path path_;
    std::shared_ptr<const CsvColumns> columns_;  // null before the header is read
    CsvCells table_;
    std::size_t cells_ = 0;  // of the piece before, which the next one will not differ much from
    char* at_ = nullptr;
    char* end_ = nullptr;
    bool last_ = true;
    bool cut_ = false;  // the piece ended within the row
    std::vector<std::size_t> doubled_;  // cells of the row in which two quotes stand for one
    std::size_t line_ = 1;
    std::size_t column_ = 1;
};

}  // namespace espalier::inline ESPALIER_ABI::io::detail
