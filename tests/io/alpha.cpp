// SPDX-License-Identifier: MIT
#include <espalier/io/alpha.hpp>

#include "catch.hpp"

#include <cstdint>
#include <limits>

using namespace espalier;

TEMPLATE_TEST_CASE("transparent pixels show the background, the others themselves", "[io][image]", std::uint8_t, std::uint16_t) {
    using Image = io::Image<TestType>;
    constexpr TestType w = Image::white, half = static_cast<TestType>((w + 1) / 2);
    const Image red{1, 3, 4, {w, 0, 0, w, w, 0, 0, 0, w, 0, 0, half}};
    const TestType mixed = static_cast<TestType>(w - half);
    CHECK(io::over_background(red) == Image{1, 3, 3, {w, 0, 0, w, w, w, w, mixed, mixed}});
    CHECK(io::over_background(red, 0) == Image{1, 3, 3, {w, 0, 0, 0, 0, 0, half, 0, 0}});
    CHECK(io::over_background(Image{2, 1, 2, {7, w, 7, 0}}) == Image{2, 1, 1, {7, w}});
    const Image grey{1, 2, 1, {1, 2}}, colours{1, 1, 3, {1, 2, 3}};
    CHECK(io::over_background(grey) == grey);
    CHECK(io::over_background(colours) == colours);
    CHECK(io::over_background(Image{0, 2, 4, {}}) == Image{0, 2, 3, {}});
}

TEST_CASE("a background is a brightness from black to white", "[io][image]") {
    const io::Image<std::uint8_t> image{1, 1, 2, {1, 2}};
    CHECK_THROWS_WITH(io::over_background(image, 255), "[over_background] expected a background in [0, 1], got 255");
    CHECK_THROWS_AS(io::over_background(image, -0.1), ValueError);
    CHECK_THROWS_AS(io::over_background(image, std::numeric_limits<double>::quiet_NaN()), ValueError);
    CHECK_THROWS_AS(io::over_background(io::Image<std::uint8_t>{1, 1, 2, {1}}), ShapeError);
}
