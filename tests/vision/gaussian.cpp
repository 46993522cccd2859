// SPDX-License-Identifier: MIT
#include <espalier/vision/box.hpp>
#include <espalier/vision/gaussian.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;
using namespace espalier::vision;

TEST_CASE("a box whose corners move by the radius keeps the least overlap, and in the worst case no more", "[vision]") {
    for (const auto& [width, height] : {std::pair{10.0F, 10.0F}, {40.0F, 7.0F}, {3.0F, 90.0F}})
        for (const double overlap : {0.3, 0.5, 0.7, 0.95}) {
            const auto r = static_cast<float>(gaussian_radius(static_cast<double>(height), static_cast<double>(width), overlap));
            const Box box{0, 0, width, height};
            const float worst = std::min({iou(box, {-r, -r, width + r, height + r}), iou(box, {r, r, width - r, height - r}),
                                          iou(box, {r, r, width + r, height + r})});
            CHECK(static_cast<double>(worst) == Approx(overlap).epsilon(1e-4));
        }
}

TEMPLATE_TEST_CASE("a heat map has a bump for each point, and the larger value where they meet", "[vision]", float, double) {
    using T = TestType;
    const std::vector<HeatPoint> points{{.x = 2.5F, .y = 1.9F, .channel = 1, .radius = 2}, {.x = 4, .y = 1, .channel = 1, .radius = 1}};
    const auto map = gaussian_heat_map<T>(points, 5, 6, 2);
    REQUIRE(map.shape() == Shape{5, 6, 2});
    const auto bump = [](double squared, double radius) {
        const double sigma = (2 * radius + 1) / 6;
        return Approx(std::exp(-squared / (2 * sigma * sigma))).epsilon(1e-6);
    };
    for (Index y = 0; y < 5; ++y)
        for (Index x = 0; x < 6; ++x)
            CHECK(map.at(y, x, 0) == 0);
    CHECK((map.at(1, 2, 1) == 1 && map.at(1, 4, 1) == 1));
    CHECK(static_cast<double>(map.at(3, 1, 1)) == bump(5, 2));
    CHECK(static_cast<double>(map.at(1, 3, 1)) == bump(1, 2));  // not the narrower one's
    CHECK(static_cast<double>(map.at(0, 5, 1)) == bump(2, 1));
    CHECK(map.at(4, 2, 1) == 0);
    CHECK(gaussian_heat_map<T>({}, 0, 3, 1).shape() == Shape{0, 3, 1});
    const std::vector<HeatPoint> wide{{.x = 0, .y = 0, .channel = 0, .radius = std::numeric_limits<Index>::max() / 4}};
    CHECK(gaussian_heat_map<T>(wide, 2, 2, 1).at(1, 1, 0) == 1);
}

TEST_CASE("points outside of the map are refused", "[vision]") {
    const auto draw = [](HeatPoint point) { return gaussian_heat_map(std::vector<HeatPoint>{point}, 4, 6, 2); };
    CHECK_THROWS_WITH(draw({.x = 6, .y = 0}), "[gaussian_heat_map] expected points in a map of 6 by 4 cells, got (6, 0)");
    CHECK_THROWS_AS(draw({.x = 1, .y = -0.1F}), ValueError);
    CHECK_THROWS_AS(draw({.x = std::nanf(""), .y = 0}), ValueError);
    CHECK_THROWS_WITH(draw({.channel = 2}), "[gaussian_heat_map] expected a channel in [0, 2) and a radius of at least 0, got 2 and 2");
    CHECK_THROWS_AS(draw({.radius = -1}), ValueError);
    CHECK(draw({.radius = std::numeric_limits<Index>::max()}).at(3, 5, 0) == 1);  // as wide as any
    CHECK_THROWS_AS(gaussian_heat_map({}, -1, 3, 1), ValueError);
}
