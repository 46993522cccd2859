// SPDX-License-Identifier: MIT
#include <espalier/io/image.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#if __has_include(<nlohmann/json.hpp>)
#include <espalier/io/safetensors.hpp>
#endif

using namespace espalier;

namespace {

#if ESPALIER_HAS_PNG || ESPALIER_HAS_JPEG
io::Image<std::uint8_t> gradient(Index height, Index width, Index channels) {
    io::Image<std::uint8_t> image{height, width, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * channels))};
    for (std::size_t i = 0; i < image.samples.size(); ++i)
        image.samples[i] = static_cast<std::uint8_t>(i * 7 % 251);
    return image;
}

/// A file that is cut anywhere is refused, by an error that names it, and so is one that says it is larger than allowed.
void check_refusals(const std::string& bytes) {
    for (std::size_t length = 0; length < bytes.size(); ++length)
        CHECK_THROWS_WITH(io::decode_image(bytes.substr(0, length), {}, "cut"), ContainsSubstring("\"cut\""));
    CHECK_THROWS_WITH(io::decode_image(bytes, {.max_pixels = 5}, "big"),
                      ContainsSubstring("expected at most 5 pixels in \"big\", got 3 x 2"));
    CHECK_THROWS_AS(io::decode_image(bytes, {.channels = 5}), ValueError);
    CHECK_THROWS_AS(io::decode_image(bytes, {.channels = -1}), ValueError);
    CHECK(io::decode_image(bytes, {.max_pixels = 6}).width == 3);
}
#endif

#if ESPALIER_HAS_PNG && ESPALIER_HAS_JPEG && __has_include(<nlohmann/json.hpp>)
const std::filesystem::path golden_images = std::filesystem::path{ESPALIER_GOLDEN_DIR} / "images";

template <class Sample>
io::Image<Sample> expected_image(const Tensor<Sample>& pixels) {
    return {pixels.size(0), pixels.size(1), pixels.rank() == 3 ? pixels.size(2) : 1, {pixels.begin(), pixels.end()}};
}

template <class Sample>
int largest_difference(const io::Image<Sample>& a, const io::Image<Sample>& b) {
    REQUIRE((a.height == b.height && a.width == b.width && a.channels == b.channels && a.samples.size() == b.samples.size()));
    int largest = 0;
    for (std::size_t i = 0; i < a.samples.size(); ++i)
        largest = std::max(largest, std::abs(int{a.samples[i]} - int{b.samples[i]}));
    return largest;
}
#endif

}  // namespace

#if ESPALIER_HAS_PNG && ESPALIER_HAS_JPEG && __has_include(<nlohmann/json.hpp>)
TEST_CASE("images of every kind are what Pillow makes of them", "[io][image][golden]") {
    const auto golden = io::load_safetensors(std::filesystem::path{ESPALIER_GOLDEN_DIR} / "images.safetensors");
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator{golden_images}) {
        const std::string name = entry.path().filename().string();
        INFO(name);
        const bool jpeg = name.ends_with(".jpg");
        ++files;
        if (golden.at(name).dtype() == io::Dtype::U16) {
            const auto pixels = expected_image(golden.get<std::uint16_t>(name));
            CHECK(io::read_image<std::uint16_t>(entry.path()) == pixels);
            CHECK(io::read_image<std::uint16_t>(entry.path(), {.as_stored = true}) == pixels);
            auto bytes = io::Image<std::uint8_t>{pixels.height, pixels.width, pixels.channels, {}};
            for (const std::uint16_t sample : pixels.samples)
                bytes.samples.push_back(static_cast<std::uint8_t>((sample * 255 + 32767) / 65535));
            CHECK(io::read_image(entry.path()) == bytes);
            CHECK_THROWS_WITH(io::read_image(entry.path(), {.as_stored = true}),
                              ContainsSubstring(name) && ContainsSubstring("got 16: read Image<std::uint16_t>"));
            continue;
        }
        const auto pixels = expected_image(golden.get<std::uint8_t>(name));
        const auto got = io::read_image(entry.path());
        CHECK(largest_difference(got, pixels) <= (jpeg ? 2 : 0));
        std::vector<std::uint16_t> spread;
        for (const std::uint8_t sample : got.samples)
            spread.push_back(static_cast<std::uint16_t>(sample * 257));
        CHECK(io::read_image<std::uint16_t>(entry.path()).samples == spread);
        if (golden.contains(name + "/rgb"))
            CHECK(io::read_image(entry.path(), {.channels = 3}) == expected_image(golden.get<std::uint8_t>(name + "/rgb")));
        if (golden.contains(name + "/grey"))
            CHECK(io::read_image(entry.path(), {.channels = 1}) == expected_image(golden.get<std::uint8_t>(name + "/grey")));
        if (golden.contains(name + "/stored")) {
            const auto stored = golden.get<std::uint8_t>(name + "/stored");
            CHECK(io::read_image(entry.path(), {.as_stored = true}) == expected_image(stored));
            CHECK(io::to_labels(io::read_image<std::uint16_t>(entry.path(), {.as_stored = true})) == stored.cast<Index>());
        }
    }
    CHECK(files == 31);
}

TEST_CASE("an image is turned as its EXIF data say, unless that is not wanted", "[io][image]") {
    const auto upright = io::read_image(golden_images / "turned_6.jpg");
    const auto lying = io::read_image(golden_images / "turned_6.jpg", {.orient = false});
    CHECK(upright.height == 16);
    CHECK(lying.height == 8);
    CHECK(io::oriented(lying, 6) == upright);
}
#endif

