// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/cr_mogm.hpp>
#include <espalier/mtl/balancing/grad_norm.hpp>
#include <espalier/mtl/balancing/pe_ltr.hpp>

using namespace espalier;
using namespace testing;
using mtl::CRMOGM;
using mtl::GradNorm;
using mtl::PELTR;
using mtl::Weights;

namespace {

mtl::Gramian evidence(std::uint64_t salt, std::vector<std::size_t> tasks = {0, 1, 2}) {
    return gramian_of_rows(hashed_rows<double>(static_cast<Index>(tasks.size()), 9, salt), step_of(tasks, 3, 0));
}

}  // namespace

TEST_CASE("CRMOGM with alpha 0 is the bare rule, with alpha 1 its first weights", "[mtl]") {
    CRMOGM bare{PELTR{}, {.alpha = 0}}, frozen{PELTR{}, {.alpha = 1}};
    bare.start(3);
    frozen.start(3);
    for (std::uint64_t s = 0; s < 4; ++s) {
        CHECK(bare(evidence(s)) == PELTR{}(evidence(s)));
        CHECK(frozen(evidence(s)) == PELTR{}(evidence(0)));
    }
}

TEST_CASE("CRMOGM averages the weights of each task", "[mtl]") {
    CRMOGM<PELTR> rule;
    rule.start(3);
    const Weights a = rule(evidence(1, {0, 2}));
    CHECK(a == PELTR{}(evidence(1, {0, 2})));
    const Weights fresh = PELTR{}(evidence(2)), b = rule(evidence(2));
    CHECK(b[0] == Approx(0.9 * a[0] + 0.1 * fresh[0]));
    CHECK(b[1] == Approx(fresh[1]));  // which was not there before
    CHECK(b[2] == Approx(0.9 * a[1] + 0.1 * fresh[2]));
}

TEST_CASE("CRMOGM goes around a user's rule, and around one of two batches", "[mtl]") {
    CRMOGM rule{[](const mtl::Gramian& gramian) { return std::vector<double>(gramian.size(), 2.0); }};
    rule.start(3);
    CHECK(rule(evidence(0)) == Weights{2, 2, 2});
    CRMOGM crossed{[](const mtl::CrossGramian& products) { return Weights(products.size(), products(0, 0)); }, {.alpha = 0.5}};
    crossed.start(1);
    CHECK(crossed(mtl::CrossGramian{{4}}) == Weights{4});
    CHECK(crossed(mtl::CrossGramian{{2}}) == Weights{3});
    STATIC_REQUIRE(mtl::Weighting<CRMOGM<PELTR>>);
    STATIC_REQUIRE(!mtl::CrossWeighting<CRMOGM<PELTR>>);
    STATIC_REQUIRE(!mtl::Aggregator<CRMOGM<PELTR>, float>);
}

TEST_CASE("CRMOGM as a rule with state, its own and the inner one's", "[mtl]") {
    const auto make = [] { return CRMOGM{GradNorm{}}; };
    check_state<double>(make, gramian_of_rows<double>);
    check_finite<double>(make, gramian_of_rows<double>);
    auto rule = make();
    rule.start(3);
    StateOf<double> state;
    rule.visit(state);
    CHECK(state.doubles.count("inner.weights") == 1);
    CHECK(state.doubles.count("weights") == 1);
}

TEST_CASE("CRMOGM passes on what the inner rule is told", "[mtl]") {
    struct Told {
        Weights operator()(const mtl::Gramian& gramian) { return Weights(gramian.size(), told); }
        void after_step(std::span<const double> losses) { told += losses[0]; }
        void end_epoch() { told += 10; }
        double told = 0;
    };
    CRMOGM rule{Told{}, {.alpha = 0}};
    rule.start(3);
    rule.after_step(Weights{2});
    rule.end_epoch();
    CHECK(rule(evidence(0)) == Weights{12, 12, 12});
}

TEST_CASE("CRMOGM refuses another number of weights, and forgets nothing", "[mtl]") {
    std::size_t count = 3;
    CRMOGM rule{[&count](const mtl::Gramian& gramian) { return Weights(count, gramian(0, 0)); }, {.alpha = 0.5}};
    rule.start(3);
    const double first = rule(evidence(0))[0];
    count = 2;
    REQUIRE_THROWS_WITH(rule(evidence(1)), "[CRMOGM] expected 3 weights from the inner rule, got 2");
    count = 3;
    CHECK(rule(evidence(2))[0] == Approx((first + evidence(2)(0, 0)) / 2));
    REQUIRE_THROWS_WITH((CRMOGM{PELTR{}, {.alpha = 2}}), "[CRMOGM] expected alpha in [0, 1], got 2");
}
