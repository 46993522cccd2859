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

TEST_CASE("what a temporary map gives is a value", "[core][named]") {
    const auto make = [] { return Named<std::string>{{"a", "a text that does not fit into a string itself"}}; };
    const auto& text = make().at("a");  // lives as long as the reference
    CHECK(text == "a text that does not fit into a string itself");
    CHECK_THROWS_AS(make().at("b"), StateError);
}

TEST_CASE("maps are equal by names, order and values", "[core][named]") {
    const Named<int> map{{"a", 1}, {"b", 2}};
    CHECK(map == Named<int>{{"a", 1}, {"b", 2}});
    CHECK(map == map.map([](const std::string&, int v) { return v; }));
    CHECK_FALSE(map == Named<int>{{"b", 2}, {"a", 1}});
    CHECK_FALSE(map == Named<int>{{"a", 1}, {"b", 3}});
    CHECK_FALSE(map == Named<int>{{"a", 1}});
    CHECK(Named<int>{} == Named<int>{});
}

TEST_CASE("assignment between maps of the same names assigns the values", "[core][named]") {
    struct Counted {
        int value = 0;
        int assigned = 0;
        Counted(int v) : value{v} {}
        Counted(const Counted& other) : value{other.value} {}
        Counted& operator=(const Counted& other) {
            value = other.value;
            ++assigned;
            return *this;
        }
    };
    Named<Counted> map{{"a", 1}, {"b", 2}};
    const Named<Counted> same{{"a", 3}, {"b", 4}};
    map = same;
    CHECK(map.at("b").value == 4);
    CHECK(map.at("b").assigned == 1);
    map = Named<Counted>{{"a", 5}, {"b", 6}};
    CHECK(map.at("a").value == 5);
    CHECK(map.at("a").assigned == 2);
    map = Named<Counted>{{"b", 7}};  // other names: other entries
    CHECK(map.size() == 1);
    CHECK(map.at("b").assigned == 0);
    const auto& self = map;
    map = self;
    CHECK(map.at("b").value == 7);
}

TEST_CASE("a copy that gets a further name does not give it to the original", "[core][named]") {
    Named<int> map{{"a", 1}};
    auto copy = map;
    copy.insert("b", 2);
    map.insert("c", 3);
    CHECK(copy.names() == "'a', 'b'");
    CHECK(map.names() == "'a', 'c'");
    CHECK_FALSE(map.contains("b"));
    Named<int> moved = std::move(copy);
    CHECK(copy.empty());
    copy.insert("z", 26);
    CHECK(copy.at("z") == 26);
    CHECK(moved.names() == "'a', 'b'");
}

TEST_CASE("thousands of names are found, and listed in part", "[core][named]") {
    Named<int> map;
    for (int i = 0; i < 20000; ++i)  // by comparing each with all others, this would be 200 million comparisons
        map.insert("task" + std::to_string(i), i);
    auto copy = map;
    copy.insert("one more", -1);
    for (int i = 0; i < 20000; ++i)
        REQUIRE(map.at("task" + std::to_string(i)) == i);
    CHECK(copy.at("one more") == -1);
    CHECK_FALSE(map.contains("one more"));
    CHECK_THROWS_WITH(map.insert("task19999", 0), "[named] expected each name once, got 'task19999' twice");
    CHECK(map.names().ends_with("'task18', 'task19' and 19980 more"));
}
