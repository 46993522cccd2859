// SPDX-License-Identifier: MIT
/// @file What the columns of a table are labels of: classes, a number, or several labels at once.
///
/// @code
/// const auto table = io::load_csv("cats.csv");                  // file,breed,weight,seen
/// const auto found = io::column_kind(table.column("seen"));     // "garden|roof", "roof", "", ...
/// found.kind                                                    // io::ColumnKind::labels
/// const auto names = io::label_names(table.column("seen"), found.separator);
/// const losses::Target<> seen = {io::label_values(table.column("seen"), names, found.separator), table.column("seen").present()};
/// @endcode
#pragma once

#include <espalier/io/csv.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// What can be learnt of a column.
enum class ColumnKind {
    nothing,  ///< no more than its rows' own names, or one value
    classes,  ///< one of several texts, as for `losses::CrossEntropy`
    number,   ///< as for `losses::MSE`
    labels,   ///< any of several texts at once, as for `losses::BCEWithLogits`
};

/// A column's kind, and what it was told by.
struct FoundColumnKind {
    ColumnKind kind = ColumnKind::nothing;
    char separator = '|';     ///< between the labels of a cell
    std::string reason = {};  ///< why nothing can be learnt of it, as the end of "left out, as ..."; empty for other kinds
};

/// The labels of a cell, in its order: what lies between separators, without blanks around it; empty ones are left out.
[[nodiscard]] inline std::vector<std::string> split_labels(std::string_view cell, char separator) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= cell.size();) {
        const std::size_t end = std::min(cell.find(separator, begin), cell.size());
        if (const auto part = detail::without_blanks(cell.substr(begin, end - begin)); !part.empty())
            parts.emplace_back(part);
        begin = end + 1;
    }
    return parts;
}

/// The labels that at least `least` cells of a column hold, sorted by their bytes.
[[nodiscard]] inline std::vector<std::string> label_names(const CsvColumn& column, char separator, Index least = 1) {
    const auto present = column.present();
    std::map<std::string, Index> cells;
    for (Index row = 0; row < column.size(); ++row)
        if (present[row]) {
            const auto parts = split_labels(column.text(row), separator);
            for (const auto& part : std::set<std::string>(parts.begin(), parts.end()))
                ++cells[part];
        }
    std::vector<std::string> names;
    for (const auto& [name, count] : cells)
        if (count >= least)
            names.push_back(name);
    return names;
}

/// 1 for each of `names` that a cell holds, else 0, (N, number of names); labels that are not among them do not matter, and missing cells
/// hold none: `column.present()` is their mask.
template <class Scalar = float>
[[nodiscard]] Tensor<Scalar> label_values(const CsvColumn& column, const std::vector<std::string>& names, char separator) {
    std::unordered_map<std::string_view, Index> places;
    for (const std::string& name : names)
        places.emplace(name, static_cast<Index>(places.size()));
    const auto width = static_cast<Index>(names.size());
    const auto present = column.present();
    Tensor<Scalar> values{{column.size(), width}};
    for (Index row = 0; row < column.size(); ++row)
        if (present[row])
            for (const std::string& part : split_labels(column.text(row), separator))
                if (const auto place = places.find(part); place != places.end())
                    values[row * width + place->second] = 1;
    return values;
}

/// The texts that at least two cells of a column hold, sorted by their bytes: of others nothing is learnt that could be tested.
[[nodiscard]] inline std::vector<std::string> repeated_categories(const CsvColumn& column) {
    const auto all = column.categories();
    std::vector<Index> cells(all.size(), 0);
    for (const Index place : column.indices(all, -1))
        if (place >= 0)
            ++cells[static_cast<std::size_t>(place)];
    std::vector<std::string> names;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (cells[i] > 1)
            names.push_back(all[i]);
    return names;
}

namespace detail {

/// Whether at least a twentieth of the cells hold a separator, and a label is in several of them.
[[nodiscard]] inline bool holds_labels(const CsvColumn& column, char separator) {
    const auto present = column.present();
    Index cells = 0, several = 0;
    for (Index row = 0; row < column.size(); ++row)
        if (present[row]) {
            ++cells;
            several += split_labels(column.text(row), separator).size() > 1;
        }
    return several > 0 && 20 * several >= cells && !label_names(column, separator, 2).empty();
}

/// The numbers of a column's cells, sorted; nothing if one of them is a text.
[[nodiscard]] inline std::vector<double> sorted_numbers(const CsvColumn& column) {
    const auto present = column.present();
    std::vector<double> numbers;
    for (Index row = 0; row < column.size(); ++row)
        if (double number = 0; present[row]) {
            if (!parse_number(column.text(row), number))
                return {};
            numbers.push_back(number);
        }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

}  // namespace detail

/// What a column holds, told by its cells; missing ones do not count. In this order:
/// - no cells, or one value in all of them: nothing;
/// - numbers, one of them with a fraction or more than ten of them different: a number; but nothing if they number the rows, whole ones
///   without gaps, each once;
/// - `|` or `;` in at least a twentieth of the cells, between labels that come again: labels;
/// - at least two texts that come again: classes; else nothing.
[[nodiscard]] inline FoundColumnKind column_kind(const CsvColumn& column) {
    const auto categories = column.categories();
    if (categories.empty())
        return {.reason = "its cells are all empty"};
    if (categories.size() == 1)
        return {.reason = concat("its cells all say '", detail::shortened(categories.front()), "'")};
    if (const auto numbers = detail::sorted_numbers(column); !numbers.empty()) {
        const bool whole = std::all_of(numbers.begin(), numbers.end(), [](double x) { return x == std::floor(x); });
        const bool each_once = std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end();
        if (whole && each_once && numbers.back() - numbers.front() + 1 == static_cast<double>(numbers.size()))
            return {.reason = concat("its numbers from ", numbers.front(), " to ", numbers.back(), ", each once, number the rows")};
        if (!whole || categories.size() > 10)
            return {.kind = ColumnKind::number};
    }
    for (const char separator : {'|', ';'})
        if (detail::holds_labels(column, separator))
            return {.kind = ColumnKind::labels, .separator = separator};
    if (repeated_categories(column).size() >= 2)
        return {.kind = ColumnKind::classes};
    return {.reason = concat("fewer than two of its ", categories.size(), " texts come again")};
}

}  // namespace espalier::inline ESPALIER_ABI::io
