// SPDX-License-Identifier: MIT
#include <espalier/data/pad_sequence.hpp>

#include "catch.hpp"

using namespace espalier;

TEST_CASE("sequences become a rectangle", "[data][sequences]") {
    CHECK(data::pad_sequence({{3, 7}, {}, {1, 1, 4}}, 9) == Tensor<Index>{{3, 3}, {3, 7, 9, 9, 9, 9, 1, 1, 4}});
    CHECK(data::pad_sequence(data::Sequences{{5}}) == Tensor<Index>{{1, 1}, {5}});
    CHECK(data::pad_sequence(data::Sequences{}).shape() == Shape{0, 0});
    CHECK(data::pad_sequence(data::Sequences{{}, {}}).shape() == Shape{2, 0});
}
