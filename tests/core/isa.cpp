// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/core/isa.hpp>

#include <cstdlib>
#include <string>

using namespace espalier;

TEST_CASE("isa is the strongest there is, or the one that the environment names", "[core][isa]") {
    const char* const named = std::getenv("ESPALIER_ISA");
    if (named && *named)
        REQUIRE(isa_name(isa()) == std::string{named});
    else
        REQUIRE(isa() == detail::strongest_isa());
}

TEST_CASE("isa_name is what ESPALIER_ISA takes", "[core][isa]") {
    REQUIRE(isa_name(Isa::baseline) == "baseline");
    REQUIRE(isa_name(Isa::avx2) == "avx2");
    REQUIRE(isa_name(Isa::avx512) == "avx512");
}
