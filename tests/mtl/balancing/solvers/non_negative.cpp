// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"
#include "mtl/balancing/registry.hpp"

#include <espalier/mtl/balancing/solvers/non_negative.hpp>
#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

using namespace espalier;
using mtl::solvers::NonNegativeProgram;

TEST_CASE("the program's minimum fulfils the conditions of one") {
    for (const auto& [name, rows, full_rank, zero_rows] : testing::awkward_jacobians()) {
        CAPTURE(name);
        const mtl::solvers::UnitRows unit{testing::products(rows)};
        const mtl::Matrix& c = unit.cosines;
        const std::size_t n = c.rows();
        NonNegativeProgram program{c};
        for (std::uint64_t stream = 0; stream < 5; ++stream) {  // one after another in the same program
            mtl::Weights b(n, 0.0);
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t j = 0; j < n; ++j)
                    b[i] += c(i, j) * testing::hashed(stream, j);
            mtl::Weights z(n);
            REQUIRE(program.solve(b, z));  // b is within what the rows span
            for (std::size_t i = 0; i < n; ++i) {
                double slope = b[i];
                for (std::size_t j = 0; j < n; ++j)
                    slope -= c(i, j) * z[j];
                CHECK(z[i] >= 0);
                CHECK(slope <= 1e-11);
                CHECK(std::abs(slope * z[i]) <= 1e-10);
            }
        }
    }
}

TEST_CASE("a program without a minimum says so") {
    mtl::Weights z(2);
    const mtl::Matrix opposite{{1, -1}, {-1, 1}};
    CHECK_FALSE(NonNegativeProgram{opposite}.solve(std::vector<double>{1, 1}, z));
    CHECK(NonNegativeProgram{opposite}.solve(std::vector<double>{1, -1}, z));
    CHECK(z == mtl::Weights{1, 0});
    const mtl::Matrix same{{1, 1}, {1, 1}};
    CHECK(NonNegativeProgram{same}.solve(std::vector<double>{1, 2}, z));  // the better of two that fight for the same direction
    CHECK(z == mtl::Weights{0, 2});
}
