// SPDX-License-Identifier: MIT
/// @file Where programs of examples/ write to. What is found out after minutes of training must have a place to go to: better to fail
/// before than then.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/file.hpp>

#include <filesystem>
#include <system_error>

namespace examples {

/// An empty path asks for nothing. @throws espalier::IoError if no file can be written there
inline void require_place(const std::filesystem::path& file) {
    if (file.empty())
        return;
    std::error_code ignored;
    const auto status = std::filesystem::status(file, ignored);
    espalier::require<espalier::IoError>(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status), "write_file",
                                         "expected a file or nothing at ", file, ", got something else");
    auto trial = file;
    trial += ".trial";
    espalier::io::write_file(trial, "");
    std::filesystem::remove(trial);
}

/// A folder by its full path, made if there is none. @throws espalier::IoError, std::filesystem::filesystem_error if no file can be
/// written in it
[[nodiscard]] inline std::filesystem::path place_for(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    auto full = std::filesystem::canonical(folder);
    require_place(full / "results");
    return full;
}

}  // namespace examples
