// SPDX-License-Identifier: MIT
#include <espalier/vision/box.hpp>

#include "catch.hpp"

#include <cmath>
#include <sstream>

using namespace espalier;
using namespace espalier::vision;

TEST_CASE("areas, intersections and IoU of boxes", "[vision]") {
    const Box a{0, 0, 4, 2}, b{2, 1, 6, 3}, touching{4, 0, 8, 2}, point{1, 1, 1, 1};
    CHECK((a.width() == 4 && a.height() == 2 && a.area() == 8));
    CHECK(intersection(a, b) == 2);
    CHECK(iou(a, b) == 2.0F / 14);
    CHECK(iou(a, b) == iou(b, a));
    CHECK(iou(a, a) == 1);
    CHECK((intersection(a, touching) == 0 && iou(a, touching) == 0));
    CHECK((iou(point, point) == 0 && iou(a, point) == 0));
    std::ostringstream text;
    text << Box{0.5F, 1, 2, 3000};
    CHECK(text.str() == "[0.5, 1, 2, 3000]");
}

TEMPLATE_TEST_CASE("box_iou has a row for each of the first and a column for each of the second", "[vision]", float, double) {
    using T = TestType;
    const Tensor<T> a{{2, 4}, {0, 0, 4, 2, 10, 10, 20, 20}}, b{{3, 4}, {2, 1, 6, 3, 0, 0, 4, 2, 15, 10, 20, 20}};
    const auto result = box_iou(a, b);
    CHECK(result == Tensor<T>{{2, 3}, {T(2) / T(14), 1, 0, 0, 0, T(0.5)}});
    CHECK(box_iou(a, Tensor<T>{Shape{0, 4}}).shape() == Shape{2, 0});
    CHECK(box_iou(Tensor<T>{Shape{0, 4}}, b).shape() == Shape{0, 3});
    CHECK_THROWS_WITH(box_iou(a, Tensor<T>{Shape{3, 5}}), "[box_iou] expected boxes (count, 4), got (3, 5)");
    CHECK_THROWS_AS(box_iou(Tensor<T>{Shape{4}}, b), ShapeError);
}

TEMPLATE_TEST_CASE("objects travel as one tensor, and come back", "[vision]", float, double) {
    using T = TestType;
    const std::vector<std::vector<Object>> images{{{{1, 2, 3, 4.5F}, 7}}, {}, {{{0, 0, 1, 1}, 0}, {{-5, 2, 8, 9}, 3}}};
    const auto packed = pack<T>(images);
    CHECK(packed == Tensor<T>{{3, 2, 5}, {1, 2, 3, 4.5, 7, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 1, 1, 0, -5, 2, 8, 9, 3}});
    CHECK(unpack(packed) == images);
    CHECK(pack<T>({}).shape() == Shape{0, 1, 5});
    CHECK(unpack(pack<T>({})).empty());
    CHECK(losses::Target<T>{pack<T>({{}, {}})}.labelled_count() == 2);  // labelled, with nothing
    CHECK(unpack(Tensor<T>{Shape{2, 0, 5}}).size() == 2);
}

TEST_CASE("what is no object is refused with its place", "[vision]") {
    CHECK_THROWS_WITH(pack({{}, {{{0, 0, 1, 1}, 0}, {{3, 3, 3, 5}, 0}}}),
                      "[pack] expected a finite box [x1, y1, x2, y2] with x1 < x2 and y1 < y2, got [3, 3, 3, 5] at image 1, row 1");
    CHECK_THROWS_AS(pack({{{{0, 4, 1, 1}, 0}}}), ValueError);
    CHECK_THROWS_AS(pack({{{{0, std::nanf(""), 1, 1}, 0}}}), ValueError);
    CHECK_THROWS_AS(pack({{{{0, 0, 1, INFINITY}, 0}}}), ValueError);
    CHECK_THROWS_AS(pack({{{{0, 0, 1, 1}, -1}}}), ValueError);
    CHECK_THROWS_WITH(unpack(Tensor<float>{Shape{2, 4}}), "[unpack] expected objects (N, M, 5), got (2, 4)");
    CHECK_THROWS_AS(unpack(Tensor<float>{{1, 1, 5}, {0, 0, 1, 1, 0.5F}}), ValueError);
}
