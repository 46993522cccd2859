// SPDX-License-Identifier: MIT
/// @file What the programs of examples/ do alike: read a command line, and end with one line when something is wrong.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/file.hpp>

#include <CLI/CLI.hpp>

#include <exception>
#include <filesystem>
#include <iostream>

namespace examples {

/// What is found out after minutes of training must have a place to go to: better to fail now than then. Makes the folder of a file that
/// is to be written, unless the path is empty. @throws espalier::IoError where no file can be written
inline void make_place(const std::filesystem::path& file) {
    if (file.empty())
        return;
    if (file.has_parent_path())
        std::filesystem::create_directories(file.parent_path());
    espalier::require<espalier::IoError>(!std::filesystem::is_directory(file), "write_file", "expected a place for a file at ", file,
                                         ", got a folder");
    auto trial = file;
    if (trial += ".trial"; !std::filesystem::exists(trial)) {
        espalier::io::write_file(trial, "");
        std::filesystem::remove(trial);
    }
}

/// Whether there is anything to do: not after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line
/// that is wrong
[[nodiscard]] inline bool parse(CLI::App& app, int argc, char* argv[]) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0)
            throw;
        app.exit(error);
        return false;
    }
    return true;
}

/// What `main` returns: `parse` gives options or nothing to do, `run` does it, and what either throws is told.
template <class Parse, class Run>
[[nodiscard]] int program(const char* name, const Parse& parse, const Run& run) {
    try {
        if (const auto options = parse())
            run(*options);
    } catch (const std::exception& error) {
        std::cerr << name << ": " << error.what() << '\n';
        return 1;
    }
    return 0;
}

}  // namespace examples
