// SPDX-License-Identifier: MIT
// Compiled as usual, and linked with flags_other.cpp or, for comparison, with flags_alone.cpp. Prints the bits of its own weights.
#include "flags.hpp"

#include <cstdio>

std::string use_other_flags();

static bool has_what_other_flags_need() {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma");
#else
    return true;
#endif
}

int main() {
    std::string passed = let_pass<float>("nan") + let_pass<double>("nan") + let_pass<float>("inf") + let_pass<double>("inf");
    if (has_what_other_flags_need())
        passed += use_other_flags();
    if (!passed.empty()) {
        std::fprintf(stderr, "expected each of these to be refused, got no error: %s\n", passed.c_str());
        return 1;
    }
    std::printf("%016llx %016llx\n", static_cast<unsigned long long>(train<float>()), static_cast<unsigned long long>(train<double>()));
}
