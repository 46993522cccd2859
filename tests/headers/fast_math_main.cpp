// SPDX-License-Identifier: MIT
// Compiled as usual, and linked with fast_math_other.cpp or, with ESPALIER_TEST_ALONE, without. Prints the bits of its own weights.
#include "fast_math.hpp"

#include <cstdio>

#ifndef ESPALIER_TEST_ALONE
std::string let_pass_with_fast_math();
std::string train_with_fast_math();
#endif

int main() {
    std::string passed = let_pass<float>("nan") + let_pass<double>("nan") + let_pass<float>("inf") + let_pass<double>("inf");
#ifndef ESPALIER_TEST_ALONE
    std::fprintf(stderr, "with fast math: %s\n", train_with_fast_math().c_str());
    passed += let_pass_with_fast_math();
#endif
    if (!passed.empty()) {
        std::fprintf(stderr, "expected each of these to be refused, got no error: %s\n", passed.c_str());
        return 1;
    }
    std::printf("%016llx %016llx\n", static_cast<unsigned long long>(train<float>()), static_cast<unsigned long long>(train<double>()));
}
