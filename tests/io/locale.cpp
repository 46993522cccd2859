// SPDX-License-Identifier: MIT
// Files do not follow the locale of the program.
#include <espalier/io.hpp>

#include "catch.hpp"
#include "german.hpp"
#include "io/files.hpp"

#include <fstream>

using namespace espalier;

TEST_CASE("files are the same whatever the locale", "[io]") {
    const TemporaryFolder folder;
    const auto values = Tensor<float>::arange(2000).reshape({1000, 2});
    const auto labels = Tensor<std::uint8_t>{{1500}};
    io::TensorFile file;
    file.insert("values", values);
    io::save_safetensors(folder / "before", file);
    io::save_idx(folder / "labels before", labels);
    std::ofstream{folder / "table.csv"} << "a,b\n1234.5,1000\n-0.5,2\n";
    const GlobalGerman german;
    io::save_safetensors(folder / "after", file);
    io::save_idx(folder / "labels after", labels);
    CHECK(io::read_file(folder / "before") == io::read_file(folder / "after"));
    CHECK(io::read_file(folder / "labels before") == io::read_file(folder / "labels after"));
    CHECK(io::load_safetensors(folder / "after").get<float>("values") == values);
    const auto table = io::load_csv(folder / "table.csv");
    CHECK(table.column("a").numbers<float>() == Tensor<float>{{2}, {1234.5f, -0.5f}});
    CHECK(table.column("b").numbers<Index>() == Tensor<Index>{{2}, {1000, 2}});
    CHECK_THROWS_WITH(io::load_safetensors(folder / "table.csv"), !ContainsSubstring("1.000"));
}
