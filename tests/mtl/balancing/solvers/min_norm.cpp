// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"
#include "mtl/balancing/registry.hpp"

#include <espalier/mtl/balancing/solvers/min_norm.hpp>

#include <numeric>

using namespace espalier;
using mtl::solvers::min_norm_weights;

namespace {

/// At the minimum no row has a lower slope than those that hold weight above `lowest`.
void check_minimum(const mtl::Matrix& g, const mtl::Weights& w, const std::vector<double>& lowest, double tolerance) {
    const std::size_t n = g.rows();
    CHECK(std::accumulate(w.begin(), w.end(), 0.0) == Approx(1).epsilon(1e-12));
    mtl::Weights slopes(n, 0.0);
    double magnitude = 0;
    for (std::size_t i = 0; i < n; ++i) {
        CHECK(w[i] >= lowest[i]);
        for (std::size_t j = 0; j < n; ++j)
            slopes[i] += g(i, j) * w[j];
        magnitude += w[i] * std::sqrt(g(i, i));
    }
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < n; ++i)
        least = std::min(least, slopes[i]);
    for (std::size_t i = 0; i < n; ++i) {
        CAPTURE(i, w[i], slopes[i], least);
        if (w[i] > lowest[i])
            CHECK((w[i] - lowest[i]) * (slopes[i] - least) <= tolerance * magnitude * magnitude);
    }
}

}  // namespace

TEST_CASE("the min-norm point of two rows is in closed form, its ends included") {
    CHECK(min_norm_weights({{18, -22}, {-22, 38}}) == mtl::Weights{0.6, 0.4});
    CHECK(min_norm_weights({{1, 2}, {2, 9}}) == mtl::Weights{1, 0});
    CHECK(min_norm_weights({{9, 2}, {2, 1}}) == mtl::Weights{0, 1});
    CHECK(min_norm_weights({{4, 4}, {4, 4}}) == mtl::Weights{0.5, 0.5});
    CHECK(min_norm_weights({{7}}) == mtl::Weights{1});
    CHECK(min_norm_weights({{0, 0, 0}, {0, 2, 0}, {0, 0, 0}}) == mtl::Weights{0.5, 0, 0.5});
}

TEST_CASE("the min-norm point fulfils the conditions of a minimum") {
    for (const auto& [name, rows, full_rank, zero_rows] : testing::awkward_jacobians()) {
        CAPTURE(name);
        const mtl::Matrix g = testing::products(rows);
        check_minimum(g, min_norm_weights(g), std::vector<double>(g.rows(), 0.0), 1e-12);
        std::vector<double> lowest(g.rows());
        for (std::size_t i = 0; i < lowest.size(); ++i)
            lowest[i] = (1 + testing::hashed(7, i)) / (2.5 * static_cast<double>(lowest.size()));
        check_minimum(g, min_norm_weights(g, lowest), lowest, 1e-12);
    }
}

TEST_CASE("the min-norm point of rows with lower bounds") {
    const mtl::Matrix g{{18, -22}, {-22, 38}};
    const auto w = min_norm_weights(g, std::vector<double>{0.7, 0});
    CHECK(w[0] == Approx(0.7));
    CHECK(w[1] == Approx(0.3));
    CHECK(min_norm_weights(g, std::vector<double>{0.1, 0.2})[0] == Approx(0.6));
    CHECK(min_norm_weights(g, std::vector<double>{0.25, 0.75}) == mtl::Weights{0.25, 0.75});
}

TEST_CASE("the min-norm point of 1000 rows of rank 50") {
    const mtl::Matrix g = testing::products(testing::hashed_jacobian(5, 1000, 50, 50, 1));
    CHECK(mtl::solvers::squared_length(g, min_norm_weights(g)) < 1e-12);
    auto leaning = testing::hashed_jacobian(5, 1000, 50, 50, 1);
    for (Index t = 0; t < 1000; ++t)
        leaning[t * 50] += 2;
    const mtl::Matrix h = testing::products(leaning);
    check_minimum(h, min_norm_weights(h), std::vector<double>(1000, 0.0), 1e-11);
}
