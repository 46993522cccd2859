// SPDX-License-Identifier: MIT
/// @file A table, some columns of which are labels 0 and 1: which they are, what the other columns become, and which rows are held out.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/io/column_kind.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/table_encoder.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multilabel {

using espalier::Index;
using espalier::Named;
using espalier::Tensor;
namespace data = espalier::data;
namespace io = espalier::io;
using Target = espalier::losses::Target<>;

/// How the command line says which columns are labels; the first that is not empty counts.
struct LabelChoice {
    std::vector<std::string> names = {};
    std::string prefix = {};
    Index last = 0;
};

/// Blanks around cells are dropped: with them a number would pass for a text. @throws espalier::IoError for what is no table
[[nodiscard]] inline io::CsvTable load_table(const std::filesystem::path& path) { return io::load_csv(path, {.trim = true}); }

/// @throws espalier::ValueError for none, or no other column; espalier::IoError for a name that is not in the table
[[nodiscard]] inline std::vector<std::string> label_columns(const io::CsvTable& table, const LabelChoice& choice) {
    std::vector<std::string> labels;
    for (Index i = 0; i < table.columns(); ++i) {
        const std::string& name = table.names()[static_cast<std::size_t>(i)];
        if (choice.names.empty() && (choice.prefix.empty() ? i >= table.columns() - choice.last : name.starts_with(choice.prefix)))
            labels.push_back(name);
    }
    for (const std::string& name : choice.names)
        labels.push_back(table.column(name).name());
    espalier::require<espalier::ValueError>(!labels.empty() && std::cmp_less(labels.size(), table.columns()), "multilabel",
                                            "expected some columns of ", table.path(),
                                            " to be labels and others not, see --labels, --label-prefix and --last; got ", labels.size(),
                                            " labels of ", table.columns(), " columns");
    return labels;
}

/// What an encoder is to make of the table: numbers, categories, of very many texts the most frequent, and a target for each label. Columns
/// of which nothing can be learnt, as the names of the rows, are left out.
[[nodiscard]] inline io::TableColumns columns_of(const io::CsvTable& table, const std::vector<std::string>& labels) {
    io::TableColumns columns;
    for (const std::string& name : table.names()) {
        if (std::find(labels.begin(), labels.end(), name) != labels.end())
            continue;
        const io::ColumnKind kind = io::column_kind(table.column(name)).kind;
        if (kind == io::ColumnKind::number)
            columns.numbers.push_back(name);
        else if (kind != io::ColumnKind::nothing)
            columns.categories.push_back(name);
    }
    for (const std::string& label : labels)
        columns.targets.push_back(io::binary_target(label, "0", "1"));
    columns.most_frequent = columns.max_categories;  // of a column of more texts
    return columns;
}

/// The labels of some rows side by side, (N, labels), with a mask where cells are missing.
[[nodiscard]] inline Target side_by_side(const Named<Target>& targets) {
    const auto labels = static_cast<Index>(targets.size());
    const Index rows = targets.begin()->second.size();
    auto values = Tensor<float>::empty({rows, labels});
    auto mask = Tensor<bool>::empty({rows, labels});
    Index label = 0;
    for (const auto& [name, target] : targets) {
        for (Index row = 0; row < rows; ++row) {
            values[row * labels + label] = target.values()[row];
            mask[row * labels + label] = target.counts(row);
        }
        ++label;
    }
    if (std::find(mask.begin(), mask.end(), false) == mask.end())
        return {std::move(values)};
    return {std::move(values), std::move(mask)};
}

/// Rows to learn from and rows that are held out, a target for each label.
struct Data {
    io::TableEncoder encoder;
    data::Dataset<> train, test;
    std::vector<Index> test_rows;  ///< in the table
};

/// Another part of the rows is held out for every seed. @throws espalier::IoError naming file, line and column for a label that is neither
/// 0 nor 1, or a number that is none; espalier::ValueError for too few rows
[[nodiscard]] inline Data split(const io::CsvTable& table, const std::vector<std::string>& labels, double share, std::uint64_t seed) {
    espalier::require<espalier::ValueError>(share > 0 && share < 1, "--test", "expected a share between 0 and 1, got ", share);  // nan too
    const auto held_out = static_cast<Index>(static_cast<double>(table.rows()) * share + 0.5);
    espalier::require<espalier::ValueError>(held_out >= 1 && held_out < table.rows(), "multilabel",
                                            "expected rows to learn from and rows to hold out in ", table.path(), ", got ", table.rows());
    const std::vector<Index> order = espalier::Random{seed}.permutation(table.rows());
    const auto test_rows = std::span{order}.first(static_cast<std::size_t>(held_out));
    const auto train_rows = std::span{order}.subspan(static_cast<std::size_t>(held_out));
    io::TableEncoder encoder{table, columns_of(table, labels), train_rows};
    const data::Dataset<> all{encoder.features(table), encoder.targets(table)};
    return {std::move(encoder), all.gather(train_rows), all.gather(test_rows), {test_rows.begin(), test_rows.end()}};
}

}  // namespace multilabel
