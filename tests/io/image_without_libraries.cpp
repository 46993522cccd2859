// SPDX-License-Identifier: MIT
// A translation unit without libpng and libjpeg in a program that may have others with them.
#undef ESPALIER_HAS_PNG
#define ESPALIER_HAS_PNG 0
#undef ESPALIER_HAS_JPEG
#define ESPALIER_HAS_JPEG 0
#include <espalier/io/image.hpp>

#include "catch.hpp"
#include "io/files.hpp"

using namespace espalier;

TEST_CASE("without their libraries images are refused with the way out", "[io][image]") {
    const TemporaryFolder folder;
    CHECK_THROWS_WITH(io::read_image(folder.file("photo", "\x89PNG\r\n\x1a\n")),
                      ContainsSubstring("[read_png] expected a program built with libpng for") && ContainsSubstring("photo") &&
                          ContainsSubstring("define ESPALIER_HAS_PNG=1 and link libpng"));
    CHECK_THROWS_WITH(io::read_image<std::uint16_t>(folder.file("photo", "\xff\xd8\xff")),
                      ContainsSubstring("[read_jpeg] expected a program built with libjpeg for") && ContainsSubstring("photo") &&
                          ContainsSubstring("define ESPALIER_HAS_JPEG=1 and link libjpeg"));
    const io::Image<std::uint8_t> image{1, 1, 1, {1}};
    CHECK_THROWS_AS(io::write_png(folder / "new", image), IoError);
    CHECK_THROWS_AS(io::write_jpeg(folder / "new", image), IoError);
    CHECK(folder.entries() == 1);
}
