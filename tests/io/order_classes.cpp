// SPDX-License-Identifier: MIT
#include <espalier/io/order_classes.hpp>

#include "catch.hpp"

#include <vector>

using namespace espalier;
using io::detail::Order;
using io::detail::OrderClasses;

namespace {
constexpr auto nobody = OrderClasses::nobody;
}

TEST_CASE("values that are united have one order, before and behind the one that fixes it", "[io][order_classes]") {
    OrderClasses classes;
    const auto a = classes.add(6);
    const auto b = classes.add(6);
    const auto c = classes.add(6);
    const auto free = classes.add(6);
    classes.unite(a, b, 1);
    classes.fix(b, Order::image(2, 3), 2);
    classes.unite(c, b, 3);
    classes.unite(c, a, 3);
    classes.solve();
    for (const auto id : {a, b, c})
        CHECK(classes.order(id) == Order::image(2, 3));
    CHECK(classes.order(free).is_plain());
    CHECK(classes.blamed({a, {}}, 9) == nobody);
    CHECK(classes.blamed({a, Order::image(2, 3)}, 9) == nobody);
    CHECK(classes.blamed({a, Order::plain(6)}, 9) == 9);
    CHECK(classes.blamed({free, Order::plain(6)}, 9) == nobody);
}

TEST_CASE("two orders for one class are the fault of the second step", "[io][order_classes]") {
    OrderClasses classes;
    const auto a = classes.add(6);
    const auto b = classes.add(6);
    const auto result = classes.add(2);
    const auto after = classes.add(2);
    classes.fix(a, Order::image(2, 3), 1);
    classes.fix(b, Order::plain(6), 2);
    classes.depend(after, {result, {}}, 5);  // told before what it depends on is
    classes.depend(result, {b, {}}, 4);
    classes.unite(a, b, 3);
    classes.solve();
    for (const auto id : {a, b, result, after})
        CHECK(classes.blamed({id, {}}, 9) == 3);
}

TEST_CASE("a join is its parts, and a part of a join that is known later", "[io][order_classes]") {
    OrderClasses classes;
    const auto image = classes.add(4);
    const auto row = classes.add(1);
    const auto inner = classes.add(5);
    const auto outer = classes.add(10);
    const auto same = classes.add(10);
    classes.join(outer, {inner, inner}, 1);  // the whole before its part
    classes.join(inner, {image, row}, 2);
    classes.fix(image, Order::image(2, 2), 3);
    classes.unite(same, outer, 4);
    classes.solve();
    Order expected = Order::image(2, 2);
    expected.append(Order::plain(1));
    CHECK(classes.order(inner) == expected);
    Order twice = expected;
    twice.append(expected);
    CHECK(classes.order(same) == twice);

    OrderClasses other;
    const auto part = other.add(4);
    const auto whole = other.add(8);
    other.join(whole, {part, part}, 1);
    other.fix(whole, Order::image(2, 4), 2);
    other.solve();
    CHECK(other.blamed({whole, {}}, 9) == 1);
    CHECK(other.blamed({part, {}}, 9) == nobody);
}

TEST_CASE("what depends on an accepted order, and on one that nothing is known of", "[io][order_classes]") {
    OrderClasses classes;
    const auto image = classes.add(6);
    const auto good = classes.add(3);
    const auto bad = classes.add(3);
    const auto lost = classes.add(3);
    const auto behind = classes.add(3);
    classes.fix(image, Order::image(2, 3), 1);
    classes.accuse(lost, 7);
    classes.depend(good, {image, Order::image(2, 3)}, 2);
    classes.depend(bad, {image, Order::image(3, 2)}, 3);
    classes.depend(behind, {lost, {}}, 4);
    classes.solve();
    CHECK(classes.blamed({good, {}}, 9) == nobody);
    CHECK(classes.blamed({bad, {}}, 9) == 3);
    CHECK(classes.blamed({behind, {}}, 9) == 7);
}
