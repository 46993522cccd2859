// SPDX-License-Identifier: MIT
// The first byte chooses options, the rest is the text: refused by an IoError, or a table that comes back equal when all its
// cells are written in quotes. In pieces it is refused, or has the same cells, as well.
#include <espalier/io/csv.hpp>

#include "fuzz/property.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace espalier;

namespace {

io::CsvOptions options_of(std::uint8_t choice) {
    io::CsvOptions options;
    options.header = (choice & 1) == 0;
    options.trim = (choice & 2) != 0;
    options.empty_is_missing = (choice & 4) == 0;
    options.separator = ",;\t "[choice >> 3 & 3];
    if (choice & 32)
        options.missing = {};
    return options;
}

std::string in_quotes(std::string_view text) {
    std::string result = "\"";
    for (const char c : text)
        result += c == '"' ? std::string{"\"\""} : std::string{c};
    return result + '"';
}

std::string written(const io::CsvTable& table, const io::CsvOptions& options) {
    std::string text;
    const auto end_cell = [&](Index column) { text += column + 1 < table.columns() ? options.separator : '\n'; };
    if (options.header)
        for (Index column = 0; column < table.columns(); ++column) {
            text += in_quotes(table.names()[static_cast<std::size_t>(column)]);
            end_cell(column);
        }
    for (Index row = 0; row < table.rows(); ++row)
        for (Index column = 0; column < table.columns(); ++column) {
            text += in_quotes(table.column(column).text(row));
            end_cell(column);
        }
    return text;
}

template <class Value>
void check_numbers(const io::CsvColumn& column) {
    try {
        for (const Value value : column.numbers<Value>(Value{0}))
            fuzz::expect(std::isfinite(static_cast<double>(value)), "numbers are finite");
    } catch (const IoError&) {
    }
}

void check_column(const io::CsvColumn& column) {
    check_numbers<float>(column);
    check_numbers<double>(column);
    check_numbers<Index>(column);
    check_numbers<std::uint8_t>(column);
    const auto present = column.present();
    const auto categories = column.categories();
    const auto indices = column.indices(-1);
    for (Index row = 0; row < column.size(); ++row) {
        fuzz::expect(present[row] == (indices[row] >= 0), "what is missing has no category");
        fuzz::expect(!present[row] || categories[static_cast<std::size_t>(indices[row])] == column.text(row), "a category is its text");
        fuzz::expect(!column.place(row).empty(), "each cell has a place");
    }
}

/// Names, cells and lines as one text, or the error, of a text that comes in pieces of a size.
std::string in_pieces(std::string_view text, const io::CsvOptions& options, std::size_t size) {
    std::string cells, lines, rest;
    try {
        io::detail::CsvParser parser{options, "text"};
        for (bool last = false; !last;) {
            std::string piece = rest;
            piece += text.substr(0, size);
            text.remove_prefix(std::min(size, text.size()));
            last = text.empty();
            const io::detail::CsvCells table = parser.parse(std::move(piece), last, rest);
            for (const std::string_view cell : table.cells)
                cells += concat('<', cell, '>');
            for (const std::size_t line : table.lines)
                lines += concat('#', line);
        }
        return cells + lines + io::detail::listed(parser.names());
    } catch (const IoError& error) {
        return error.what();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const io::CsvOptions options = options_of(data[0]);
    const std::string bytes = fuzz::text(data + 1, size - 1);
    const std::string in_one = in_pieces(bytes, options, bytes.size());
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, bytes.size() / 2 + 1})
        fuzz::expect(in_pieces(bytes, options, piece) == in_one, "a table in pieces is the whole table");
    std::optional<io::CsvTable> table;
    try {
        table = io::parse_csv(bytes, options);
    } catch (const IoError&) {
        return 0;
    }
    for (Index column = 0; column < table->columns(); ++column)
        check_column(table->column(column));

    const std::string text = written(*table, options);
    const io::CsvTable again = io::parse_csv(text, options);
    fuzz::expect(again.names() == table->names() && again.rows() == table->rows(), "a table in quotes has its names and rows");
    fuzz::expect(written(again, options) == text, "a table in quotes has its cells");
    return 0;
}
