// SPDX-License-Identifier: MIT
/// @file What a table encoder learns from rows, table after table. `io/table_encoder.hpp` is what programs include.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/moments.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/table_encoding.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// Which columns of a table become what. Columns that are not named are left alone.
struct TableColumns {
    std::vector<std::string> numbers = {};     ///< one feature each: standardised; a missing number is the mean, 0
    std::vector<std::string> categories = {};  ///< one feature for each text: 1 where it stands; all 0 for a missing or unknown one
    bool indicators = false;                   ///< one more feature for each number: 1 where it is missing, else 0
    std::vector<TableTarget> targets = {};
    std::vector<HashedColumn> hashed = {};  ///< categories as well, behind the others, of which none is unknown
    Index max_categories = 1000;  ///< a column with more texts than that is a name or an identifier rather than a category
    /// Texts that fewer rows hold are as unknown. With it or the next, a column may have more than `max_categories` texts in the table.
    Index min_frequency = 1;
    Index most_frequent = 0;  ///< if not 0: of each column the so many texts that most rows hold, the others are as unknown
};

namespace detail {

/// One error for all columns that a table does not have.
inline void require_columns(const CsvTable& table, const std::vector<std::string>& needed) {
    std::vector<std::string> absent;
    for (const std::string& name : needed)
        if (!table.has_column(name))
            absent.push_back(name);
    if (!absent.empty())
        fail<IoError>("table_encoder", "expected columns ", listed(absent), " in ", table.path(), ", got ", listed(table.names()));
}

/// Texts and how many rows hold each of them.
class TextCounts {
public:
    void add(std::string_view text) {
        const auto found = counts_.find(text);
        if (found != counts_.end())
            ++found->second;
        else
            counts_.emplace(text, 1);
    }
    [[nodiscard]] std::size_t size() const noexcept { return counts_.size(); }
    /// Those that at least `least` rows hold; of more than `most` the most frequent, by their bytes where that is a draw. Sorted by bytes.
    [[nodiscard]] std::vector<std::string> names(Index least, std::size_t most) const {
        std::vector<std::pair<Index, std::string_view>> kept;  // counts below 0, so that the largest comes first
        for (const auto& [text, count] : counts_)
            if (count >= least)
                kept.emplace_back(-count, text);
        std::sort(kept.begin(), kept.end());
        kept.resize(std::min(kept.size(), most));
        std::vector<std::string> names;
        for (const auto& [count, text] : kept)
            names.emplace_back(text);
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    struct Hash {  // looks texts up without a string of each
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };
    std::unordered_map<std::string, Index, Hash, std::equal_to<>> counts_;
};

/// Gathers the moments of numbers and the counts of texts.
class TableFit {
public:
    /// `columns` must outlive this. @throws ValueError for no features, a column named twice, or a frequency out of range
    explicit TableFit(const TableColumns& columns)
        : columns_{columns}, numbers_(columns.numbers.size()), categories_(columns.categories.size()), goals_(columns.targets.size()) {
        require<ValueError>(!columns.numbers.empty() || !columns.categories.empty() || !columns.hashed.empty(), "table_encoder",
                            "expected at least one column of numbers or categories, got none");
        require<ValueError>(columns.min_frequency >= 1 && columns.most_frequent >= 0, "table_encoder",
                            "expected .min_frequency of at least 1 and .most_frequent of at least 0, got ", columns.min_frequency, " and ",
                            columns.most_frequent);
        std::vector<std::string> tasks, categories = columns.categories;
        for (const TableTarget& target : columns.targets)
            tasks.push_back(target.column);
        for (const HashedColumn& hashed : columns.hashed) {
            require<ValueError>(hashed.buckets > 0, "table_encoder", "expected at least one bucket for column '", hashed.column, "', got ",
                                hashed.buckets);
            categories.push_back(hashed.column);
        }
        for (const auto* names : {&columns.numbers, &std::as_const(categories), &std::as_const(tasks)}) {
            refuse_twice(*names);
            needed_.insert(needed_.end(), names->begin(), names->end());
        }
    }

    /// The rows of a table, all of them unless some are listed. Classes are those of the whole table in either case.
    /// @throws IoError naming file, line and column; ValueError for a row that there is not, or too many categories
    void add(const CsvTable& table, std::optional<std::span<const Index>> rows = {}) {
        for (const Index row : rows.value_or(std::span<const Index>{}))
            require<ValueError>(row >= 0 && row < table.rows(), "table_encoder", "expected rows in [0, ", table.rows(), ") of ",
                                table.path(), ", got ", row);
        path_ = table.path();
        rows_ += rows ? static_cast<Index>(rows->size()) : table.rows();
        require_columns(table, needed_);
        for (std::size_t i = 0; i < numbers_.size(); ++i)
            add(table.column(columns_.numbers[i]), rows, numbers_[i]);
        for (std::size_t i = 0; i < categories_.size(); ++i) {
            add(table.column(columns_.categories[i]), rows, categories_[i]);
            if (columns_.min_frequency == 1 && columns_.most_frequent == 0)  // others may be many, and few remain
                refuse_too_many(columns_.categories[i], categories_[i].size());
        }
        for (std::size_t i = 0; i < goals_.size(); ++i) {
            const TableTarget& target = columns_.targets[i];
            if (is_scaled(target))
                add(table.column(target.column), rows, goals_[i].moments);
            else if (finds_classes(target))
                add(table.column(target.column), {}, goals_[i].classes);
        }
    }

