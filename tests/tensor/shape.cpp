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
    CHECK_THROWS_WITH((Shape{Index{1} << 40, Index{1} << 40}), ContainsSubstring("expected fewer elements than can be addressed"));
    CHECK_THROWS_AS(Shape{}.back(), ShapeError);
}

TEST_CASE("a 0 among the extents hides no overflow of the others", "[tensor][shape]") {
    constexpr Index large = Index{1} << 62;
    constexpr Index largest = std::numeric_limits<Index>::max();
    CHECK_THROWS_WITH((Shape{0, large, large}), ContainsSubstring("expected fewer elements than can be addressed"));
    CHECK_THROWS_AS((Shape{0, large}), ShapeError);
    CHECK_THROWS_AS((Shape{large, 0}), ShapeError);
    CHECK_THROWS_AS((Shape{1 << 30, 0, 1 << 30}), ShapeError);
    CHECK_THROWS_AS((Shape{0, 0, largest}), ShapeError);
    CHECK_THROWS_AS((Shape{1 << 30, 2, 3}.with(1, 0).with(2, largest)), ShapeError);
    CHECK_THROWS_AS((Shape{0, 1 << 30}.prepended(1 << 30)), ShapeError);
    const Shape wide{1 << 28, 0, 1 << 30};
    CHECK(wide.numel() == 0);
    CHECK(wide.without(1).numel() == Index{1} << 58);
    CHECK(wide.product(0, 3) == 0);
    CHECK(wide.product(2, 3) == 1 << 30);
}

TEST_CASE("products and parts of axes that are not there are refused", "[tensor][shape]") {
    const Shape shape{2, 3};
    CHECK_THROWS_WITH(shape.product(0, 3), "[shape] expected a range of the axes of (2, 3), got [0, 3)");
    CHECK_THROWS_WITH(shape.axes(-1, 1), "[shape] expected a range of the axes of (2, 3), got [-1, 1)");
    CHECK_THROWS_AS(shape.product(-1, 1), ShapeError);
    CHECK_THROWS_AS(shape.product(2, 1), ShapeError);
    CHECK_THROWS_AS(shape.product(0, std::numeric_limits<Index>::max()), ShapeError);
    CHECK_THROWS_AS(shape.axes(3, 3), ShapeError);
    CHECK(shape.axes(2, 2) == Shape{});
    CHECK_THROWS_AS(shape[std::numeric_limits<Index>::min()], ShapeError);
    CHECK_THROWS_AS(shape[std::numeric_limits<Index>::max()], ShapeError);
}
