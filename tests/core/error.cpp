// SPDX-License-Identifier: MIT
#include <espalier/core/error.hpp>

#include "catch.hpp"
#include "german.hpp"

#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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

TEST_CASE("texts do not follow the global locale", "[core][error]") {
    const GlobalGerman german;
    std::ostringstream follows;
    follows << 2000 << ' ' << 0.5;
    REQUIRE(follows.str() == "2.000 0,5");
    CHECK(concat(2000, ' ', 12345678L, ' ', 0.5, ' ', 1234.5f, ' ', std::size_t{1000}) == "2000 12345678 0.5 1234.5 1000");
    CHECK_THROWS_WITH((fail<ShapeError>("linear", "expected ", 2000, " features, got ", 1e6)),
                      "[linear] expected 2000 features, got 1e+06");
    Error error{"op", concat(1000)};
    error.append(concat(", in layer ", 1000));
    CHECK(error.what() == std::string{"[op] 1000, in layer 1000"});
}

TEST_CASE("parts of a temporary error are values", "[core][error]") {
    const auto temporary = [] { return ShapeError{"an operation with a long name", "a message that is long as well"}; };
    const auto& operation = temporary().operation();
    const auto& message = temporary().message();
    CHECK(operation == "an operation with a long name");
    CHECK(message == "a message that is long as well");
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<Error&&>().message()), std::string>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<const Error&>().message()), std::string_view>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<const Error&>().operation()), const std::string&>);
}
