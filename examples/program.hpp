// SPDX-License-Identifier: MIT
/// @file What the programs of examples/ do alike: read a command line and typed ones, and end with one line when something is wrong.
#pragma once

#include <espalier/core/error.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
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

/// The next line that someone types, without blanks around it and the end of a line that Windows writes; nothing for an empty one.
[[nodiscard]] inline std::optional<std::string> typed_line() {
    constexpr const char* blanks = " \t\r";
    std::string line;
    std::getline(std::cin, line);
    const auto first = line.find_first_not_of(blanks);
    return first == line.npos ? std::nullopt : std::optional{line.substr(first, line.find_last_not_of(blanks) + 1 - first)};
}

/// What `main` returns: `parse` gives options or nothing to do, `run` does it, and what either throws is told, or that not all of what was
/// printed got out.
template <class Parse, class Run>
[[nodiscard]] int program(const char* name, const Parse& parse, const Run& run) {
    try {
        if (const auto options = parse())
            run(*options);
        std::cout.flush();
        if (std::fflush(stdout) != 0 || std::ferror(stdout) || !std::cout)  // the disk is full
            throw std::runtime_error{"expected to write to the standard output, got an error"};
    } catch (const std::exception& error) {
        std::cerr << name << ": " << error.what() << '\n';
        return 1;
    }
    return 0;
}

}  // namespace examples
