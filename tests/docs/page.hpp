// SPDX-License-Identifier: MIT
/// @file What stands before a code block of a page that is no whole program; read once for all of them, as a precompiled header.
#include <espalier/espalier.hpp>
#if __has_include(<nlohmann/json.hpp>)
#include <espalier/io.hpp>
#endif