    /// @throws ValueError for no rows, or a column of missing cells alone
    [[nodiscard]] TableEncoding encoding() const {
        require<ValueError>(rows_ > 0, "table_encoder", "expected at least one row of ", path_, ", got none");
        TableEncoding encoding{.indicators = columns_.indicators};
        for (std::size_t i = 0; i < numbers_.size(); ++i)
            encoding.numbers.push_back({columns_.numbers[i], scaling(columns_.numbers[i], numbers_[i])});
        for (std::size_t i = 0; i < categories_.size(); ++i)
            encoding.categories.push_back({columns_.categories[i], names(columns_.categories[i], categories_[i])});
        for (const HashedColumn& hashed : columns_.hashed)
            encoding.categories.push_back({hashed.column, {}, hashed.buckets, hashed.seed});
        for (std::size_t i = 0; i < goals_.size(); ++i) {
            TableTarget target = columns_.targets[i];
            if (finds_classes(target))
                target.names = goals_[i].classes.names(1, everything);
            const Scaling of_goal = is_scaled(target) ? scaling(target.column, goals_[i].moments) : Scaling{};
            encoding.targets.push_back({std::move(target), of_goal});
        }
        return encoding;
    }

private:
    static constexpr std::size_t everything = std::numeric_limits<std::size_t>::max();

    struct Goal {
        Moments moments;
        TextCounts classes;
    };

    [[nodiscard]] static bool is_scaled(const TableTarget& target) noexcept {
        return target.kind == TableTarget::Kind::number && target.standardised;
    }
    [[nodiscard]] static bool finds_classes(const TableTarget& target) noexcept {
        return target.kind == TableTarget::Kind::classes && target.names.empty();
    }

    static void refuse_twice(std::vector<std::string> names) {
        std::sort(names.begin(), names.end());
        const auto twice = std::adjacent_find(names.begin(), names.end());
        require<ValueError>(twice == names.end(), "table_encoder", "expected each column once, got '", twice == names.end() ? "" : *twice,
                            "' twice");
    }
    void refuse_too_many(const std::string& column, std::size_t count) const {
        require<ValueError>(std::cmp_less_equal(count, columns_.max_categories), "table_encoder", "expected at most ",
                            columns_.max_categories, " categories in column '", column, "' (see .max_categories), got ", count);
    }

    static void add(const CsvColumn& column, const std::optional<std::span<const Index>>& rows, Moments& moments) {
        if (!rows) {
            column.for_each_number<double>([&](Index, const std::optional<double>& number) {
                if (number)
                    moments.add(*number);
            });
            return;
        }
        const auto values = column.numbers<double>(0);
        const auto present = column.present();
        for (const Index row : *rows)
            if (present[row])
                moments.add(values[row]);
    }
    static void add(const CsvColumn& column, const std::optional<std::span<const Index>>& rows, TextCounts& counts) {
        if (!rows) {
            column.for_each_text([&](Index, std::string_view text) { counts.add(text); });
            return;
        }
        const auto present = column.present();
        for (const Index row : *rows)
            if (present[row])
                counts.add(column.text(row));
    }

    /// What makes the numbers of some rows have mean 0 and deviation 1.
    [[nodiscard]] static Scaling scaling(const std::string& column, const Moments& moments) {
        require<ValueError>(moments.count() > 0, "table_encoder", "expected at least one number in column '", column,
                            "' of the rows to learn from, got missing cells alone");
        require<ValueError>(is_finite(moments.deviation()), "table_encoder", "expected numbers of column '", column,
                            "' whose deviation is finite, got ", moments.deviation());
        return {moments.mean(), moments.constant() ? 1 : moments.deviation()};
    }
    [[nodiscard]] std::vector<std::string> names(const std::string& column, const TextCounts& counts) const {
        require<ValueError>(counts.size() > 0, "table_encoder", "expected at least one category in column '", column,
                            "' of the rows to learn from, got missing cells alone");
        const std::size_t most = columns_.most_frequent ? static_cast<std::size_t>(columns_.most_frequent) : everything;
        auto names = counts.names(columns_.min_frequency, most);
        require<ValueError>(!names.empty(), "table_encoder", "expected a category in column '", column, "' that at least ",
                            columns_.min_frequency, " rows hold (see .min_frequency), got none");
        refuse_too_many(column, names.size());
        return names;
    }

    const TableColumns& columns_;
    std::vector<std::string> needed_;
    std::vector<Moments> numbers_;
    std::vector<TextCounts> categories_;
    std::vector<Goal> goals_;
    std::filesystem::path path_ = "the tables";
    Index rows_ = 0;
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::io
