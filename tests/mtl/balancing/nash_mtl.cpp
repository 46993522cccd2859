// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/nash_mtl.hpp>

using namespace espalier;
using mtl::FairGrad;
using mtl::NashMTL;

namespace {

NashMTL started(mtl::NashMTLOptions options, std::size_t tasks = 2) {
    NashMTL rule{options};
    rule.start(tasks);
    return rule;
}

}  // namespace

TEST_CASE("FairGrad's weights fulfil its equation") {
    const auto w = FairGrad{}(testing::conflicting());
    CHECK(w[0] == Approx(0.591461).epsilon(1e-6));
    CHECK(w[1] == Approx(0.407071).epsilon(2e-6));
    for (const double alpha : {0.5, 2.0}) {
        const auto x = FairGrad{{.alpha = alpha}}(testing::conflicting());
        CHECK(18 * x[0] - 22 * x[1] == Approx(std::pow(x[0], -1 / alpha)));
        CHECK(-22 * x[0] + 38 * x[1] == Approx(std::pow(x[1], -1 / alpha)));
    }
    CHECK(FairGrad{}(mtl::Gramian{{1, -2}, {-2, 4}}) == mtl::Weights{0, 0});
    CHECK_THROWS_WITH((FairGrad{{.alpha = 0}}), ContainsSubstring("[FairGrad] expected alpha within [0.1, 10], got 0"));
}

TEST_CASE("Nash-MTL is FairGrad of alpha 1, scaled with the gradients and cut") {
    const auto fair = FairGrad{}(testing::conflicting());
    const auto cut = started({})(testing::conflicting());
    CHECK(-4 * cut[0] + 6 * cut[1] == Approx(0.0542).margin(1e-4));
    CHECK(cut[0] + cut[1] == Approx(0.7061).margin(1e-4));
    CHECK(cut[0] == Approx(fair[0] / std::sqrt(2)).epsilon(1e-6));  // from the length sqrt(T) to 1
    const auto whole = started({.max_norm = 0})(testing::conflicting());
    const double frobenius = std::sqrt(18.0 * 18 + 2 * 22.0 * 22 + 38.0 * 38);
    CHECK(whole[0] == Approx(fair[0] * std::sqrt(frobenius)));
    CHECK(whole[1] == Approx(fair[1] * std::sqrt(frobenius)));
    const auto less = started({})(mtl::Gramian{{18e-6, -22e-6}, {-22e-6, 38e-6}});  // shorter than 1 without a cut
    CHECK(less[0] == Approx(whole[0]));
}

TEST_CASE("Nash-MTL solves anew every so many steps") {
    auto rule = started({.max_norm = 0, .update_weights_every = 3});
    const mtl::Gramian other{{4, 0}, {0, 9}};
    const auto first = rule(testing::conflicting());
    CHECK(rule(other) == first);
    testing::SavedState saved{rule};
    auto restored = started({.max_norm = 0, .update_weights_every = 3});
    saved.restore(restored);
    CHECK(restored(other) == first);
    CHECK(restored(other) == started({.max_norm = 0})(other));
    CHECK(rule(other) == first);
    // What is kept is cut by the gradients of each step.
    auto cut = started({.update_weights_every = 2});
    (void)cut(testing::conflicting());
    const auto w = cut(other);
    CHECK(4 * w[0] * w[0] + 9 * w[1] * w[1] == Approx(1));
}

TEST_CASE("Nash-MTL keeps the weights of tasks that are not in a step") {
    auto rule = started({.max_norm = 0, .update_weights_every = 2}, 3);
    const auto first = rule(testing::some_active({{18, -22}, {-22, 38}}, {0, 2}, 3));
    const auto second = rule(testing::some_active({{1, 0}, {0, 1}}, {1, 2}, 3));
    CHECK(second[0] == 1);  // as at the start
    CHECK(second[1] == first[1]);
}

TEST_CASE("Nash-MTL refuses what makes no sense") {
    CHECK_THROWS_WITH((NashMTL{{.max_norm = -1}}), ContainsSubstring("[NashMTL] expected max_norm of at least 0, got -1"));
    CHECK_THROWS_WITH((NashMTL{{.update_weights_every = 0}}), ContainsSubstring("expected update_weights_every of at least 1, got 0"));
    NashMTL rule;
    CHECK_THROWS_AS(rule(testing::conflicting()), StateError);
}
