// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"
#include "mtl/balancing/registry.hpp"

#include <espalier/mtl/balancing/solvers/dual_cone.hpp>

using namespace espalier;

TEST_CASE("the projection on the dual cone has no conflict, and keeps what has none") {
    const mtl::Matrix g{{18, -22}, {-22, 38}};
    const auto v = mtl::solvers::DualCone{g}.project(std::vector<double>{0.5, 0.5});
    CHECK(v[0] == Approx(11.0 / 18));
    CHECK(v[1] == Approx(0.5));
    CHECK(mtl::solvers::DualCone{mtl::Matrix{{4, 1}, {1, 1}}}.project(std::vector<double>{1, 2}) == mtl::Weights{1, 2});
}

TEST_CASE("the projection on the dual cone is the nearest point of it") {
    for (const auto& [name, rows, full_rank, zero_rows] : testing::awkward_jacobians()) {
        CAPTURE(name);
        const mtl::Matrix g = testing::products(rows);
        const std::size_t n = g.rows();
        mtl::solvers::DualCone cone{g};
        for (std::size_t one = 0; one < std::min<std::size_t>(n, 5); ++one) {
            mtl::Weights p(n, 0.0);
            p[one] = 1;
            const auto v = cone.project(p);
            for (std::size_t i = 0; i < n; ++i) {
                double slope = 0;
                double magnitude = 0;
                for (std::size_t j = 0; j < n; ++j) {
                    slope += g(i, j) * v[j];
                    magnitude += std::sqrt(g(i, i) * g(j, j)) * v[j];
                }
                CHECK(v[i] >= p[i]);
                CHECK(slope >= -1e-11 * magnitude);
                if (v[i] > p[i])
                    CHECK(std::abs(slope) <= 1e-11 * magnitude);
            }
        }
    }
}
