// SPDX-License-Identifier: MIT
/// @file Rows of the census as features and answers: those to learn from, those for validation and those for the test.
#pragma once

#include "columns.hpp"

#include <espalier/core/random.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/io/table_encoder.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace census {

using espalier::Tensor;
namespace data = espalier::data;
namespace io = espalier::io;
using Target = espalier::losses::Target<>;

/// Columns are called 0 to 41. `?` and NA are answers like others. @throws espalier::IoError for a file that is not of this form
[[nodiscard]] inline io::CsvTable load_table(const std::filesystem::path& path) {
    auto table = io::load_csv(path, {.header = false, .trim = true, .missing = {}});
    espalier::require<espalier::IoError>(table.columns() == static_cast<Index>(columns.size()), "census", "expected ", columns.size(),
                                         " columns in ", path, ", got ", table.columns());
    return table;
}

/// What is asked for is no input; all else is, but for the columns of the household if they shall not.
[[nodiscard]] inline io::TableColumns inputs_for(const std::vector<std::string>& tasks, const io::CsvTable& table, bool household) {
    std::vector<Kind> kinds;
    for (const Column& column : columns)
        kinds.push_back(column.kind == Kind::household && !household ? Kind::left_out : column.kind);
    for (const std::string& task : tasks)
        kinds[static_cast<std::size_t>(place_of(task_of(task).column))] = Kind::left_out;
    io::TableColumns inputs;
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (kinds[i] != Kind::left_out)
            (kinds[i] == Kind::number ? inputs.numbers : inputs.categories).push_back(table.names()[i]);
    return inputs;
}

/// Classes (N,), or (N, 1) with 1 for a yes. @throws espalier::IoError naming the line for a text that is no answer
[[nodiscard]] inline Target target_of(const Task& task, const io::CsvTable& table) {
    auto labels = table.column(place_of(task.column)).indices(task.texts);
    if (!task.yes_or_no)
        return labels;
    Tensor<float> values{{labels.numel(), 1}};
    for (Index row = 0; row < labels.numel(); ++row)
        values[row] = labels[row] == 0 ? 1.0F : 0.0F;
    return values;
}

struct Data {
    io::TableEncoder encoder;
    data::Dataset<> train, validation, test;
    std::vector<Index> test_rows;  ///< in the table
};

/// Of the rows, always drawn in the same way, `known` are there to learn from, a tenth of them for validation, and the rest is for the
/// test. Means, deviations and categories are those of the rows to train on.
/// @throws espalier::ValueError for too few rows; espalier::IoError for a text that is no answer, or no number
[[nodiscard]] inline Data split(const io::CsvTable& table, const std::vector<std::string>& tasks, Index known, bool household) {
    espalier::require<espalier::ValueError>(known >= 10 && known < table.rows(), "--train", "expected at least 10 rows and fewer than the ",
                                            table.rows(), " of ", table.path(), ", got ", known);
    const std::vector<Index> order = espalier::Random{1}.permutation(table.rows());
    const auto held_back = order.begin() + (known - known / 10), rest = order.begin() + known;
    io::TableEncoder encoder{table, inputs_for(tasks, table, household), std::span{order.begin(), held_back}};
    espalier::losses::Targets<> targets;
    for (const std::string& task : tasks)
        targets.insert(task, target_of(task_of(task), table));
    const data::Dataset<> rows{encoder.features(table), std::move(targets)};
    return {std::move(encoder),
            rows.gather(std::span{order.begin(), held_back}),
            rows.gather(std::span{held_back, rest}),
            rows.gather(std::span{rest, order.end()}),
            {rest, order.end()}};
}

/// For another program that is to learn the same (benchmarks/pytorch/census.py).
inline void export_data(const std::filesystem::path& path, const Data& data) {
    io::TensorFile file;
    for (const auto& [part, rows] : {std::pair{"train", &data.train}, {"validation", &data.validation}, {"test", &data.test}}) {
        file.insert(espalier::concat(part, ".inputs"), rows->inputs());
        for (const auto& [task, target] : rows->targets()) {
            const std::string name = espalier::concat(part, ".", task);
            if (target.has_labels())
                file.insert(name, target.labels());
            else
                file.insert(name, target.values());
        }
    }
    io::save_safetensors(path, file);
}

}  // namespace census
