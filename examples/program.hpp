// SPDX-License-Identifier: MIT
/// @file What the programs of examples/ do alike: read a command line, and end with one line when something is wrong.
#pragma once

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

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
