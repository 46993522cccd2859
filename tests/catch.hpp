// SPDX-License-Identifier: MIT
/// @file Catch2 v2 (Debian 12) and v3 under one include; tests are written with the names of v3.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)

#include <catch2/catch_all.hpp>

using Catch::Approx;

#else

#include <catch2/catch.hpp>

#include <string>

namespace Catch::Matchers {

inline auto ContainsSubstring(const std::string& text) { return Contains(text); }

}  // namespace Catch::Matchers

#endif

using Catch::Matchers::ContainsSubstring;
