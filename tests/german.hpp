// SPDX-License-Identifier: MIT
/// @file A locale that writes 1234.5 as 1.234,5, whatever locales the system has.
#pragma once

#include <locale>
#include <string>

struct German : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

[[nodiscard]] inline std::locale german() { return {std::locale::classic(), new German}; }

/// Makes it the global one for a while.
struct GlobalGerman {
    std::locale before = std::locale::global(german());
    GlobalGerman() = default;
    GlobalGerman(const GlobalGerman&) = delete;
    GlobalGerman& operator=(const GlobalGerman&) = delete;
    ~GlobalGerman() { std::locale::global(before); }
};
