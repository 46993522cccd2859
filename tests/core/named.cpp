// SPDX-License-Identifier: MIT
#include <espalier/core/named.hpp>

#include "catch.hpp"

#include <string>
#include <utility>

using namespace espalier;

TEST_CASE("Named keeps the order of insertion", "[core][named]") {
    Named<int> map{{"z", 1}, {"a", 2}};
    map.insert("m", 3);
    std::string order;
    for (const auto& [name, value] : map)
        order += name + std::to_string(value);
    CHECK(order == "z1a2m3");
    CHECK(map.size() == 3);
    CHECK_FALSE(map.empty());
    CHECK(map.names() == "'z', 'a', 'm'");
}

TEST_CASE("Named finds by name and lets values change", "[core][named]") {
    Named<int> map{{"a", 1}};
    map.at("a") = 5;
    CHECK(std::as_const(map).at("a") == 5);
    CHECK(map.contains("a"));
    CHECK_FALSE(map.contains("b"));
    CHECK(map.insert("b", 7) == 7);
}

TEST_CASE("the results of map and copies share the names", "[core][named]") {
    const std::string name = "a name that does not fit into a string itself";
    Named<std::string> copy;
    {
        Named<int> map{{name, 1}, {"b", 2}};
        const auto doubled = map.map([](const std::string&, int& value) { return std::to_string(++value * 2); });
        CHECK(map.at("b") == 3);
        CHECK(doubled.at(name) == "4");
        CHECK(doubled.begin()->first.data() == map.begin()->first.data());
        copy = doubled;
        CHECK(std::as_const(map).map([](const std::string& key, int) { return key.size(); }).at("b") == 1);
    }
    CHECK(copy.begin()->first == name);  // the map that the name came from is gone
    copy.insert("c", "6");
    CHECK(copy.names() == "'" + name + "', 'b', 'c'");
    const auto moved = std::move(copy);
    CHECK(moved.at("c") == "6");
    CHECK(Named<int>{}.map([](const std::string&, int v) { return v; }).empty());
}

TEST_CASE("Named refuses unknown and repeated names", "[core][named]") {
    Named<int> map{{"left", 1}, {"right", 2}};
    CHECK_THROWS_AS(map.at("middle"), StateError);
    CHECK_THROWS_WITH(map.at("middle"), "[named] expected one of 'left', 'right', got 'middle'");
    CHECK_THROWS_WITH(Named<int>{}.at("x"), "[named] expected one of nothing, got 'x'");
    CHECK_THROWS_WITH(map.insert("left", 3), "[named] expected each name once, got 'left' twice");
    CHECK(map.size() == 2);
    CHECK_THROWS_AS((Named<int>{{"a", 1}, {"a", 2}}), StateError);
}
