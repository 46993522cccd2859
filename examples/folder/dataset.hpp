// SPDX-License-Identifier: MIT
/// @file Images and labels from files: which columns are learnt, as what, and which images are held out.
#pragma once

#include "options.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/core/random.hpp>
#include <espalier/io/image_folder.hpp>
#include <espalier/io/image_table.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace folder {

using Target = espalier::losses::Target<float>;

struct Data {
    io::ImageSet<float> train, test;
    std::vector<Column> columns;
};

[[nodiscard]] inline bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Which rows are learnt from, and which are held out. @throws espalier::ValueError for too few images
[[nodiscard]] inline std::pair<std::vector<Index>, std::vector<Index>> split_rows(Index rows, const Options& options) {
    auto train = espalier::Random{options.seed}.permutation(rows);
    const Index held_out = std::max<Index>(1, std::llround(options.test * static_cast<double>(rows)));
    espalier::require<espalier::ValueError>(rows - held_out >= 2, "folder",
                                            "expected at least two images to learn from, and one to hold out, got ", rows, " in all");
    std::vector<Index> test(train.end() - held_out, train.end());
    train.resize(train.size() - test.size());
    return {std::move(train), std::move(test)};
}

/// What is learnt of a column: as told, or as its cells say. Nothing for one to leave out, which is told on stdout.
[[nodiscard]] inline std::optional<Column> recognise(const io::CsvColumn& cells, const std::vector<Index>& train, const Options& options) {
    Column column{.name = cells.name()};
    const auto found = io::column_kind(cells);
    const bool told = has(options.classes, column.name) || has(options.numbers, column.name) || has(options.multi, column.name);
    if (!told && found.kind == ColumnKind::nothing) {
        std::printf("column '%s' is left out, as %s; --class, --number or --multi takes it\n", column.name.c_str(), found.reason.c_str());
        return std::nullopt;
    }
    column.kind = has(options.numbers, column.name) ? ColumnKind::number
                  : has(options.multi, column.name) ? ColumnKind::labels
                  : told                            ? ColumnKind::classes
                                                    : found.kind;
    column.separator = options.separator.empty() ? found.separator : options.separator.front();
    if (column.kind == ColumnKind::classes)
        column.labels = told ? cells.categories() : io::repeated_categories(cells);
    if (column.kind == ColumnKind::labels)  // a label of less than one image of a hundred is seldom learnt
        column.labels = io::label_names(cells, column.separator, told ? 1 : std::max<Index>(2, cells.size() / 100));
    if (column.kind == ColumnKind::number) {
        const auto numbers = cells.numbers<double>(0);
        const auto present = cells.present();
        espalier::Moments moments;
        for (const Index row : train)
            if (present[row])
                moments.add(numbers[row]);
        column.mean = moments.mean();
        column.deviation = moments.deviation() > 0 ? moments.deviation() : 1;
    }
    if (column.outputs() > 0)
        return column;
    std::printf("column '%s' is left out, as no label is in a hundredth of its rows; --multi takes it\n", column.name.c_str());
    return std::nullopt;
}

/// The cells as what a loss takes; those that are empty, or a class that comes once, are left out by the mask.
[[nodiscard]] inline Target target_of(const io::CsvColumn& cells, const Column& column) {
    auto present = cells.present();
    if (column.kind == ColumnKind::labels)
        return {io::label_values(cells, column.labels, column.separator), std::move(present)};
    if (column.kind == ColumnKind::number) {
        auto values = cells.numbers<double>(column.mean);
        for (double& value : values)
            value = (value - column.mean) / column.deviation;
        return {values.cast<float>().reshape({cells.size(), 1}), std::move(present)};
    }
    auto classes = cells.indices(column.labels, -1, -1);
    std::transform(classes.begin(), classes.end(), present.begin(), [](Index label) { return label >= 0; });
    return {std::move(classes), std::move(present)};
}

/// The column that names the images.
[[nodiscard]] inline io::CsvColumn file_column(const io::CsvTable& table, const Options& options) {
    if (!options.file_column.empty())
        return table.column(options.file_column);
    for (const char* const name : {"file", "filename", "image"})
        if (has(table.names(), name))
            return table.column(name);
    return table.column(0);
}

/// @throws espalier::IoError naming file, line and column, or the columns that there are; ValueError if there is nothing to learn
[[nodiscard]] inline Data load_table(const Options& options, const io::ImageSetOptions& images) {
    const auto table = io::load_csv(options.labels);
    const auto files = file_column(table, options);
    std::vector<std::string> wanted = options.columns;
    if (wanted.empty())
        std::copy_if(table.names().begin(), table.names().end(), std::back_inserter(wanted),
                     [&](const std::string& name) { return name != files.name(); });
    for (const auto* const told : {&options.classes, &options.numbers, &options.multi})
        for (const std::string& name : *told)
            espalier::require<espalier::ValueError>(has(wanted, name), "folder", "expected --class, --number and --multi to name some of ",
                                                    espalier::concat("the columns to learn, got '", name, "'"));
    const auto [train, test] = split_rows(table.rows(), options);
    std::vector<Column> columns;
    espalier::losses::Targets<float> targets;
    for (const std::string& name : wanted)
        if (const auto column = recognise(table.column(name), train, options)) {
            targets.insert(name, target_of(table.column(name), *column));
            columns.push_back(*column);
        }
    espalier::require<espalier::ValueError>(!columns.empty(), "folder", "expected a column to learn beside '", files.name(), "' in ",
                                            options.labels, ", got none");
    const io::ImageSet<float> set{io::image_paths(files, options.images), std::move(targets), images,
                                  [files](Index row) { return "," + files.place(row); }};
    return {set.subset(train), set.subset(test), std::move(columns)};
}

/// Transparent images lie on white. @throws as above, and as `io::ImageFolder` without a table
[[nodiscard]] inline Data load(const Options& options) {
    const io::ImageSetOptions images{.size = {options.size, options.size}, .background = 1};
    if (!options.labels.empty())
        return load_table(options, images);
    const io::ImageFolder<float> set{options.images, images};
    const auto [train, test] = split_rows(set.size(), options);
    return {set.subset(train), set.subset(test), {{.name = "class", .labels = set.classes()}}};
}

}  // namespace folder
