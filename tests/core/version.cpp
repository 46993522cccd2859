// SPDX-License-Identifier: MIT
#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/version.hpp>

#include "catch.hpp"

#include <string>
#include <type_traits>

using namespace espalier;

TEST_CASE("the version's text and numbers agree", "[core][version]") {
    CHECK(concat(ESPALIER_VERSION_MAJOR, '.', ESPALIER_VERSION_MINOR, '.', ESPALIER_VERSION_PATCH) == ESPALIER_VERSION);
}

TEST_CASE("the inline namespace carries major, minor and instruction set", "[core][version]") {
    const std::string abi = ESPALIER_STRING(ESPALIER_ABI);
    CHECK(abi.starts_with(concat("v", ESPALIER_VERSION_MAJOR, '_', ESPALIER_VERSION_MINOR, '_', ESPALIER_STRING(ESPALIER_VECTOR_TAG))));
    CHECK(abi.ends_with("_fast") == (ESPALIER_FAST_MATH != 0));
    STATIC_REQUIRE(std::is_same_v<Index, espalier::ESPALIER_ABI::Index>);
}
