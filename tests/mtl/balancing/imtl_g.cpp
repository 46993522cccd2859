// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "jacobians.hpp"
#include "registry.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/imtl_g.hpp>

#include <numeric>

using namespace espalier;
using mtl::ConFIG;
using mtl::IMTLG;

namespace {

/// u_i d, the projections of the direction on the unit gradients.
std::vector<double> projections(const mtl::Gramian& g, const mtl::Weights& w) {
    std::vector<double> result(w.size(), 0.0);
    for (std::size_t i = 0; i < w.size(); ++i)
        for (std::size_t j = 0; j < w.size(); ++j)
            result[i] += g(i, j) * w[j] / g.norm(i);
    return result;
}

mtl::Gramian independent() {
    const mtl::Weights ones(4, 1.0);
    return mtl::Gramian{testing::products(testing::hashed_jacobian(9, 4, 7, 4, 3)), mtl::StepContext{ones}};
}

}  // namespace

TEST_CASE("IMTL-G has equal projections on all unit gradients, and weights of sum 1") {
    const auto w = IMTLG{}(testing::conflicting());
    CHECK(w[0] == Approx(0.592330).epsilon(1e-6));
    CHECK(w[1] == Approx(0.407670).epsilon(1e-6));
    const auto gramian = independent();
    const auto four = IMTLG{}(gramian);
    CHECK(std::accumulate(four.begin(), four.end(), 0.0) == Approx(1));
    const auto p = projections(gramian, four);
    for (const double one : p)
        CHECK(one == Approx(p[0]));
    CHECK(IMTLG{}(mtl::Gramian{{4}}) == mtl::Weights{1});
}

TEST_CASE("IMTL-G of dependent gradients") {
    const auto same = IMTLG{}(mtl::Gramian{{1, 2}, {2, 4}});
    CHECK(same[0] == Approx(2.0 / 3));  // equal parts of the unit gradient
    CHECK(same[1] == Approx(1.0 / 3));
    CHECK(IMTLG{}(mtl::Gramian{{1, -2}, {-2, 4}}) == mtl::Weights{0, 0});
    CHECK(IMTLG{}(mtl::Gramian{{0, 0}, {0, 4}}) == mtl::Weights{0, 1});
    CHECK(IMTLG{}(mtl::Gramian{{0, 0}, {0, 0}}) == mtl::Weights{0, 0});
}

TEST_CASE("ConFIG has one angle to all gradients and the length of their projections") {
    const auto w = ConFIG{}(testing::conflicting());
    CHECK(-4 * w[0] + 6 * w[1] == Approx(0.1588).margin(1e-4));
    CHECK(w[0] + w[1] == Approx(2.0706).margin(1e-4));
    const auto gramian = independent();
    const auto four = ConFIG{}(gramian);
    const auto p = projections(gramian, four);
    double sum = 0;
    double square = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(p[i] == Approx(p[0]));
        sum += p[i] * gramian.norm(i);
        square += four[i] * p[i] * gramian.norm(i);
    }
    CHECK(sum == Approx(square));  // sum g_i d / |d| = |d|
    CHECK(ConFIG{}(mtl::Gramian{{4}})[0] == Approx(1));
    CHECK(ConFIG{}(mtl::Gramian{{1, -2}, {-2, 4}}) == mtl::Weights{0, 0});
}
