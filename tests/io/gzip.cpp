// SPDX-License-Identifier: MIT
#include <espalier/io/gzip.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <string>

using namespace espalier;

TEST_CASE("plain bytes come as they are", "[io][gzip]") {
    const TemporaryFolder folder;
    const std::string bytes("\x1f not gzip\0", 11);
    CHECK(io::read_bytes(folder.file("plain", bytes)) == bytes);
    CHECK(io::read_bytes(folder.file("empty.gz", "")).empty());
    CHECK_THROWS_WITH(io::read_bytes(folder / "plain", 3), ContainsSubstring("expected at most 3 bytes in"));
    CHECK_THROWS_AS(io::read_bytes(folder / "absent"), IoError);

    io::ByteSource source{folder / "plain"};
    CHECK(source.at_most() == 11);
    char start[5];
    CHECK(source.read(start, 5) == 5);
    CHECK(source.read_all() == bytes.substr(5));
    CHECK(source.read(start, 5) == 0);

    io::ByteSource in_memory{bytes, "a name"};
    CHECK(in_memory.path() == "a name");
    CHECK(in_memory.read_all() == bytes);
}

TEST_CASE("a stream gives the bytes of a plain file in any pieces", "[io][gzip]") {
    const TemporaryFolder folder;
    std::string bytes;
    for (int i = 0; i < 40'000; ++i)
        bytes += std::to_string(i);
    for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{65'536}, std::size_t{65'537}, std::size_t{999}}) {
        io::ByteStream stream{folder.file("plain", bytes)};
        std::string all, part(piece, ' ');
        while (const std::size_t count = stream.read(part.data(), piece))
            all.append(part, 0, count);
        CHECK(all == bytes);
        CHECK(stream.read(part.data(), piece) == 0);
    }
    io::ByteStream empty{folder.file("empty", "")};
    char byte = 0;
    CHECK(empty.read(&byte, 1) == 0);
    CHECK_THROWS_AS(io::ByteStream{folder / "absent"}, IoError);
}

#if ESPALIER_HAS_ZLIB

namespace {
// `printf 'zzzz...' | gzip -9 -n` with 1000 letters: a real compressed block.
const std::string thousand(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xab\xaa\x1a\x05\xa3\x60\x14\x0c\x77\x00\x00\x6e\x66\x96\x0c\xe8\x03\x00\x00", 29);
}  // namespace

TEST_CASE("gzip is known by its first bytes, not by its name", "[io][gzip]") {
    const TemporaryFolder folder;
    std::string bytes(200'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(i * i >> 3);
    CHECK(io::read_bytes(folder.file("data.txt", gzipped(bytes))) == bytes);
    CHECK(io::read_bytes(folder.file("empty", gzipped(""))).empty());
    CHECK(io::read_bytes(folder.file("several", gzipped("one ") + gzipped("two"))) == "one two");
    CHECK(io::read_bytes(folder.file("thousand.gz", thousand)) == std::string(1000, 'z'));
    CHECK(io::ByteSource{thousand, "a name"}.read_all() == std::string(1000, 'z'));
    CHECK_THROWS_WITH(io::ByteSource(thousand.substr(0, 20), "a name").read_all(), ContainsSubstring("\"a name\" that ends in the middle"));
}

TEST_CASE("gzip output is bounded", "[io][gzip]") {
    const TemporaryFolder folder;
    folder.file("thousand.gz", thousand);
    CHECK(io::read_bytes(folder / "thousand.gz", 1000).size() == 1000);
    CHECK_THROWS_WITH(io::read_bytes(folder / "thousand.gz", 999), ContainsSubstring("expected at most 999 bytes in"));
    io::ByteSource source{folder / "thousand.gz"};
    CHECK(source.compressed());
    CHECK(source.at_most() == thousand.size() * 1032);
    char some[600];
    CHECK(source.read(some, 600) == 600);
    io::ByteSource moved = std::move(source);
    CHECK(moved.read(some, 600) == 400);
    CHECK(moved.read(some, 600) == 0);
}

TEST_CASE("a gzip file cut at any byte is one error that names it", "[io][gzip]") {
    const TemporaryFolder folder;
    for (const std::string& whole : {gzipped("some text"), thousand})
        for (std::size_t length = 2; length < whole.size(); ++length) {
            INFO(length);
            folder.file("cut.gz", whole.substr(0, length));
            CHECK_THROWS_AS(io::read_bytes(folder / "cut.gz"), IoError);
            CHECK_THROWS_WITH(io::read_bytes(folder / "cut.gz"),
                              ContainsSubstring("[gunzip]") && ContainsSubstring("cut.gz") && ContainsSubstring("ends in the middle"));
        }
}

TEST_CASE("a corrupted gzip file is one error that names it", "[io][gzip]") {
    const TemporaryFolder folder;
    std::string wrong_data = gzipped("some text");
    wrong_data[17] = '!';
    CHECK_THROWS_WITH(io::read_bytes(folder.file("data.gz", wrong_data)),
                      ContainsSubstring("corrupted data in") && ContainsSubstring("data.gz"));
    std::string wrong_header = gzipped("some text");
    wrong_header[2] = 7;
    CHECK_THROWS_WITH(io::read_bytes(folder.file("header.gz", wrong_header)), ContainsSubstring("corrupted data in"));
    CHECK_THROWS_WITH(io::read_bytes(folder.file("tail.gz", gzipped("text") + "tail")),
                      ContainsSubstring("got 4 bytes after the compressed data"));
}

TEST_CASE("a stream inflates members one after the other, wherever a piece of the file ends, and tells of a cut or damaged one",
          "[io][gzip]") {
    const TemporaryFolder folder;
    std::string long_text;
    for (int i = 0; i < 60'000; ++i)
        long_text += std::to_string(i * 7919 % 60'013);
    const auto read = [&](const std::string& file, std::size_t piece) {
        io::ByteStream stream{folder.file("file.gz", file)};
        std::string all, part(piece, ' ');
        while (const std::size_t count = stream.read(part.data(), piece))
            all.append(part, 0, count);
        return all;
    };
    for (const std::size_t piece : {std::size_t{7}, std::size_t{65'536}, std::size_t{1} << 20}) {
        CHECK(read(gzipped(long_text), piece) == long_text);
        CHECK(read(thousand + thousand, piece) == std::string(2000, 'z'));
    }
    for (std::size_t before = 65'500; before < 65'540; ++before) {  // the second begins around the end of the first piece of the file
        const std::string first = gzipped(long_text.substr(0, before - 23));
        CHECK(read(first + thousand, 1 << 16) == long_text.substr(0, before - 23) + std::string(1000, 'z'));
    }
    const std::string whole = gzipped(long_text);
    for (const std::size_t size : {std::size_t{2}, std::size_t{20}, std::size_t{65'536}, whole.size() / 2, whole.size() - 1})
        CHECK_THROWS_WITH(read(whole.substr(0, size), 1 << 16),
                          ContainsSubstring("that ends in the middle") && ContainsSubstring("file.gz"));
    CHECK_THROWS_WITH(read(thousand + "more", 99), ContainsSubstring("bytes after the compressed data"));
    CHECK_THROWS_WITH(read(thousand.substr(0, 10) + "\xff" + thousand.substr(11), 99), ContainsSubstring("corrupted data"));
}

#endif
