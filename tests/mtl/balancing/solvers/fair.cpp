// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"
#include "mtl/balancing/registry.hpp"

#include <espalier/mtl/balancing/solvers/fair.hpp>

using namespace espalier;
using mtl::solvers::FairEquation;

TEST_CASE("the fair equation of two rows") {
    const auto x = FairEquation{mtl::Matrix{{18, -22}, {-22, 38}}, 1}.solve();
    CHECK(x[0] == Approx(0.591461).epsilon(2e-6));
    CHECK(x[1] == Approx(0.407071).epsilon(2e-6));
    CHECK(FairEquation{mtl::Matrix{{16}}, 1}.solve()[0] == Approx(0.25));
    CHECK(FairEquation{mtl::Matrix{{16}}, 3}.solve()[0] == Approx(std::pow(16, -0.75)));
    const auto zero = FairEquation{mtl::Matrix{{0, 0}, {0, 4}}, 1}.solve();
    CHECK(zero[0] == 0);
    CHECK(zero[1] == Approx(0.5));
    CHECK(FairEquation{mtl::Matrix{{1, -2}, {-2, 4}}, 1}.solve() == mtl::Weights{0, 0});
}

TEST_CASE("the fair equation holds for rows of any length and rank") {
    for (const auto& [name, rows, full_rank, zero_rows] : testing::awkward_jacobians())
        for (const double alpha : {0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0}) {
            CAPTURE(name, alpha);
            const mtl::Matrix g = testing::products(rows);
            const auto x = FairEquation{g, alpha}.solve();
            for (std::size_t i = 0; i < g.rows(); ++i) {
                REQUIRE(std::isfinite(x[i]));
                if (g(i, i) == 0)
                    continue;
                CHECK((x[i] > 0 || !full_rank));
                double sum = 0;
                double magnitude = 0;
                for (std::size_t j = 0; j < g.rows(); ++j) {
                    sum += g(i, j) * x[j];
                    magnitude += std::abs(g(i, j)) * x[j];
                }
                if (full_rank && alpha >= 0.5)
                    CHECK(std::abs(sum * std::pow(x[i], 1 / alpha) - 1) <= 1e-7);
                else if (x[i] > 0)  // what is wanted may be less than the rounding of the terms
                    CHECK(std::abs(sum - std::pow(x[i], -1 / alpha)) <= 1e-5 * magnitude);
            }
        }
}
