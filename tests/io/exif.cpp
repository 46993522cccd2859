// SPDX-License-Identifier: MIT
#include <espalier/io/exif.hpp>

#include "catch.hpp"

#include <string>

using namespace espalier;
using Bytes = io::Image<std::uint8_t>;
using namespace std::string_literals;

TEST_CASE("an image is turned and mirrored in eight ways", "[io][image]") {
    const Bytes image{2, 3, 1, {1, 2, 3, 4, 5, 6}};
    CHECK(io::oriented(image, 1) == image);
    CHECK(io::oriented(image, 2) == Bytes{2, 3, 1, {3, 2, 1, 6, 5, 4}});
    CHECK(io::oriented(image, 3) == Bytes{2, 3, 1, {6, 5, 4, 3, 2, 1}});
    CHECK(io::oriented(image, 4) == Bytes{2, 3, 1, {4, 5, 6, 1, 2, 3}});
    CHECK(io::oriented(image, 5) == Bytes{3, 2, 1, {1, 4, 2, 5, 3, 6}});
    CHECK(io::oriented(image, 6) == Bytes{3, 2, 1, {4, 1, 5, 2, 6, 3}});
    CHECK(io::oriented(image, 7) == Bytes{3, 2, 1, {6, 3, 5, 2, 4, 1}});
    CHECK(io::oriented(image, 8) == Bytes{3, 2, 1, {3, 6, 2, 5, 1, 4}});
    CHECK(io::oriented(Bytes{0, 3, 2, {}}, 6) == Bytes{3, 0, 2, {}});
    CHECK_THROWS_AS(io::oriented(image, 0), ValueError);
    CHECK_THROWS_AS(io::oriented(image, 9), ValueError);
}

TEST_CASE("an orientation is found in EXIF data, and what is broken has none", "[io][image]") {
    const auto entry = [](char value) { return "\x01\x12\0\3\0\0\0\1\0"s + value + "\0\0"s; };
    const std::string header = "Exif\0\0MM\0*\0\0\0\x08\0\1"s;
    CHECK(io::detail::exif_orientation(header + entry(6)) == 6);
    CHECK(io::detail::exif_orientation(header + entry(0)) == 1);
    CHECK(io::detail::exif_orientation(header + entry(9)) == 1);
    CHECK(io::detail::exif_orientation("Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x08\0\0\0"s) == 8);
    const std::string whole = header + entry(6);
    for (std::size_t length = 0; length + 2 < whole.size(); ++length)
        CHECK(io::detail::exif_orientation(std::string_view{whole}.substr(0, length)) == 1);
    CHECK(io::detail::exif_orientation("Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff"s + entry(6)) == 1);
    CHECK(io::detail::exif_orientation("http://ns.adobe.com/xap/1.0/\0"s) == 1);
}
