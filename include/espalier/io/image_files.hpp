// SPDX-License-Identifier: MIT
/// @file The image files in a folder.
///
/// @code
/// for (const auto& path : io::image_files("photos"))
///     const auto photo = io::to_tensor(io::read_image(path, {.channels = 3}));
/// @endcode
#pragma once

#include <espalier/core/error.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

/// Whether a name ends as that of a PNG or JPEG file does.
[[nodiscard]] inline bool named_as_image(const std::filesystem::path& path) {
    std::string ending = path.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

/// Notebooks keep copies in such folders, and macOS puts a `._1.jpg` that is no image beside each 1.jpg on a foreign disk.
[[nodiscard]] inline bool is_hidden(const std::filesystem::path& path) { return path.filename().string().starts_with('.'); }

template <class Iterator>
[[nodiscard]] std::vector<std::filesystem::path> images_at(const char* operation, const std::filesystem::path& folder) {
    std::error_code error;
    Iterator at{folder, error};
    std::vector<std::filesystem::path> paths;
    for (; !error && at != Iterator{}; at.increment(error)) {
        const bool hidden = is_hidden(at->path());
        if constexpr (requires { at.disable_recursion_pending(); })
            if (hidden)
                at.disable_recursion_pending();
        if (std::error_code ignored; !hidden && named_as_image(at->path()) && !at->is_directory(ignored))
            paths.push_back(at->path());
    }
    require<IoError>(!error, operation, "expected a folder of images at ", folder, ", got: ", error.message());
    require<IoError>(!paths.empty(), operation, "expected files *.png, *.jpg or *.jpeg in ", folder, ", got none");
    std::sort(paths.begin(), paths.end(), [](const std::filesystem::path& a, const std::filesystem::path& b) {
        return std::pair{a.parent_path().string(), a.filename().string()} < std::pair{b.parent_path().string(), b.filename().string()};
    });
    return paths;
}

}  // namespace detail

/// The files of a folder that are named *.png, *.jpg or *.jpeg, in capitals too, sorted by their bytes; with `recursive` those of the
/// folders below as well, sorted by folder, then by name. Hidden ones, whose names begin with a dot, are left alone, and links to folders
/// are not followed. What the files hold is not looked at.
/// @throws IoError naming the folder if it cannot be read, or has none
[[nodiscard]] inline std::vector<std::filesystem::path> image_files(const std::filesystem::path& folder, bool recursive = false) {
    return recursive ? detail::images_at<std::filesystem::recursive_directory_iterator>("image_files", folder)
                     : detail::images_at<std::filesystem::directory_iterator>("image_files", folder);
}

}  // namespace espalier::inline ESPALIER_ABI::io
