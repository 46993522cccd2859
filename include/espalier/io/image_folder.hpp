// SPDX-License-Identifier: MIT
/// @file Image files in folders, each of which is a class.
///
/// @code
/// const io::ImageFolder set{"flowers", {.size = {64, 64}}};     // flowers/daisy/1.jpg, flowers/rose/2.png, ...
/// data::DataLoader loader{set, {.batch_size = 32}};             // batches (32, 64, 64, 3), task "class"
/// set.classes()                                                 // {"daisy", "rose"}
/// @endcode
#pragma once

#include <espalier/io/image_files.hpp>
#include <espalier/io/image_set.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

/// The names of the folders in a folder, but for hidden ones, sorted by their bytes. @throws IoError if it cannot be read, or holds none
[[nodiscard]] inline std::vector<std::string> folders_in(const std::filesystem::path& root) {
    std::error_code error;
    std::filesystem::directory_iterator at{root, error};
    std::vector<std::string> names;
    for (; !error && at != std::filesystem::directory_iterator{}; at.increment(error))
        if (std::error_code ignored; !is_hidden(at->path()) && at->is_directory(ignored))
            names.push_back(at->path().filename().string());
    require<IoError>(!error, "image_folder", "expected a folder at ", root, ", got: ", error.message());
    require<IoError>(!names.empty(), "image_folder", "expected a folder for each class in ", root, ", got none");
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace detail

inline namespace ESPALIER_PNG {
inline namespace ESPALIER_JPEG {

/// The images in the folders of a folder, whose names are the classes: torchvision's set of that name, in the same order. Classes
/// are sorted by name; the files of one, also those in folders below, by folder and name. Files lying beside the folders, and those
/// not named *.png, *.jpg or *.jpeg, are left alone, and so is, unlike there, what is hidden: what has a name that begins with a dot. Links
/// to folders are followed for classes alone.
template <class Scalar = float>
class ImageFolder : public ImageSet<Scalar> {
public:
    /// `task` is the name of the target, class indices (N,). @throws IoError for no folder, a class without images, and as `ImageSet`
    explicit ImageFolder(const std::filesystem::path& root, ImageSetOptions options = {}, const std::string& task = "class")
        : ImageFolder{detail::folders_in(root), root, options, task} {}

    /// The names of the folders: class index i is `classes()[i]`.
    [[nodiscard]] const std::vector<std::string>& classes() const& noexcept { return classes_; }
    [[nodiscard]] std::vector<std::string> classes() && { return std::move(classes_); }

private:
    struct Files {
        std::vector<std::filesystem::path> paths;
        std::vector<Index> labels;

        Files(const std::vector<std::string>& classes, const std::filesystem::path& root) {
            for (std::size_t label = 0; label < classes.size(); ++label) {
                for (auto& path : image_files(root / classes[label], true))
                    paths.push_back(std::move(path));
                labels.resize(paths.size(), static_cast<Index>(label));
            }
        }
    };

    ImageFolder(std::vector<std::string> classes, const std::filesystem::path& root, ImageSetOptions options, const std::string& task)
        : ImageFolder{Files{classes, root}, std::move(classes), options, task} {}
    ImageFolder(Files files, std::vector<std::string> classes, ImageSetOptions options, const std::string& task)
        : ImageSet<Scalar>{std::move(files.paths),
                           {{task, Tensor<Index>{Shape{static_cast<Index>(files.labels.size())}, files.labels}}},
                           options},
          classes_{std::move(classes)} {}

    std::vector<std::string> classes_;
};

}  // namespace ESPALIER_JPEG
}  // namespace ESPALIER_PNG
}  // namespace espalier::inline ESPALIER_ABI::io
