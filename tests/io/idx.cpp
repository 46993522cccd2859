// SPDX-License-Identifier: MIT
#include <espalier/io/idx.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <cstdint>
#include <string>

using namespace espalier;

namespace {

std::string idx(char type, std::initializer_list<std::uint32_t> extents, const std::string& values) {
    std::string bytes{'\0', '\0', type, static_cast<char>(extents.size())};
    for (const std::uint32_t extent : extents)
        io::append<std::endian::big>(bytes, extent);
    return bytes + values;
}

template <class Stored>
std::string big_endian(std::initializer_list<Stored> values) {
    std::string bytes;
    for (const Stored value : values)
        io::append<std::endian::big>(bytes, value);
    return bytes;
}

}  // namespace

TEMPLATE_TEST_CASE("unsigned bytes of rank 1 to 4 are read as they are", "[io][idx]", float, double, Index, std::uint8_t) {
    const TemporaryFolder folder;
    const auto labels = io::load_idx<TestType>(folder.file("1", idx(8, {3}, "\x01\xff\x02")));
    CHECK(labels == Tensor<TestType>{{3}, {1, 255, 2}});
    CHECK(io::load_idx<TestType>(folder.file("2", idx(8, {1, 2}, "ab"))) == Tensor<TestType>{{1, 2}, {97, 98}});
    CHECK(io::load_idx<TestType>(folder.file("3", idx(8, {2, 1, 2}, "abcd"))) == Tensor<TestType>{{2, 1, 2}, {97, 98, 99, 100}});
    CHECK(io::load_idx<TestType>(folder.file("4", idx(8, {1, 2, 1, 1}, "ab"))) == Tensor<TestType>{{1, 2, 1, 1}, {97, 98}});
    CHECK(io::load_idx<TestType>(folder.file("0", idx(8, {0, 28, 28}, ""))).shape() == Shape{0, 28, 28});
}

TEST_CASE("all types of the format are read", "[io][idx]") {
    const TemporaryFolder folder;
    const Tensor<float> expected{{2}, {-3, 100}};
    CHECK(io::load_idx(folder.file("i8", idx(9, {2}, big_endian<std::int8_t>({-3, 100})))) == expected);
    CHECK(io::load_idx(folder.file("i16", idx(11, {2}, big_endian<std::int16_t>({-3, 100})))) == expected);
    CHECK(io::load_idx(folder.file("i32", idx(12, {2}, big_endian<std::int32_t>({-3, 100})))) == expected);
    CHECK(io::load_idx(folder.file("f32", idx(13, {2}, big_endian<float>({-3, 100})))) == expected);
    CHECK(io::load_idx(folder.file("f64", idx(14, {2}, big_endian<double>({-3, 100})))) == expected);
    CHECK(io::load_idx<Index>(folder / "i32") == Tensor<Index>{{2}, {-3, 100}});
    CHECK_THROWS_WITH(io::load_idx<std::uint8_t>(folder / "i32"),
                      ContainsSubstring("[load_idx] expected values from 0 to 255 in") && ContainsSubstring("got -3"));
    CHECK_THROWS_WITH(io::load_idx<Index>(folder / "f32"), ContainsSubstring("expected integers in"));
}

TEST_CASE("bytes are written and come back", "[io][idx]") {
    const TemporaryFolder folder;
    auto image = Tensor<std::uint8_t>::empty({3, 100, 300});  // more than one buffer of the reader
    for (Index i = 0; i < image.numel(); ++i)
        image[i] = static_cast<std::uint8_t>(i % 251);
    io::save_idx(folder / "image", image);
    CHECK(io::load_idx<std::uint8_t>(folder / "image") == image);
    CHECK(contents(folder / "image").substr(0, 16) == idx(8, {3, 100, 300}, ""));
    CHECK_THROWS_AS(io::save_idx(folder / "scalar", Tensor<std::uint8_t>::scalar(1)), ShapeError);
    CHECK_THROWS_AS(io::save_idx(folder / "five", Tensor<std::uint8_t>{Shape{1, 1, 1, 1, 1}}), ShapeError);
}

