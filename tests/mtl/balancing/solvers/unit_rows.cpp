// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

using namespace espalier;
using mtl::solvers::UnitRows;

TEST_CASE("a Gramian is that of unit rows and their lengths") {
    const UnitRows rows{mtl::Matrix{{4, -3, 0}, {-3, 9, 0}, {0, 0, 0}}};
    CHECK(rows.norms == mtl::Weights{2, 3, 0});
    CHECK(rows.cosines(0, 0) == 1);
    CHECK(rows.cosines(0, 1) == -0.5);
    CHECK(rows.cosines(1, 0) == -0.5);
    CHECK(rows.cosines(2, 2) == 0);
    const UnitRows tiny{mtl::Matrix{{1e-300, 1e-300}, {1e-300, 4e-300}}};  // the product of the squared lengths would be 0
    CHECK(tiny.cosines(0, 1) == Approx(0.5));
}

TEST_CASE("the squared length of a combination is never below 0") {
    const mtl::Matrix g{{4, -3}, {-3, 9}};
    CHECK(mtl::solvers::squared_length(g, mtl::Weights{1, 1}) == 7);
    CHECK(mtl::solvers::squared_length(mtl::Matrix{{1, -1.0000000001}, {-1.0000000001, 1}}, mtl::Weights{1, 1}) == 0);
}
