// SPDX-License-Identifier: MIT
/// @file Cells of CSV: which of them are missing, and what number one is. `io/csv.hpp` is what programs include.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>

#include <algorithm>
#include <bitset>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <locale>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
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
    std::uint64_t max_bytes = 0x1'0000'0000;  ///< `load_csv` refuses more (decompressed) bytes than this
};

namespace detail {

[[nodiscard]] inline std::string_view without_blanks(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

/// The texts that mean "no value" in a column.
struct CsvMissing {
    std::vector<std::string> texts;  // without blanks around them
    std::bitset<256> begins;         // what they, or blanks around them, begin with: most cells begin with something else

    CsvMissing() = default;
    explicit CsvMissing(const std::vector<std::string>& listed) {
        begins.set(' ').set('\t');
        for (const std::string& text : listed)
            if (const auto& bare = texts.emplace_back(without_blanks(text)); !bare.empty())
                begins.set(static_cast<unsigned char>(bare.front()));
    }
    [[nodiscard]] bool holds(std::string_view cell, bool empty_is_missing) const noexcept {
        if (!cell.empty() && !begins[static_cast<unsigned char>(cell.front())])
            return false;
        cell = without_blanks(cell);
        return (cell.empty() && empty_is_missing) || std::find(texts.begin(), texts.end(), cell) != texts.end();
    }
};

/// What is known of the columns of a table, shared by all its blocks: a table may have as many columns as a block has cells.
struct CsvColumns {
    std::vector<std::string> names;
    std::vector<CsvMissing> missing = {};
    std::unordered_map<std::string_view, std::size_t> places = {};  // of the names

    explicit CsvColumns(std::vector<std::string> given) : names{std::move(given)} {
        for (const std::string& name : names)
            places.emplace(name, places.size());
    }
    CsvColumns(const CsvColumns&) = delete;  // the places refer to the names
    CsvColumns& operator=(const CsvColumns&) = delete;
    ~CsvColumns() = default;
};

/// A table as views into its text, row after row.
struct CsvCells {
    std::unique_ptr<std::string> text;  // in one place even when this struct moves
    std::shared_ptr<const CsvColumns> columns;  // null while they are not known
    std::vector<std::string_view> cells;
    std::vector<std::size_t> lines;  // where each row begins, counted from 1
    bool empty_is_missing = true;
    std::filesystem::path path;

    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return columns->names; }
    [[nodiscard]] std::string_view at(std::size_t row, std::size_t column) const noexcept { return cells[row * names().size() + column]; }
    [[nodiscard]] bool is_missing(std::size_t row, std::size_t column) const noexcept {
        return columns->missing[column].holds(at(row, column), empty_is_missing);
    }
    [[nodiscard]] std::string place(std::size_t row, std::size_t column) const {
        return concat(" in ", path, ", line ", lines[row], ", column ", column + 1, " '", names()[column], "'");
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

/// Whether a floating-point number that is out of range is so by being too near to 0: by where its first digit other than 0 stands.
[[nodiscard]] inline bool is_tiny(std::string_view text) noexcept {
    const std::size_t end = std::min(text.find_first_of("eE"), text.size());
    const std::string_view digits = text.substr(0, end);
    const auto point = static_cast<double>(std::min(digits.find('.'), digits.size()));
    const auto first = static_cast<double>(std::min(digits.find_first_of("123456789"), digits.size()));
    std::string_view power = end == text.size() ? "0" : text.substr(end + 1);
    if (power.starts_with('+'))
        power.remove_prefix(1);
    std::int64_t exponent = 0;
    if (std::from_chars(power.data(), power.data() + power.size(), exponent).ec == std::errc::result_out_of_range)
        return power.starts_with('-');
    return static_cast<double>(exponent) + point - first < 0;
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
        double wide = 0;  // a number too small for float, or for double, is 0; one too large is refused
#if defined(__cpp_lib_to_chars)
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wide);
        const bool fits = error == std::errc{} || (error == std::errc::result_out_of_range && is_tiny(text));
        const bool whole = fits && end == text.data() + text.size();
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

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::io
