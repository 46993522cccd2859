// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/target.hpp>

#include <array>

using namespace espalier;

TEST_CASE("a target has a row for each cotangent, or is of a gradient that nobody wants", "[kernels]") {
    std::array<float, 12> memory{};
    const kernels::Target<float> target{memory.data(), 5, true};
    CHECK(target.wanted());
    CHECK(target.row(0) == memory.data());
    CHECK(target.row(2) == memory.data() + 10);
    CHECK_FALSE(kernels::Target<float>{}.wanted());
}
