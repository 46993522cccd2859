// SPDX-License-Identifier: MIT
#include <espalier/core/build_info.hpp>

#include "catch.hpp"

using namespace espalier;

TEST_CASE("build_info tells version, Eigen, compiler, instruction set and threads", "[core][build_info]") {
    const BuildInfo info = build_info();
    CHECK(info.version == ESPALIER_VERSION);
    CHECK_FALSE(info.eigen.empty());
    CHECK_FALSE(info.isa.empty());
    CHECK(info.compiler != "unknown");
    CHECK(info.threads == num_threads());
    for (const std::string& part : {info.version, info.eigen, info.compiler, info.isa})
        CHECK_THAT(info.text(), ContainsSubstring(part));
}

TEST_CASE("build_info warns of a build without optimisation, and counts one thread in the singular", "[core][build_info]") {
    BuildInfo info;
    info.optimized = false;
    info.threads = 1;
    CHECK_THAT(info.text(), ContainsSubstring("1 thread,") && ContainsSubstring("NOT OPTIMIZED"));
    info.optimized = true;
    info.threads = 2;
    CHECK_THAT(info.text(), ContainsSubstring("2 threads") && !ContainsSubstring("NOT OPTIMIZED"));
}

TEST_CASE("build_info tells the flags that change results", "[core][build_info]") {
    CHECK(build_info().fast_math == (ESPALIER_FAST_MATH != 0));
    CHECK_THAT(build_info().abi, ContainsSubstring("v0_1_"));
    BuildInfo info;
    info.fast_math = true;
    CHECK_THAT(info.text(), ContainsSubstring("fast math"));
    info.fast_math = false;
    CHECK_THAT(info.text(), !ContainsSubstring("fast math"));
}
