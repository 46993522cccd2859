// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/aligned_mtl.hpp>

using namespace espalier;
using mtl::AlignedMTL;
using mtl::AlignedMTLScale;

TEST_CASE("Aligned-MTL of two conflicting gradients") {
    const auto w = AlignedMTL{}(testing::conflicting());
    CHECK(w[0] == Approx(0.5591).margin(1e-4));
    CHECK(w[1] == Approx(0.4083).margin(1e-4));
    const auto libmtl = AlignedMTL{{.preference = {1, 1}}}(testing::conflicting());
    CHECK(libmtl[0] == Approx(2 * w[0]));
    CHECK(AlignedMTL{}(mtl::Gramian{{9}})[0] == Approx(1));
}

TEST_CASE("aligned gradients are orthogonal and have the length that was asked for") {
    const mtl::Gramian gramian{{4, 1, 0}, {1, 9, -2}, {0, -2, 16}};
    const auto values = [&] {
        const mtl::solvers::SymmetricEigen eigen{gramian.matrix()};
        return std::vector<double>(eigen.values().begin(), eigen.values().end());
    }();
    const auto check = [&](AlignedMTLScale scale, double squared) {
        mtl::Weights columns[3];
        for (std::size_t i = 0; i < 3; ++i) {
            mtl::TaskPreferences one(3, 0.0);
            one[i] = 1;
            columns[i] = AlignedMTL{{.scale = scale, .preference = one}}(gramian);
        }
        for (const auto& a : columns)
            for (const auto& b : columns) {
                double product = 0;
                for (std::size_t i = 0; i < 3; ++i)
                    for (std::size_t j = 0; j < 3; ++j)
                        product += a[i] * gramian(i, j) * b[j];
                CHECK(product == Approx(&a == &b ? squared : 0).margin(1e-12));
            }
    };
    check(AlignedMTLScale::smallest, values[2]);
    check(AlignedMTLScale::median, values[1]);
    check(AlignedMTLScale::rmse, (4 + 9 + 16) / 3.0);
}

TEST_CASE("Aligned-MTL of dependent gradients leaves out what is no dimension") {
    const auto w = AlignedMTL{}(mtl::Gramian{{1, 2}, {2, 4}});  // B = V V^T, the space itself
    CHECK(w[0] == Approx(0.3));
    CHECK(w[1] == Approx(0.6));
    CHECK(AlignedMTL{}(mtl::Gramian{{0, 0}, {0, 0}}) == mtl::Weights{0.5, 0.5});
}

TEST_CASE("Aligned-MTL takes preferences by task and refuses others") {
    const AlignedMTL rule{{.preference = {1, 2, 3}}};
    const auto w = rule(testing::some_active({{1, 0}, {0, 1}}, {0, 2}, 3));
    CHECK(w[0] == Approx(1));
    CHECK(w[1] == Approx(3));
    CHECK_THROWS_WITH(rule(testing::conflicting()), ContainsSubstring("[AlignedMTL] expected 2 preferences, got 3"));
    CHECK_THROWS_AS((AlignedMTL{{.preference = {1, -1}}}), ValueError);
}
