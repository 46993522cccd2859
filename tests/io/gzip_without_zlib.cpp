// SPDX-License-Identifier: MIT
// A translation unit without zlib in a program that may have others with it: what the inline namespaces are for.
#undef ESPALIER_HAS_ZLIB
#define ESPALIER_HAS_ZLIB 0
#include <espalier/io/csv.hpp>
#include <espalier/io/gzip.hpp>
#include <espalier/io/idx.hpp>

#include "catch.hpp"
#include "io/files.hpp"

using namespace espalier;

TEST_CASE("without zlib a gzip file is refused with the way out, and a plain one is read", "[io][gzip]") {
    const TemporaryFolder folder;
    folder.file("data.gz", gzipped("a,b\n1,2\n"));
    CHECK_THROWS_AS(io::read_bytes(folder / "data.gz"), IoError);
    CHECK_THROWS_WITH(io::read_bytes(folder / "data.gz"), ContainsSubstring("[gunzip] expected a program built with zlib to read") &&
                                                              ContainsSubstring("data.gz") &&
                                                              ContainsSubstring("define ESPALIER_HAS_ZLIB=1 and link zlib"));
    CHECK_THROWS_AS(io::load_csv(folder / "data.gz"), IoError);
    CHECK_THROWS_AS(io::load_idx(folder / "data.gz"), IoError);
    CHECK(io::load_csv(folder.file("data.csv", "a,b\n1,2\n")).rows() == 1);
}
