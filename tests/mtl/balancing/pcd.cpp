// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/pcd.hpp>

using namespace espalier;
using mtl::PCD;

namespace {

PCD started(mtl::PCDOptions options, std::size_t tasks = 2) {
    PCD rule{options};
    rule.start(tasks);
    return rule;
}

}  // namespace

TEST_CASE("PCD of two conflicting gradients") {
    const auto w = started({})(testing::conflicting());
    CHECK(w[0] == Approx(1.8481).margin(1e-4));
    CHECK(w[1] == Approx(1.0954).margin(1e-4));
    const auto half = started({.tau = 0.5})(testing::conflicting());
    CHECK(half[0] == Approx(1.3578).margin(1e-4));
    CHECK(half[1] == Approx(1.2534).margin(1e-4));
    CHECK(started({}, 1)(mtl::Gramian{{4}})[0] == Approx(1));
}

TEST_CASE("PCD grants each secondary task its progress, and keeps the length of the primary one") {
    const mtl::Gramian gramian{{4, -1, -3}, {-1, 9, 1}, {-3, 1, 16}};
    const double tau = 0.3;
    const auto w = started({.primary = 1, .tau = tau}, 3)(gramian);
    double square = 0;
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            square += w[i] * gramian(i, j) * w[j];
    CHECK(square == Approx(9));
    // Before its length is changed, the part of h_1 in d is 1: d / (w_1 |g_1|) in unit gradients.
    for (const std::size_t j : {std::size_t{0}, std::size_t{2}}) {
        double gain = 0;
        for (std::size_t k = 0; k < 3; ++k)
            gain += gramian(j, k) * w[k] / gramian.norm(j) / (w[1] * 3);
        CHECK(gain >= tau - 1e-7);
        if (w[j] > 1e-12)
            CHECK(gain == Approx(tau).epsilon(1e-6));
    }
}

TEST_CASE("PCD follows the primary task where the others cannot be served, and stops with it") {
    const mtl::Gramian opposite{{4, 0, 0}, {0, 1, -1}, {0, -1, 1}};
    const auto w = started({}, 3)(opposite);
    CHECK(w[0] == Approx(1));
    CHECK(w[1] == 0);
    CHECK(w[2] == 0);
    CHECK(started({})(mtl::Gramian{{0, 0}, {0, 4}}) == mtl::Weights{0, 0});
    CHECK(started({}, 3)(testing::some_active({{4, 1}, {1, 4}}, {1, 2}, 3)) == mtl::Weights{0, 0});
    CHECK(started({.tau = 0})(mtl::Gramian{{1, -2}, {-2, 4}}) == mtl::Weights{0, 0});  // nothing of the primary is left
}

TEST_CASE("PCD normalizes by running averages, each over the steps of its task") {
    auto rule = started({.beta = 0.5, .eps = 0}, 3);
    (void)rule(testing::some_active({{4, -1}, {-1, 9}}, {0, 1}, 3));
    (void)rule(testing::some_active({{16, -1}, {-1, 1}}, {0, 2}, 3));
    testing::SavedState saved{rule};
    CHECK(saved.at("squares")[0] == Approx(0.5 * 2 + 0.5 * 16));
    CHECK(saved.at("squares")[1] == Approx(4.5));
    CHECK(saved.at("squares")[2] == Approx(0.5));
    CHECK(saved.at("steps")[0] == 2);
    CHECK(saved.at("steps")[1] == 1);
    const auto next = rule(testing::some_active({{16, -1, 2}, {-1, 9, 3}, {2, 3, 4}}, {0, 1, 2}, 3));
    auto other = started({.beta = 0.5, .eps = 0}, 3);
    saved.restore(other);
    CHECK(other(testing::some_active({{16, -1, 2}, {-1, 9, 3}, {2, 3, 4}}, {0, 1, 2}, 3)) == next);
}

TEST_CASE("PCD refuses what makes no sense") {
    CHECK_THROWS_WITH((PCD{{.tau = 1.5}}), ContainsSubstring("[PCD] expected tau within [0, 1], got 1.5"));
    CHECK_THROWS_WITH((PCD{{.beta = 1}}), ContainsSubstring("[PCD] expected beta within [0, 1), got 1"));
    CHECK_THROWS_WITH((PCD{{.eps = -1}}), ContainsSubstring("[PCD] expected eps of at least 0, got -1"));
    CHECK_THROWS_WITH(started({.primary = 2}), ContainsSubstring("[PCD] expected a primary task below 2, got 2"));
    PCD rule;
    CHECK_THROWS_AS(rule(testing::conflicting()), StateError);
}