#if ESPALIER_HAS_PNG
TEST_CASE("PNG files are written and come back", "[io][image]") {
    const TemporaryFolder folder;
    for (const Index channels : {1, 2, 3, 4}) {
        const auto image = gradient(5, 4, channels);
        io::write_png(folder / "image", image);
        CHECK(io::read_image(folder / "image") == image);
        io::Image<std::uint16_t> deep{5, 4, channels, {}};
        for (const std::uint8_t sample : image.samples)
            deep.samples.push_back(static_cast<std::uint16_t>(sample * 259 % 65521));
        io::write_png(folder / "image", deep);
        CHECK(io::read_image<std::uint16_t>(folder / "image") == deep);
    }
    CHECK(folder.entries() == 1);
    CHECK_THROWS_AS(io::write_png(folder / "image", io::Image<std::uint8_t>{0, 4, 3, {}}), ShapeError);
    CHECK_THROWS_AS(io::write_png(folder / "image", io::Image<std::uint8_t>{1, 1, 3, {1, 2}}), ShapeError);
    CHECK_THROWS_AS(io::write_png(folder / "none" / "image", gradient(1, 1, 1)), IoError);
    CHECK(io::read_image<std::uint16_t>(folder / "image").channels == 4);  // what was there before
}

TEST_CASE("a PNG file that is cut, changed or too large is refused", "[io][image]") {
    const std::string bytes = io::encode_png(gradient(2, 3, 3));
    check_refusals(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {  // every byte is under a check sum, or has one meaning
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ 0x10);
        INFO(i);
        CHECK_THROWS_AS(io::decode_image(changed), IoError);
    }
    // 60,000 x 60,000 pixels of grey in some bytes, with the header's right check sum.
    const std::string huge = std::string{"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\0\0\0\0", 29} + "\xa5\xb9\x2a\x9e" +
                             std::string{"\0\0\0\0IDAT\x35\xaf\x06\x1e", 12};
    CHECK_THROWS_WITH(io::decode_png(huge), ContainsSubstring("expected at most 100000000 pixels in \"image\", got 60000 x 60000"));
    CHECK_THROWS_WITH(io::decode_png(huge, {.max_pixels = std::uint64_t{1} << 32}),
                      ContainsSubstring("expected all of 60000 x 60000 pixels in \"image\", got a file of 45 bytes"));
}
#endif

#if ESPALIER_HAS_JPEG
TEST_CASE("JPEG files are written and come back nearly", "[io][image]") {
    const TemporaryFolder folder;
    for (const Index channels : {1, 3}) {
        io::Image<std::uint8_t> image{9, 20, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(9 * 20 * channels), 0)};
        for (std::size_t i = 0; i < image.samples.size(); ++i)
            image.samples[i] = static_cast<std::uint8_t>(i / static_cast<std::size_t>(channels) % 20 * 12);
        io::write_jpeg(folder / "image", image, 98);
        const auto back = io::read_image(folder / "image");
        REQUIRE(back.samples.size() == image.samples.size());
        CHECK(back.channels == channels);
        for (std::size_t i = 0; i < image.samples.size(); ++i)
            CHECK(std::abs(back.samples[i] - image.samples[i]) <= 6);
        CHECK(io::encode_jpeg(image, 20).size() < io::encode_jpeg(image, 98).size());
        CHECK_THROWS_AS(io::encode_jpeg(image, 0), ValueError);
        CHECK_THROWS_AS(io::encode_jpeg(image, 101), ValueError);
    }
    CHECK_THROWS_WITH(io::encode_jpeg(gradient(1, 1, 4)), "[write_jpeg] expected an image of 1 or 3 channels, got 4");
    CHECK_THROWS_AS(io::encode_jpeg({0, 0, 3, {}}), ShapeError);
}

TEST_CASE("a JPEG file that is cut or too large is refused", "[io][image]") {
    const std::string bytes = io::encode_jpeg(gradient(2, 3, 3));
    check_refusals(bytes);
    std::string huge = bytes;
    const std::size_t frame = huge.find("\xff\xc0");
    REQUIRE(frame != huge.npos);
    huge.replace(frame + 5, 4, "\xea\x60\xea\x60");
    CHECK_THROWS_WITH(io::decode_jpeg(huge), ContainsSubstring("expected at most 100000000 pixels in \"image\", got 60000 x 60000"));
}
#endif

TEST_CASE("what is no image is refused by name", "[io][image]") {
    const TemporaryFolder folder;
    CHECK_THROWS_WITH(io::read_image(folder.file("a.png", "GIF89a")), ContainsSubstring("[read_image] expected a PNG or JPEG image in") &&
                                                                          ContainsSubstring("a.png") &&
                                                                          ContainsSubstring("got other bytes"));
    CHECK_THROWS_WITH(io::read_image(folder.file("b.jpg", "")), ContainsSubstring("b.jpg\", got an empty file"));
    CHECK_THROWS_AS(io::read_image(folder / "none.png"), IoError);
    CHECK_THROWS_AS(io::decode_png("\xff\xd8\xff"), IoError);
    CHECK_THROWS_AS(io::decode_jpeg("\x89PNG\r\n\x1a\n"), IoError);
}
