// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"

#include <espalier/mtl/balancing/solvers/simplex.hpp>

#include <numeric>

using namespace espalier;
using mtl::solvers::project_on_simplex;

TEST_CASE("the projection on the simplex is its nearest point") {
    CHECK(project_on_simplex(std::vector<double>{0.2, 0.8}) == mtl::Weights{0.2, 0.8});
    CHECK(project_on_simplex(std::vector<double>{3, 1}) == mtl::Weights{1, 0});
    CHECK(project_on_simplex(std::vector<double>{5}) == mtl::Weights{1});
    CHECK(project_on_simplex(std::vector<double>{1, 1, 1}, 6) == mtl::Weights{2, 2, 2});
    CHECK(project_on_simplex(std::vector<double>{}).empty());
    for (std::uint64_t stream = 0; stream < 50; ++stream) {
        std::vector<double> point(1 + stream);
        for (std::size_t i = 0; i < point.size(); ++i)
            point[i] = std::pow(10.0, static_cast<double>(stream % 7) - 3) * testing::hashed(stream, i);
        const auto w = project_on_simplex(point);
        CHECK(std::accumulate(w.begin(), w.end(), 0.0) == Approx(1));
        // The nearest point p of a convex set is the one with (point - p)(v - p) <= 0 for all v in it: here for the corners.
        double at_w = 0;
        for (std::size_t i = 0; i < w.size(); ++i)
            at_w += (point[i] - w[i]) * w[i];
        for (std::size_t i = 0; i < w.size(); ++i) {
            CHECK(w[i] >= 0);
            CHECK(point[i] - w[i] - at_w <= 1e-9);
        }
    }
}

TEST_CASE("the projection on the simplex has its sum also of far points") {
    CHECK(project_on_simplex(std::vector<double>{-1e30, -3e30}) == mtl::Weights{1, 0});
    CHECK(project_on_simplex(std::vector<double>{1e30, 1e30}) == mtl::Weights{0.5, 0.5});
}
