// SPDX-License-Identifier: MIT
/// @file Tables of comma-separated values, plain or gzipped: columns of numbers as tensors, columns of text as class indices.
///
/// @code
/// const auto table = io::load_csv("people.csv");              // empty cells and NA, NaN, null, N/A are missing
/// auto age = table.column("age").numbers();                   // Tensor<float> (N,)
/// auto sex = table.column("sex").indices();                   // Tensor<Index> (N,), classes in sorted order
/// auto inputs = table.numbers({"age", "hours"}, 0.0f);        // Tensor<float> (N, 2), missing cells are 0
/// @endcode
#pragma once

#include <espalier/io/csv_cells.hpp>
#include <espalier/io/csv_parse.hpp>
#include <espalier/io/gzip.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// One column of a table, and a share in the table: it stays valid when the table is gone.
class CsvColumn {
public:
    CsvColumn(std::shared_ptr<const detail::CsvCells> cells, std::size_t column) : cells_{std::move(cells)}, column_{column} {}

    [[nodiscard]] const std::string& name() const& noexcept { return cells_->names()[column_]; }
    [[nodiscard]] std::string name() && { return cells_->names()[column_]; }
    [[nodiscard]] Index size() const noexcept { return static_cast<Index>(cells_->lines.size()); }
    /// The text of one cell. @throws ValueError for a row that there is not
    [[nodiscard]] std::string_view text(Index row) const& { return cell(checked(row)); }
    [[nodiscard]] std::string text(Index row) && { return std::string{cell(checked(row))}; }  // the table may be gone as well

    /// Where a cell stands, for an error of one's own: ` in "people.csv", line 3, column 2 'age'`. @throws as above
    [[nodiscard]] std::string place(Index row) const { return cells_->place(checked(row), column_); }

    /// Which cells hold something, (N,): the mask of a target whose label is missing in some rows.
    [[nodiscard]] Tensor<bool> present() const {
        auto result = Tensor<bool>::empty({size()});
        for (std::size_t row = 0; row < rows(); ++row)
            result[static_cast<Index>(row)] = !is_missing(row);
        return result;
    }

    /// The numbers, (N,); missing cells become `missing`.
    /// @throws IoError naming file, line and column for what is no finite `Scalar`, or is missing without a substitute
    template <class Scalar = float>
    [[nodiscard]] Tensor<Scalar> numbers(std::type_identity_t<std::optional<Scalar>> missing = {}) const {
        auto result = Tensor<Scalar>::empty({size()});
        write_numbers(result.data(), 1, missing);
        return result;
    }

    /// The different texts of the column, sorted by their bytes; missing cells are left out.
    [[nodiscard]] std::vector<std::string> categories() const {
        std::unordered_set<std::string_view> different;
        for (std::size_t row = 0; row < rows(); ++row)
            if (!is_missing(row))
                different.insert(cell(row));
        std::vector<std::string> sorted(different.begin(), different.end());
        std::sort(sorted.begin(), sorted.end());
        return sorted;
    }

    /// The place of each cell's text in `categories()`, (N,); missing cells become `missing`.
    /// @throws IoError naming file, line and column for a missing cell without a substitute
    [[nodiscard]] Tensor<Index> indices(std::optional<Index> missing = {}) const { return indices(categories(), missing); }

    /// The place of each cell's text in a list of one's own, (N,): the list of the training data serves the test data. A text
    /// that is not in the list becomes `unknown`.
    /// @throws IoError as above, also for a text that is not in the list without a substitute; ValueError for a list with a text twice
    [[nodiscard]] Tensor<Index> indices(const std::vector<std::string>& categories, std::optional<Index> missing = {},
                                        std::optional<Index> unknown = {}) const {
        std::unordered_map<std::string_view, Index> places;
        for (const std::string& category : categories)
            require<ValueError>(places.emplace(category, static_cast<Index>(places.size())).second, "csv",
                                "expected each category once, got '", category, "' twice");
        auto result = Tensor<Index>::empty({size()});
        for (std::size_t row = 0; row < rows(); ++row) {
            Index& index = result[static_cast<Index>(row)];
            if (is_missing(row)) {
                index = substitute(row, missing, "indices(-1)");
                continue;
            }
            const auto place = places.find(cell(row));
            if (place == places.end() && !unknown)
                fail<IoError>("csv", "expected one of ", categories.size(), " known categories", cells_->place(row, column_), ", got '",
                              detail::shortened(cell(row)), "'");
            index = place == places.end() ? *unknown : place->second;
        }
        return result;
    }

    /// Calls `f(row, number)` for every row, a `std::optional<Scalar>`, without a copy of the column: nothing where the cell is missing.
    /// @throws IoError as `numbers`, and what `f` throws
    template <class Scalar = float, class F>
    void for_each_number(F f) const {
        for (std::size_t row = 0; row < rows(); ++row) {
            std::optional<Scalar> number;
            if (!is_missing(row))
                parse(row, number.emplace());
            f(static_cast<Index>(row), number);
        }
    }
    /// Calls `f(row, text)` for every row whose cell is not missing. @throws what `f` throws
    template <class F>
    void for_each_text(F f) const {
        for (std::size_t row = 0; row < rows(); ++row)
            if (!is_missing(row))
                f(static_cast<Index>(row), cell(row));
    }

private:
    friend class CsvTable;

