// SPDX-License-Identifier: MIT
// Links with odr_other.cpp, which is built with other flags: no symbol is defined twice, and both compute the same.
#include "odr.hpp"

#include <cmath>
#include <iostream>

float train_with_other_flags();

int main() {
    const float here = train();
#if defined(__x86_64__) || defined(__i386__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        std::cout << "linked; this processor cannot run the part for AVX2\n";
        return 77;
    }
#endif
    const float there = train_with_other_flags();
    std::cout << "loss " << here << " here, " << there << " there\n";
    return std::isfinite(here) && std::abs(here - there) <= 1e-4f * std::abs(here) ? 0 : 1;
}
