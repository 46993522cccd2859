// SPDX-License-Identifier: MIT
#include <espalier/core/error.hpp>

#include "catch.hpp"

using namespace espalier;

TEST_CASE("errors name the operation and what was expected and got", "[core][error]") {
    CHECK_THROWS_WITH((fail<ShapeError>("conv2d", "expected ", 3, " input channels, got ", 1)),
                      "[conv2d] expected 3 input channels, got 1");
    try {
        fail<ValueError>("op", "expected a, got b");
    } catch (const Error& error) {
        CHECK(error.operation() == "op");
        CHECK(error.message() == "expected a, got b");
    }
}

TEST_CASE("every error is an Error and a std::runtime_error", "[core][error]") {
    CHECK_THROWS_AS(fail<ShapeError>("op", ""), Error);
    CHECK_THROWS_AS(fail<ValueError>("op", ""), Error);
    CHECK_THROWS_AS(fail<StateError>("op", ""), Error);
    CHECK_THROWS_AS(fail<IoError>("op", ""), std::runtime_error);
}

TEST_CASE("require throws only when its condition does not hold", "[core][error]") {
    CHECK_NOTHROW(require<StateError>(true, "op", "unused"));
    CHECK_THROWS_AS(require<StateError>(false, "op", "used"), StateError);
}

TEST_CASE("concat streams its parts", "[core][error]") { CHECK(concat("a", 1, 'b', 2.5) == "a1b2.5"); }

TEST_CASE("one who knows the place adds to an error and throws it on as what it is", "[core][error]") {
    const auto load = [] {
        try {
            fail<IoError>("load", "expected a file");
        } catch (Error& error) {
            error.append(", in trunk");
            throw;
        }
    };
    CHECK_THROWS_AS(load(), IoError);
    CHECK_THROWS_WITH(load(), "[load] expected a file, in trunk");
}
