// SPDX-License-Identifier: MIT
/// @file Where programs of examples/ write to. What is found out after minutes of training must have a place to go to: better to fail
/// before than then.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/file.hpp>

#include <filesystem>

namespace examples {

/// A folder that a program is to write to, in full; it is made if there is none.
/// @throws espalier::IoError or std::filesystem::filesystem_error if nothing can be written
[[nodiscard]] inline std::filesystem::path output_folder(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    auto out = std::filesystem::canonical(folder);
    const auto trial = out / ".espalier_writable";
    espalier::io::write_file(trial, "");
    std::filesystem::remove(trial);
    return out;
}

/// The same for the folder of a file, unless it has no name. @throws as above, and espalier::IoError for a folder of that name
inline void require_output_file(const std::filesystem::path& file) {
    if (file.empty())
        return;
    static_cast<void>(output_folder(file.has_parent_path() ? file.parent_path() : "."));
    espalier::require<espalier::IoError>(!std::filesystem::is_directory(file), "write_file", "expected a file or nothing at ", file,
                                         ", got a folder");
}

}  // namespace examples
