// SPDX-License-Identifier: MIT
// The whole library once more, compiled with other flags.
#include "flags.hpp"

#include <cstdio>

std::string use_other_flags() {
    std::string passed = let_pass<float>("nan") + let_pass<double>("nan") + let_pass<float>("inf") + let_pass<double>("inf");
    const espalier::BuildInfo info = espalier::build_info();
    if (info.fast_math != (info.text().find("fast math") != std::string::npos))
        passed += "build_info ";
#if defined(__FAST_MATH__)
    if (!info.fast_math)
        passed += "fast_math ";
#endif
    std::fprintf(stderr, "%s: %016llx %016llx\n", info.abi.c_str(), static_cast<unsigned long long>(train<float>()),
                 static_cast<unsigned long long>(train<double>()));
    return passed.empty() ? passed : "with other flags " + passed;
}
