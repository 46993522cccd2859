// SPDX-License-Identifier: MIT
#include <espalier/tensor/shape.hpp>

#include "catch.hpp"

#include <limits>

using namespace espalier;

TEST_CASE("a shape knows its rank, extents and number of elements", "[tensor][shape]") {
    const Shape shape{2, 3, 4};
    CHECK(shape.rank() == 3);
    CHECK(shape.numel() == 24);
    CHECK(shape[0] == 2);
    CHECK(shape[-1] == 4);
    CHECK(shape.back() == 4);
    CHECK(shape.normalize(-2) == 1);
    CHECK(shape.product(1, 3) == 12);
    CHECK(shape.product(1, 1) == 1);
    CHECK((Shape{}.rank() == 0 && Shape{}.numel() == 1));
    CHECK(Shape{5, 0, 2}.numel() == 0);
}

TEST_CASE("shapes are changed by making new ones", "[tensor][shape]") {
    const Shape shape{2, 3, 4};
    CHECK(shape.with(-1, 7) == Shape{2, 3, 7});
    CHECK(shape.without(0) == Shape{3, 4});
    CHECK(shape.prepended(9) == Shape{9, 2, 3, 4});
    CHECK(shape.axes(1, 3) == Shape{3, 4});
    CHECK(shape == Shape{2, 3, 4});
    CHECK_FALSE(shape == Shape{2, 3});
    CHECK_FALSE(shape == Shape{2, 3, 5});
}

TEST_CASE("shapes print like tuples", "[tensor][shape]") {
    CHECK(concat(Shape{}) == "()");
    CHECK(concat(Shape{3}) == "(3,)");
    CHECK(concat(Shape{64, 28, 28, 1}) == "(64, 28, 28, 1)");
}

TEST_CASE("impossible shapes are refused", "[tensor][shape]") {
    const Shape shape{2, 3};
    CHECK_THROWS_WITH(shape[2], "[shape] expected an axis of (2, 3), got 2");
    CHECK_THROWS_WITH(shape[-3], "[shape] expected an axis of (2, 3), got -3");
    CHECK_THROWS_AS(shape.with(5, 1), ShapeError);
    CHECK_THROWS_AS(shape.without(2), ShapeError);
    CHECK_THROWS_WITH((Shape{1, -1}), "[shape] expected extents of at least 0, got -1");
    CHECK_THROWS_WITH((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), "[shape] expected at most 8 axes, got more");
    CHECK_THROWS_AS((Shape{std::numeric_limits<Index>::max() / 8, 2}), ShapeError);
    CHECK_THROWS_WITH((Shape{Index{1} << 40, Index{1} << 40}),
                      ContainsSubstring("expected fewer elements than can be addressed"));
    CHECK_THROWS_AS(Shape{}.back(), ShapeError);
}
