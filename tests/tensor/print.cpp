// SPDX-License-Identifier: MIT
#include <espalier/tensor/print.hpp>

#include "catch.hpp"
#include "german.hpp"

#include <cstdint>
#include <iomanip>
#include <sstream>

using namespace espalier;

TEST_CASE("tensors print nested, with their shape", "[tensor][print]") {
    CHECK(concat(Tensor<float>::arange(4).reshape({2, 2})) == "[[0, 1],\n [2, 3]] (2, 2)");
    CHECK(concat(Tensor<float>::scalar(1.5f)) == "1.5 ()");
    CHECK(concat(Tensor<float>{}) == "[] (0,)");
    CHECK(concat(Tensor<float>::arange(4).reshape({2, 1, 2})) == "[[[0, 1]],\n [[2, 3]]] (2, 1, 2)");
}

TEST_CASE("bytes print as numbers", "[tensor][print]") {
    CHECK(concat(Tensor<std::uint8_t>{{2}, {65, 7}}) == "[65, 7] (2,)");
    CHECK(concat(Tensor<bool>{{2}, {true, false}}) == "[1, 0] (2,)");
}

TEST_CASE("long axes are shortened in the middle", "[tensor][print]") {
    CHECK(concat(Tensor<float>::arange(8)) == "[0, 1, 2, 3, 4, 5, 6, 7] (8,)");
    CHECK(concat(Tensor<float>::arange(20)) == "[0, 1, 2, ..., 17, 18, 19] (20,)");
}

TEST_CASE("tensors print in the same way whatever the locale of the stream or of the program", "[tensor][print]") {
    const GlobalGerman global;
    std::ostringstream out;
    out << Tensor<float>{{2}, {0.5f, 2000}} << ' ' << Shape{1000, 2};
    CHECK(out.str() == "[0.5, 2000] (2,) (1000, 2)");
    CHECK(out.getloc() == std::locale{});  // the stream's own is as it was
    out.str("");
    out << std::setprecision(3) << Tensor<double>{{2}, {1.23456, 1234}} << std::setw(8) << Shape{1} << '|' << 1234;
    CHECK(out.str() == "[1.23, 1.23e+03] (2,)    (1,)|1.234");
}
