// SPDX-License-Identifier: MIT
#include <espalier/io/json_tree.hpp>

#include "catch.hpp"
#include "sanitized.hpp"

#include <optional>
#include <string>
#include <vector>

using espalier::io::detail::json_tree;
using espalier::io::detail::JsonProblem;
using espalier::io::detail::JsonRules;
using Json = nlohmann::json;
using Kind = JsonProblem::Kind;

namespace {

std::optional<JsonProblem> problem_of(const std::string& text, const JsonRules& rules = {}) {
    try {
        static_cast<void>(json_tree(text, rules));
    } catch (const JsonProblem& problem) {
        return problem;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("a tree is that of the JSON library", "[io][json]") {
    for (const char* const text :
         {"null", "true", "-3", "18446744073709551615", "0.5", "\"a\"", "[]", "{}", "[[], {}, [1, [2, {\"a\": [3]}]], null]",
          "{\"a\": {\"b\": 1, \"c\": [{\"a\": 1}, {\"a\": 2}]}, \"b\": {}, \"\": false}", "\xEF\xBB\xBF[1]"})
        CHECK(json_tree(text) == Json::parse(text));
}

TEST_CASE("a tree leaves out what it is told to, whatever that is", "[io][json]") {
    const JsonRules rules{.left_out = "x"};
    CHECK(json_tree(R"({"x": 1, "a": 2, "b": {"x": [[1], {"x": 3, "x": 4}], "c": "x"}})", rules) ==
          Json::parse(R"({"a": 2, "b": {"c": "x"}})"));
    CHECK(json_tree(R"([{"x": {}}, {"x": []}, {"x": null}, "x", ["x"]])", rules) == Json::parse(R"([{}, {}, {}, "x", ["x"]])"));
    CHECK(problem_of(R"({"x": [})", rules)->kind == Kind::malformed);
    CHECK(json_tree(R"({"x": [[[[1]]]]})", {.deepest = 2, .left_out = "x"}) == Json::object());
}

TEST_CASE("a key comes once, or the last of them counts", "[io][json]") {
    const auto twice = problem_of(R"({"a": {"b": [{"c": 1}, {"c": 1, "d": 2, "c": 3}]}})");
    REQUIRE(twice);
    CHECK(twice->kind == Kind::twice);
    CHECK(twice->key == "c");
    CHECK(twice->path == std::vector<std::string>{"a", "b"});
    CHECK(problem_of(R"({"a": 1, "a": 1})")->path.empty());
    CHECK(json_tree(R"({"a": [1], "b": 2, "a": {"c": 3}})", {.keys_once = false}) == Json::parse(R"({"a": {"c": 3}, "b": 2})"));
}

TEST_CASE("a tree that is too deep, malformed, or of numbers that no double holds", "[io][json]") {
    CHECK_FALSE(problem_of("[[1]]", {.deepest = 2}));
    const auto deep = problem_of(R"({"a": [[1]]})", {.deepest = 2});
    REQUIRE(deep);
    CHECK(deep->kind == Kind::too_deep);
    CHECK(deep->path == std::vector<std::string>{"a"});
    CHECK(problem_of(std::string(100000, '['), {.deepest = 5})->kind == Kind::too_deep);
    CHECK(problem_of(std::string(100000, '['))->kind == Kind::malformed);
    for (const char* const text : {"", "[1", "{\"a\"}", "[1] 2", "\"\xFF\"", "nul", "[1,]", "{1: 2}"}) {
        CAPTURE(text);
        REQUIRE(problem_of(text));
        CHECK(problem_of(text)->kind == Kind::malformed);
    }
    CHECK(problem_of("[1, x]")->byte == 5);
    CHECK(problem_of("[1e999]")->kind == Kind::too_large_a_number);
}

TEST_CASE("many objects in one list or object take no more time each than a few", "[io][json]") {
    const int count = testing::sanitized ? 20000 : 400000;  // by the square of them this would take minutes
    std::string list = "[{}", object = "{\"0\": {}";
    for (int i = 1; i < count; ++i) {
        list += ", {}";
        object += ", \"" + std::to_string(i) + "\": {}";
    }
    CHECK(json_tree(list + "]").size() == static_cast<std::size_t>(count));
    CHECK(json_tree(object + "}").size() == static_cast<std::size_t>(count));
}
