// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "jacobians.hpp"
#include "registry.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/pcgrad.hpp>

using namespace espalier;
using mtl::GradVac;
using mtl::PCGrad;

namespace {

/// The cosine of the angle between g_i + times g_j and g_j.
double cosine_after(const mtl::Gramian& g, std::size_t i, std::size_t j, double times) {
    const double product = g(i, j) + times * g(j, j);
    return product / std::sqrt(g(i, i) + 2 * times * g(i, j) + times * times * g(j, j)) / g.norm(j);
}

mtl::Gramian gramian_of(const Tensor<double>& rows) {
    const mtl::Weights ones(static_cast<std::size_t>(rows.size(0)), 1.0);
    return mtl::Gramian{testing::products(rows), mtl::StepContext{ones}};
}

}  // namespace

TEST_CASE("PCGrad projects two gradients on each other's normal planes") {
    const auto w = PCGrad{}(testing::conflicting());
    CHECK(w[0] == Approx(1 + 22.0 / 18));
    CHECK(w[1] == Approx(1 + 22.0 / 38));
    CHECK(PCGrad{}(mtl::Gramian{{4, 1}, {1, 9}}) == mtl::Weights{1, 1});
    CHECK(PCGrad{}(mtl::Gramian{{4}}) == mtl::Weights{1});
}

TEST_CASE("PCGrad does on the Gramian what the paper does on the rows") {
    const auto rows = testing::hashed_jacobian(3, 6, 4, 6, 1);
    manual_seed(5);
    PCGrad rule;
    manual_seed(5);
    Random random = new_random();
    for (int step = 0; step < 3; ++step) {
        const auto w = rule(gramian_of(rows));
        for (Index p = 0; p < 4; ++p) {
            double by_weights = 0;
            for (Index t = 0; t < 6; ++t)
                by_weights += w[static_cast<std::size_t>(t)] * rows.at(t, p);
            double by_rows = 0;
            Random again = random;
            for (Index i = 0; i < 6; ++i) {
                Tensor<double> g = rows.slice(i, i + 1);
                PoolVector<std::size_t> order;
                mtl::detail::draw_order(order, 6, static_cast<std::size_t>(i), again);
                for (const std::size_t other : order) {
                    const auto j = static_cast<Index>(other);
                    double product = 0;
                    double square = 0;
                    for (Index q = 0; q < 4; ++q) {
                        product += g[q] * rows.at(j, q);
                        square += rows.at(j, q) * rows.at(j, q);
                    }
                    for (Index q = 0; q < 4 && product < 0; ++q)
                        g[q] -= product / square * rows.at(j, q);
                }
                by_rows += g[p];
            }
            CHECK(by_weights == Approx(by_rows));
            if (p == 3)
                random = again;
        }
    }
}

TEST_CASE("orders are drawn of all but one task, each as often") {
    Random random{1};
    PoolVector<std::size_t> order;
    int first[4] = {};
    for (int i = 0; i < 3000; ++i) {
        mtl::detail::draw_order(order, 4, 2, random);
        REQUIRE(order.size() == 3);
        ++first[order[0]];
    }
    CHECK(first[2] == 0);
    for (const int j : {0, 1, 3})
        CHECK(std::abs(first[j] - 1000) < 100);
}

TEST_CASE("PCGrad goes on with its stream where it was saved") {
    const auto gramian = gramian_of(testing::hashed_jacobian(4, 11, 6, 11, 1));
    PCGrad rule;
    (void)rule(gramian);
    testing::SavedState saved{rule};
    const auto next = rule(gramian);
    CHECK(rule(gramian) != next);
    PCGrad other;
    saved.restore(other);
    CHECK(other(gramian) == next);
}

TEST_CASE("GradVac begins as PCGrad and then raises cosines to their averages") {
    const auto gramian = testing::conflicting();
    GradVac rule{{.beta = 0.25}};
    rule.start(2);
    const auto first = rule(gramian);
    CHECK(first[0] == Approx(1 + 22.0 / 18));
    CHECK(first[1] == Approx(1 + 22.0 / 38));
    double target = 0.25 * gramian.cosine(0, 1);
    CHECK(testing::SavedState{rule}.at("targets")[1] == Approx(target));
    for (int step = 0; step < 3; ++step) {
        const auto w = rule(gramian);
        CHECK(cosine_after(gramian, 0, 1, w[1] - 1) == Approx(target));
        CHECK(cosine_after(gramian, 1, 0, w[0] - 1) == Approx(target));
        target = 0.75 * target + 0.25 * gramian.cosine(0, 1);
    }
    GradVac aligned;
    aligned.start(2);
    (void)aligned(mtl::Gramian{{4, 3}, {3, 9}});  // a target above 0: gradients without a conflict are turned as well
    CHECK(aligned(mtl::Gramian{{4, 1}, {1, 9}})[0] > 1);
}

TEST_CASE("GradVac keeps the averages of tasks that are not in a step") {
    GradVac rule;
    rule.start(3);
    (void)rule(testing::some_active({{18, -22}, {-22, 38}}, {0, 2}, 3));
    const double cosine = -22 / std::sqrt(18.0 * 38);
    const auto targets = testing::SavedState{rule}.at("targets");
    for (Index i = 0; i < 9; ++i)
        CHECK(targets[i] == Approx(i == 2 || i == 6 ? cosine / 2 : 0));
    CHECK(rule(testing::some_active({{4}}, {1}, 3)) == mtl::Weights{1});
}

TEST_CASE("GradVac refuses a beta that is none, and a step that it was not started for") {
    CHECK_THROWS_WITH((GradVac{{.beta = 1.5}}), ContainsSubstring("[GradVac] expected beta within [0, 1], got 1.5"));
    GradVac rule;
    CHECK_THROWS_AS(rule(testing::conflicting()), StateError);
    rule.start(3);
    CHECK_THROWS_WITH(rule(testing::conflicting()), ContainsSubstring("expected 2 tasks as at the start, got state (3, 3)"));
}