    [[nodiscard]] std::size_t rows() const noexcept { return cells_->lines.size(); }
    [[nodiscard]] std::size_t checked(Index row) const {
        require<ValueError>(row >= 0 && row < size(), "csv", "expected a row in [0, ", size(), "), got ", row);
        return static_cast<std::size_t>(row);
    }
    [[nodiscard]] std::string_view cell(std::size_t row) const noexcept { return cells_->at(row, column_); }
    [[nodiscard]] bool is_missing(std::size_t row) const noexcept { return cells_->is_missing(row, column_); }

    template <class Value>
    [[nodiscard]] Value substitute(std::size_t row, const std::optional<Value>& missing, const char* way) const {
        if (!missing)
            fail<IoError>("csv", "expected a value", cells_->place(row, column_), ", got '", detail::shortened(cell(row)),
                          "', which .missing of CsvOptions takes for none; say what stands for such cells, as in ", way,
                          ", and present() is their mask");
        return *missing;
    }

    template <class Scalar>
    void write_numbers(Scalar* to, Index stride, const std::optional<Scalar>& missing) const {
        for (std::size_t row = 0; row < rows(); ++row, to += stride) {
            if (is_missing(row))
                *to = substitute(row, missing, "numbers(0)");
            else
                parse(row, *to);
        }
    }

    template <class Scalar>
    void parse(std::size_t row, Scalar& to) const {
        if (detail::parse_number(cell(row), to))
            return;
        const bool blanks_are_wrong = detail::parse_number(detail::without_blanks(cell(row)), to);
        fail<IoError>("csv", "expected ", std::integral<Scalar> ? "an integer in range" : "a finite number", cells_->place(row, column_),
                      ", got '", detail::shortened(cell(row)),
                      blanks_are_wrong ? "'; for tables with blanks around their cells there is .trim of CsvOptions"
                                       : "'; if that means \"no value\", list it in .missing of CsvOptions");
    }

    std::shared_ptr<const detail::CsvCells> cells_;
    std::size_t column_;
};

/// A table that has been read whole. Copies share the text, which never changes.
class CsvTable {
public:
    explicit CsvTable(detail::CsvCells cells) : cells_{std::make_shared<const detail::CsvCells>(std::move(cells))} {}

    /// Rows without the header.
    [[nodiscard]] Index rows() const noexcept { return static_cast<Index>(cells_->lines.size()); }
    [[nodiscard]] Index columns() const noexcept { return static_cast<Index>(cells_->names().size()); }
    /// Where it was read from.
    [[nodiscard]] const std::filesystem::path& path() const& noexcept { return cells_->path; }
    [[nodiscard]] std::filesystem::path path() && { return cells_->path; }
    /// Names from the header, or "0", "1", ... without one.
    [[nodiscard]] const std::vector<std::string>& names() const& noexcept { return cells_->names(); }
    [[nodiscard]] std::vector<std::string> names() && { return cells_->names(); }

    /// @throws IoError that lists the columns there are
    [[nodiscard]] CsvColumn column(std::string_view name) const {
        const auto found = cells_->columns->places.find(name);
        if (found == cells_->columns->places.end())
            fail<IoError>("csv", "expected a column of ", cells_->path, ": ", detail::listed(names()), "; got '", name, "'");
        return {cells_, found->second};
    }
    [[nodiscard]] bool has_column(std::string_view name) const noexcept { return cells_->columns->places.contains(name); }
    /// @throws IoError unless 0 <= column < columns()
    template <std::integral Integer>
    [[nodiscard]] CsvColumn column(Integer column) const {
        require<IoError>(std::cmp_greater_equal(column, 0) && std::cmp_less(column, columns()), "csv", "expected a column in [0, ",
                         columns(), ") of ", cells_->path, ", got ", column);
        return {cells_, static_cast<std::size_t>(column)};
    }

    /// Several columns of numbers side by side, (N, number of names): the inputs of a network. @throws as `CsvColumn::numbers`
    template <class Scalar = float>
    [[nodiscard]] Tensor<Scalar> numbers(const std::vector<std::string>& names,
                                         std::type_identity_t<std::optional<Scalar>> missing = {}) const {
        const auto width = static_cast<Index>(names.size());
        auto result = Tensor<Scalar>::empty({rows(), width});
        for (Index i = 0; i < width; ++i)
            column(names[static_cast<std::size_t>(i)]).write_numbers(result.data() + i, width, missing);
        return result;
    }

private:
    std::shared_ptr<const detail::CsvCells> cells_;
};

/// Reads a table from memory; `name` stands for it in errors. @throws IoError as `load_csv`
[[nodiscard]] inline CsvTable parse_csv(std::string text, const CsvOptions& options = {}, const std::filesystem::path& name = "text") {
    return CsvTable{detail::CsvParser{options, name}.parse(std::move(text))};
}

inline namespace ESPALIER_ZLIB {

/// Reads a table from a file, plain or gzipped; fields and quotes as in RFC 4180, lines end with LF or CR LF.
///
/// Empty lines at the end are skipped, but in a table of one column, where each is a missing cell. A byte order mark is
/// skipped. A quote that does not begin a field is an ordinary character. Numbers have a point, whatever the locale.
/// @throws IoError naming file, line and column: a row of another length, a quote that is not closed, text after a closing
/// quote, a CR alone, a zero byte, two columns of one name, an empty file, more than `max_bytes`
[[nodiscard]] inline CsvTable load_csv(const std::filesystem::path& path, const CsvOptions& options = {}) {
    return parse_csv(read_bytes(path, options.max_bytes), options, path);
}

}  // namespace ESPALIER_ZLIB
}  // namespace espalier::inline ESPALIER_ABI::io
