// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"
#include "mtl/balancing/registry.hpp"

#include <espalier/mtl/balancing/solvers/symmetric.hpp>

using namespace espalier;
using mtl::solvers::SymmetricEigen;

TEST_CASE("the vectors of a Gramian are orthonormal and give it back") {
    for (const auto& [name, rows, full_rank, zero_rows] : testing::awkward_jacobians()) {
        CAPTURE(name);
        const mtl::Matrix g = testing::products(rows);
        const SymmetricEigen eigen{g};
        if (full_rank)
            CHECK(eigen.rank() == g.rows());
        for (std::size_t k = 0; k < eigen.rank(); ++k) {
            CHECK(eigen.values()[k] > 0);
            CHECK((k == 0 || eigen.values()[k] <= eigen.values()[k - 1]));
            for (std::size_t l = 0; l <= k; ++l) {
                double product = 0;
                for (std::size_t i = 0; i < g.rows(); ++i)
                    product += eigen.vector(k)[i] * eigen.vector(l)[i];
                CHECK(product == Approx(k == l).margin(1e-12));
            }
        }
        for (std::size_t j = 0; j < g.rows(); ++j) {
            mtl::Weights unit(g.rows(), 0.0);
            unit[j] = 1;
            const auto column = eigen.apply([](double value) { return value; }, unit);
            for (std::size_t i = 0; i < g.rows(); ++i)
                CHECK(std::abs(column[i] - g(i, j)) <= 1e-11 * std::sqrt(g(i, i)) * std::sqrt(g(j, j)));
        }
    }
}

TEST_CASE("the rank of a Gramian does not depend on how long its rows are") {
    const Tensor<double> rows{{4, 3}, {1, 0, 0, 1e-9, 1e-9, 0, 1e9, 0, 2e9, 5, 1, 2}};
    CHECK(SymmetricEigen{testing::products(rows)}.rank() == 3);
    const Tensor<double> combined{{3, 3}, {1e9, 0, 1e9, 0, 1e-9, 1e-9, 1, 1, 2}};
    CHECK(SymmetricEigen{testing::products(combined)}.rank() == 2);
    CHECK(SymmetricEigen{mtl::Matrix{3, 3}}.rank() == 0);
    CHECK(SymmetricEigen{mtl::Matrix{}}.rank() == 0);
}

TEST_CASE("the pseudo-inverse gives the shortest solution") {
    const SymmetricEigen eigen{mtl::Matrix{{2, 2, 0}, {2, 2, 0}, {0, 0, 4}}};
    const auto x = eigen.pseudo_solve(std::vector<double>{4, 4, 8});
    CHECK(x[0] == Approx(1));
    CHECK(x[1] == Approx(1));
    CHECK(x[2] == Approx(2));
    const auto outside = eigen.pseudo_solve(std::vector<double>{1, -1, 0});
    CHECK(std::abs(outside[0]) < 1e-15);
}
