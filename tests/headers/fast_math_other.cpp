// SPDX-License-Identifier: MIT
// The whole library once more, compiled with -ffast-math.
#include "fast_math.hpp"

#if !ESPALIER_FAST_MATH
#error "expected -ffast-math to be seen"
#endif

std::string let_pass_with_fast_math() {
    std::string passed = let_pass<float>("nan") + let_pass<double>("nan") + let_pass<float>("inf") + let_pass<double>("inf");
    if (!espalier::build_info().fast_math || espalier::build_info().text().find("fast math") == std::string::npos)
        passed += "build_info ";
    return passed.empty() ? passed : "(with fast math) " + passed;
}

std::string train_with_fast_math() { return espalier::concat(train<float>(), ' ', train<double>()); }
