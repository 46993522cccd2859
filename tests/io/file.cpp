// SPDX-License-Identifier: MIT
#include <espalier/io/file.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <array>
#include <csignal>
#include <string>
#if ESPALIER_HAS_POSIX
#include <sys/resource.h>
#endif

using namespace espalier;

TEST_CASE("a file is read whole", "[io][file]") {
    const TemporaryFolder folder;
    const std::string bytes("a\0b\r\n\xff", 6);
    CHECK(io::read_file(folder.file("some", bytes)) == bytes);
    CHECK(io::read_file(folder.file("empty", "")).empty());
    CHECK(io::read_file(folder / "some", 6) == bytes);
    CHECK_THROWS_WITH(io::read_file(folder / "some", 5), ContainsSubstring("[read_file] expected at most 5 bytes in"));
}

TEST_CASE("what is no file is refused by name", "[io][file]") {
    const TemporaryFolder folder;
    CHECK_THROWS_AS(io::read_file(folder / "absent.bin"), IoError);
    CHECK_THROWS_WITH(io::read_file(folder / "absent.bin"), ContainsSubstring("absent.bin") && ContainsSubstring("got none"));
    CHECK_THROWS_AS(io::read_file(folder.path()), IoError);
    CHECK_THROWS_WITH(io::read_file(folder.path()), ContainsSubstring("got a directory"));
}

TEST_CASE("bytes are read piece by piece, and a file that ends before is an error", "[io][file]") {
    const TemporaryFolder folder;
    io::InputFile file{folder.file("ten", "0123456789")};
    CHECK(file.size() == 10);
    CHECK(file.read_exactly(4) == "0123");
    CHECK(file.read(3) == "456");
    CHECK_THROWS_WITH(file.read_exactly(4), ContainsSubstring("expected 4 more bytes") && ContainsSubstring("got 3"));
}

TEST_CASE("a file is written, and replaced, in one step", "[io][file]") {
    const TemporaryFolder folder;
    io::write_file(folder / "out", "first");
    CHECK(contents(folder / "out") == "first");
    const std::array<std::string_view, 3> parts{"sec", "", "ond"};
    io::write_file(folder / "out", parts);
    CHECK(contents(folder / "out") == "second");
    io::detail::write_portable(folder / "out", parts);
    CHECK(contents(folder / "out") == "second");
    CHECK(folder.entries() == 1);
}

TEST_CASE("a failed write names the path and leaves the folder as it was", "[io][file]") {
    const TemporaryFolder folder;
    CHECK_THROWS_AS(io::write_file(folder / "no/such/folder", "x"), IoError);
    CHECK_THROWS_WITH(io::write_file(folder / "no/such/folder", "x"), ContainsSubstring("no/such/folder"));
    CHECK_THROWS_AS(io::detail::write_portable(folder / "no/such/folder", {}), IoError);
    CHECK_THROWS_WITH(io::write_file(folder.path(), "x"), ContainsSubstring("expected a file or nothing at"));
    std::filesystem::create_directory(folder / "taken");
    CHECK_THROWS_AS(io::detail::write_portable(folder / "taken", {}), IoError);  // the rename fails
    CHECK(folder.entries() == 1);
}

#if ESPALIER_HAS_POSIX

TEST_CASE("a disk that fills up leaves the old file and no temporary one", "[io][file]") {
    const TemporaryFolder folder;
    io::write_file(folder / "out", "old");
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit small = before;
    small.rlim_cur = 4096;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    std::string posix;
    std::string portable;
    const std::string many(1 << 20, 'x');
    try {
        io::write_file(folder / "out", many);
    } catch (const IoError& error) {
        posix = error.what();
    }
    try {
        const std::string_view part = many;
        io::detail::write_portable(folder / "out", std::span{&part, 1});
    } catch (const IoError& error) {
        portable = error.what();
    }
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK_THAT(posix, ContainsSubstring("[write_file] expected to write") && ContainsSubstring("out"));
    CHECK_THAT(portable, ContainsSubstring("[write_file] expected to write"));
    CHECK(contents(folder / "out") == "old");
    CHECK(folder.entries() == 1);
}

TEST_CASE("links stay links and permissions stay as they are", "[io][file]") {
    namespace fs = std::filesystem;
    const TemporaryFolder folder;
    io::write_file(folder / "real", "old");
    fs::permissions(folder / "real", fs::perms::owner_read | fs::perms::owner_write);
    fs::create_symlink(folder / "real", folder / "link");
    io::write_file(folder / "link", "new");
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(contents(folder / "real") == "new");
    CHECK(fs::status(folder / "real").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    CHECK_THROWS_AS(io::write_file("/dev/null", "x"), IoError);  // a device must not be replaced by a file
}

#endif
