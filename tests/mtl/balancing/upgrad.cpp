// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "jacobians.hpp"
#include "registry.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/upgrad.hpp>

using namespace espalier;
using mtl::DualProj;
using mtl::UPGrad;

TEST_CASE("UPGrad adds the projections of all gradients") {
    const auto w = UPGrad{}(testing::conflicting());
    CHECK(w[0] == Approx(10.0 / 9).epsilon(1e-12));
    CHECK(w[1] == Approx(15.0 / 19).epsilon(1e-12));
    CHECK(UPGrad{}(mtl::Gramian{{4, 1}, {1, 9}}) == mtl::Weights{0.5, 0.5});
    CHECK(UPGrad{}(mtl::Gramian{{4}}) == mtl::Weights{1});
    const auto first = UPGrad{{.preference = {1, 0}}}(testing::conflicting());  // the first task's gradient alone
    CHECK(first[0] == Approx(1));
    CHECK(first[1] == Approx(22.0 / 38));
}

TEST_CASE("UPGrad where gradients are opposite") {
    const auto w = UPGrad{}(mtl::Gramian{{1, -2}, {-2, 4}});
    CHECK(w[0] == Approx(2 * w[1]));  // 0
}

TEST_CASE("UPGrad of 200 dependent gradients has no conflict") {
    auto rows = testing::hashed_jacobian(6, 200, 20, 20, 1);
    for (Index t = 0; t < 200; ++t)
        rows[t * 20] += 0.6;
    const mtl::Weights ones(200, 1.0);
    const mtl::Gramian g{testing::products(rows), mtl::StepContext{ones}};
    const auto w = UPGrad{}(g);
    for (std::size_t i = 0; i < 200; ++i) {
        double gain = 0;
        double magnitude = 0;
        for (std::size_t j = 0; j < 200; ++j) {
            gain += g(i, j) * w[j];
            magnitude += g.norm(i) * g.norm(j) * w[j];
        }
        CHECK(gain >= -1e-12 * magnitude);
    }
}

TEST_CASE("DualProj projects the mean") {
    const auto w = DualProj{}(testing::conflicting());
    CHECK(w[0] == Approx(11.0 / 18).epsilon(1e-12));
    CHECK(w[1] == Approx(0.5));
    const auto second = DualProj{{.preference = {0, 1}}}(testing::conflicting());
    CHECK(second[0] == Approx(22.0 / 18));
    CHECK(second[1] == Approx(1));
}

TEST_CASE("both take preferences by task and refuse others") {
    const auto masked = testing::some_active({{18, -22}, {-22, 38}}, {0, 2}, 3);
    CHECK(UPGrad{{.preference = {1, 5, 0}}}(masked)[1] == Approx(22.0 / 38));
    CHECK(DualProj{{.preference = {0, 5, 1}}}(masked)[0] == Approx(22.0 / 18));
    CHECK_THROWS_WITH((UPGrad{{.preference = {1}}}(masked)), ContainsSubstring("[UPGrad] expected 3 preferences, got 1"));
    CHECK_THROWS_WITH((DualProj{{.preference = {1}}}(masked)), ContainsSubstring("[DualProj] expected 3 preferences, got 1"));
    CHECK_THROWS_AS((UPGrad{{.preference = {-1}}}), ValueError);
    CHECK_THROWS_AS((DualProj{{.preference = {-1}}}), ValueError);
}
