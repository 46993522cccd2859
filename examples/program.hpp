// SPDX-License-Identifier: MIT
/// @file What the programs of examples/ do alike: read a command line, see to it that there is a place for what they find out, and end with
/// one line when something is wrong.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/file.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

namespace examples {

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

/// A number from `low` to `high`, which NaN is not, though CLI11's own range takes it for one; kept out of the help.
template <class Number>
[[nodiscard]] CLI::Validator within(Number low, Number high) {
    const auto check = [range = CLI::Validator{CLI::Range(low, high)}, low, high](std::string& text) {
        return std::isnan(std::strtod(text.c_str(), nullptr)) ? espalier::concat("Value ", text, " not in range [", low, " - ", high, ']')
                                                              : range(text);
    };
    return CLI::Validator{check, ""};
}

/// A folder that a program is to write to, in full; it is made if there is none. What is found out after minutes of training must have a
/// place to go to: better to fail now than then. @throws espalier::IoError or std::filesystem::filesystem_error if nothing can be written
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
