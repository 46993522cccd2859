// SPDX-License-Identifier: MIT
/// @file Image files that a table lists, with the labels of one or several tasks, of which some may be missing.
///
/// @code
/// // file,breed,weight
/// // 1.jpg,tabby,4.5
/// // 2.jpg,,3.9
/// const io::ImageTable set{io::load_csv("cats.csv"), "photos", {.file = "file"}, {.size = {64, 64}}};
/// data::DataLoader loader{set, {.batch_size = 32}};   // tasks "breed", class indices (N,), and "weight", values (N, 1)
/// @endcode
#pragma once

#include <espalier/io/csv.hpp>
#include <espalier/io/image_set.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// A column of labels, which names its task.
struct ImageTarget {
    enum class Kind {
        automatic,  ///< values if every cell is a number, else classes
        classes,    ///< class indices (N,), as for `losses::CrossEntropy`
        values,     ///< numbers (N, 1), as for `losses::MSE`
    };

    std::string column;
    Kind kind = Kind::automatic;
    /// The texts of classes 0, 1, ...; without any, those of the column in sorted order. Tells `Kind::classes` as well.
    std::vector<std::string> classes = {};
};

/// Which columns of a table are what.
struct ImageTableColumns {
    std::string file = {};                  ///< of the files' names, relative to the folder; without a name, the first column
    std::vector<ImageTarget> targets = {};  ///< without any, all columns but that of the files
};

/// The files that the cells of a column name, relative to a folder. With `must_exist` each of them is looked for: better to learn now
/// than in the middle of a training that one is not there. @throws IoError naming file, line and column for a cell without a name, or a
/// file that there is not
[[nodiscard]] inline std::vector<std::filesystem::path> image_paths(const CsvColumn& files, const std::filesystem::path& folder,
                                                                    bool must_exist = true) {
    const auto present = files.present();
    std::vector<std::filesystem::path> paths;
    for (Index row = 0; row < files.size(); ++row) {
        require<IoError>(present[row], "image_table", "expected the name of a file", files.place(row), ", got '",
                         detail::shortened(files.text(row)), "', which means none");
        paths.push_back(folder / files.text(row));
        std::error_code ignored;
        require<IoError>(!must_exist || std::filesystem::is_regular_file(paths.back(), ignored), "image_table", "expected a file at ",
                         paths.back(), ", which is named", files.place(row), ", got none");
    }
    return paths;
}

namespace detail {

[[nodiscard]] inline bool all_numbers(const CsvColumn& column, const Tensor<bool>& present) {
    double number = 0;
    for (Index row = 0; row < column.size(); ++row)
        if (present[row] && !parse_number(column.text(row), number))
            return false;
    return true;
}

}  // namespace detail

inline namespace ESPALIER_PNG {
inline namespace ESPALIER_JPEG {

/// The images that a table lists, in the order of its rows. A missing label is left out by its target's mask.
template <class Scalar = float>
class ImageTable : public ImageSet<Scalar> {
public:
    /// Files are looked for when they are read. @throws IoError naming file, line and column for a cell that is no number or class,
    /// or a file without a name, and for a column that there is not; ValueError for a column told twice; and as `ImageSet`
    ImageTable(const CsvTable& table, const std::filesystem::path& folder, const ImageTableColumns& columns = {},
               ImageSetOptions options = {})
        : ImageTable{columns.file.empty() ? table.column(0) : table.column(columns.file), table, folder, columns.targets, options, {}} {}

    /// The texts of a target's classes: index i is `classes(task)[i]`. @throws ValueError for a task without classes
    [[nodiscard]] const std::vector<std::string>& classes(std::string_view task) const& {
        const auto found = classes_.find(task);
        require<ValueError>(found != classes_.end(), "image_table", "expected a task of classes, got '", task, "'");
        return found->second;
    }
    [[nodiscard]] std::vector<std::string> classes(std::string_view task) && { return std::as_const(*this).classes(task); }

private:
    using Classes = std::map<std::string, std::vector<std::string>, std::less<>>;

    ImageTable(const CsvColumn& files, const CsvTable& table, const std::filesystem::path& folder, std::vector<ImageTarget> wanted,
               ImageSetOptions options, Classes classes)
        : ImageSet<Scalar>{image_paths(files, folder, false), targets_of(files, table, std::move(wanted), classes), options,
                           [files](Index row) { return "," + files.place(row); }},
          classes_{std::move(classes)} {}

    [[nodiscard]] static losses::Targets<Scalar> targets_of(const CsvColumn& files, const CsvTable& table, std::vector<ImageTarget> wanted,
                                                            Classes& classes) {
        if (wanted.empty())
            for (const std::string& name : table.names())
                if (name != files.name())
                    wanted.push_back({.column = name});
        losses::Targets<Scalar> targets;
        for (ImageTarget& target : wanted) {
            const bool twice = std::count_if(wanted.begin(), wanted.end(),
                                             [&](const auto& other) { return other.column == target.column; }) > 1;
            require<ValueError>(!twice && target.column != files.name(), "image_table", "expected each column once, got '", target.column,
                                "' twice");
        }
        for (ImageTarget& target : wanted)
            targets.insert(target.column, target_of(table.column(target.column), target, classes));
        return targets;
    }

    [[nodiscard]] static losses::Target<Scalar> target_of(const CsvColumn& column, ImageTarget& told, Classes& classes) {
        auto present = column.present();
        const bool whole = std::find(present.begin(), present.end(), false) == present.end();
        bool values = told.kind == ImageTarget::Kind::values;
        if (told.kind == ImageTarget::Kind::automatic)
            values = told.classes.empty() && detail::all_numbers(column, present);
        std::optional<Tensor<bool>> mask;
        if (!whole)
            mask = std::move(present);
        if (values)
            return {column.numbers<Scalar>(Scalar(0)).reshape({column.size(), 1}), std::move(mask)};
        auto& names = classes[column.name()];
        names = told.classes.empty() ? column.categories() : std::move(told.classes);
        return {column.indices(names, -1), std::move(mask)};
    }

    Classes classes_;
};

}  // namespace ESPALIER_JPEG
}  // namespace ESPALIER_PNG
}  // namespace espalier::inline ESPALIER_ABI::io
