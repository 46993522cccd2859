// SPDX-License-Identifier: MIT
#include <espalier/tensor/print.hpp>

#include "catch.hpp"

#include <cstdint>

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
