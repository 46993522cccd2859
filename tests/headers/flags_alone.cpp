// SPDX-License-Identifier: MIT
// In place of flags_other.cpp: no unit with other flags.
#include <string>

std::string use_other_flags();

std::string use_other_flags() { return {}; }