TEST_CASE("IDX is read from memory as from a file", "[io][idx]") {
    const std::string whole = idx(8, {1, 3}, "abc");
    CHECK(io::parse_idx<Index>(whole) == Tensor<Index>{{1, 3}, {97, 98, 99}});
    CHECK_THROWS_WITH(io::parse_idx(whole + "x", "pixels"), "[load_idx] expected 15 bytes in \"pixels\" for shape (1, 3), got 16");
    CHECK_THROWS_WITH(io::parse_idx(""), ContainsSubstring("got \"bytes\" of less than 4 bytes"));
#if ESPALIER_HAS_ZLIB
    CHECK(io::parse_idx<Index>(gzipped(whole)) == Tensor<Index>{{1, 3}, {97, 98, 99}});
#endif
}

TEST_CASE("an IDX file cut at any byte, or too long, is refused by name", "[io][idx]") {
    const TemporaryFolder folder;
    const std::string whole = idx(8, {2, 1, 3}, "abcdef");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        INFO(length);
        folder.file("cut", whole.substr(0, length));
        CHECK_THROWS_AS(io::load_idx(folder / "cut"), IoError);
        CHECK_THROWS_WITH(io::load_idx(folder / "cut"), ContainsSubstring("[load_idx]") && ContainsSubstring("cut"));
    }
    CHECK_THROWS_WITH(io::load_idx(folder.file("long", whole + "x")),
                      ContainsSubstring("expected 22 bytes in") && ContainsSubstring("got 23"));
    CHECK_THROWS_AS(io::load_idx(folder / "absent"), IoError);
}

TEST_CASE("a header that is none is refused before anything is allocated for it", "[io][idx]") {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string& bytes, const std::string& text) {
        folder.file("bad", bytes);
        CHECK_THROWS_AS(io::load_idx(folder / "bad"), IoError);
        CHECK_THROWS_WITH(io::load_idx(folder / "bad"), ContainsSubstring(text));
    };
    refused("\x89PNG\r\n\x1a\n", "that begins with 137, 80, 78");
    refused(idx(10, {1}, "a"), "expected an IDX file");
    refused(std::string("\1\0\x08\1\0\0\0\1a", 9), "expected an IDX file");
    refused(idx(8, {}, "a"), "expected 1 to 4 axes");
    refused(idx(8, {1, 1, 1, 1, 1}, "a"), "expected 1 to 4 axes");
    refused(idx(8, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "a"), "whose product can be addressed");
    refused(idx(8, {0x80000000, 0x80000000, 4}, ""), "whose product can be addressed");  // 2^64 would wrap to 0
    refused(idx(8, {0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, ""), "whose product can be addressed");
    refused(idx(14, {0x10000, 0x10000, 0x10000}, ""), "expected 2251799813685264 bytes");
}

#if ESPALIER_HAS_ZLIB

TEST_CASE("gzipped IDX files are read as strictly", "[io][idx][gzip]") {
    const TemporaryFolder folder;
    const std::string whole = idx(8, {2, 3}, "abcdef");
    CHECK(io::load_idx<Index>(folder.file("good.gz", gzipped(whole))) == Tensor<Index>{{2, 3}, {97, 98, 99, 100, 101, 102}});
    CHECK_THROWS_WITH(io::load_idx(folder.file("short.gz", gzipped(whole.substr(0, 17)))), ContainsSubstring("ends before value 6"));
    CHECK_THROWS_WITH(io::load_idx(folder.file("long.gz", gzipped(whole + "x"))), ContainsSubstring("got more bytes"));
    CHECK_THROWS_WITH(io::load_idx(folder.file("cut.gz", gzipped(whole).substr(0, 40))), ContainsSubstring("ends in the middle"));
    CHECK_THROWS_WITH(io::load_idx(folder.file("huge.gz", gzipped(idx(8, {0x10000, 0x10000}, "a")))), ContainsSubstring("got at most"));
}

#endif

#if ESPALIER_HAS_ZLIB && defined(ESPALIER_DATA_DIR)

TEST_CASE("the subset of Fashion-MNIST that the repository carries is read", "[io][idx][gzip]") {
    const std::filesystem::path folder = ESPALIER_DATA_DIR "/fashion-mnist";
    const auto images = io::load_idx<std::uint8_t>(folder / "t10k-images-idx3-ubyte.gz");
    const auto labels = io::load_idx<Index>(folder / "train-labels-idx1-ubyte.gz");
    CHECK(images.shape() == Shape{1000, 28, 28});
    REQUIRE(labels.shape() == Shape{5000});
    Index counts[10] = {};
    for (const Index label : labels) {
        REQUIRE((label >= 0 && label < 10));
        ++counts[label];
    }
    for (const Index count : counts)
        CHECK(count > 400);
}

#endif
