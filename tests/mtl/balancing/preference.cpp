// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/preference.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::differences;
using testing::Outcome;
using testing::outcome;
using testing::same;
using testing::started;
using testing::State;
using testing::state_of;
using testing::step_context;

TEST_CASE("PBI: along the preference and beside it, with its derivatives", "[mtl][balancing]") {
    auto rule = started(mtl::PBI{{.theta = 1, .preference = {1, 1}}}, 2);
    CHECK(outcome(rule, {2, 0}).value == Approx(2 * std::sqrt(2.0)).epsilon(1e-12));
    auto plain = started(mtl::PBI{{.theta = 0, .preference = {1, 1}}}, 2);
    CHECK(outcome(plain, {2, 0}).value == Approx(std::sqrt(2.0)).epsilon(1e-12));
    auto shifted = started(mtl::PBI{{.theta = 1, .preference = {1, 1}, .reference = {1, 1}}}, 2);
    CHECK(outcome(shifted, {3, 1}).value == Approx(2 * std::sqrt(2.0)).epsilon(1e-12));
    CHECK(outcome(shifted, step_context({4}, {1}, 2)) == Outcome{3, {1}});
    auto full = started(mtl::PBI{{.preference = {0.2, 0.5, 0.3}, .reference = {0.1, -1, 2}}}, 3);
    CHECK(differences(full, {1, 2, 4}));
    CHECK(differences(full, {-1, 0.5, 2}));
}

TEST_CASE("PBI's derivatives on the preferred direction are those of the way along it", "[mtl][balancing]") {
    auto rule = started(mtl::PBI{{.preference = {3, 4}}}, 2);
    for (const double scale : {1e-15, 0.7, 1e15}) {
        const auto result = outcome(rule, {3 * scale, 4 * scale});
        CHECK(result.value == Approx(5 * scale));
        CHECK(result.gradient[0] == Approx(0.6));
        CHECK(result.gradient[1] == Approx(0.8));
    }
    CHECK(outcome(rule, {0, 0}).gradient[1] == Approx(0.8));
    auto many = started(mtl::PBI{}, 40);
    CHECK(outcome(many, std::vector<double>(40, 0.3)).gradient[39] == Approx(1 / std::sqrt(40.0)));
    CHECK(outcome(many, step_context({0.3}, {7}, 40)) == Outcome{0.3, {1}});
    CHECK(outcome<float>(many, step_context({0.5}, {7}, 40)) == Outcome{0.5, {1}});
}

TEST_CASE("COSMOS: a weighted sum less the cosine, with its derivatives", "[mtl][balancing]") {
    auto rule = started(mtl::COSMOS{{.lambda = 1, .preference = {0.5, 0.5}}}, 2);
    CHECK(outcome(rule, {1, 1}).value == Approx(0).margin(1e-12));
    CHECK(outcome(rule, {0, 0}) == Outcome{0, {0.5, 0.5}});
    auto plain = started(mtl::COSMOS{{.lambda = 0}}, 3);
    CHECK(outcome(plain, {1, 2, 4}).value == Approx(7.0 / 3).epsilon(1e-12));
    CHECK(outcome<float>(plain, {1, 2, 4}).value == Approx(7.0 / 3));
    auto full = started(mtl::COSMOS{{.lambda = 2, .preference = {0.2, 0.5, 0.3}}}, 3);
    CHECK(differences(full, {1, 2, 4}));
    CHECK(differences(full, {-1, 2, 4}));
    CHECK(differences(started(mtl::COSMOS{}, 1), {0.3}));
    for (const double scale : {1e-15, 1e15, 1e200}) {  // the cosine does not see the scale
        const double cosine = 0.2 * scale + 0.5 * 2 * scale + 0.3 * 4 * scale - outcome(full, {scale, 2 * scale, 4 * scale}).value;
        CHECK((scale > 1 || cosine == Approx(2 * 2.4 / std::sqrt(0.38 * 21))));
    }
}

TEST_CASE("a preference may change from step to step; it is state, and the copy's own", "[mtl][balancing]") {
    auto rule = started(mtl::COSMOS{{.lambda = 0}}, 2);
    auto copy = rule;
    rule.set_preference(std::vector<double>{1, 3});
    CHECK(outcome(rule, {1, 2}) == Outcome{7, {1, 3}});
    CHECK(outcome(rule, step_context({2}, {1}, 2)) == Outcome{6, {3}});
    CHECK(outcome(copy, {1, 2}) == Outcome{1.5, {0.5, 0.5}});
    State state = state_of(rule);
    testing::StateVisitor restore{state, true};
    copy.visit(restore);
    CHECK(outcome(copy, {1, 2}) == Outcome{7, {1, 3}});
    CHECK(copy.preference()[1] == 3);
    rule.set_preference(std::vector<double>{0, 1});
    CHECK(outcome(rule, step_context({2}, {0}, 2)) == Outcome{0, {0}});  // nothing is preferred of what there is
}

TEST_CASE("rules of a preference refuse what is none, and keep the one they have", "[mtl][balancing]") {
    using namespace mtl;
    auto rule = started(PBI{{.preference = {1, 2}}}, 2);
    const auto before = state_of(rule);
    CHECK_THROWS_WITH(rule.set_preference(std::vector<double>{1}), "[PBI] expected 2 preferences, one for each task, got 1");
    CHECK_THROWS_WITH(rule.set_preference(std::vector<double>{1, -1}), "[PBI] expected preferences of at least 0, got -1 for task 1");
    CHECK_THROWS_WITH(rule.set_preference(std::vector<double>{0, 0}), "[PBI] expected a preference above 0, got none");
    CHECK_THROWS_AS(rule.set_preference(std::vector<double>{}), ShapeError);
    CHECK_THROWS_AS(rule.set_preference(std::vector<double>{1, NAN}), ValueError);
    CHECK(same(state_of(rule), before));
    CHECK_THROWS_WITH((PBI{{.theta = -1}}), "[PBI] expected a finite theta of at least 0, got -1");
    CHECK_THROWS_WITH((PBI{{.reference = {1}}}.start(2)), "[PBI] expected 2 references, one for each task, got 1");
    PBI unlike{{.preference = {1, 1}, .reference = {1}}};
    CHECK_THROWS_AS(outcome(unlike, {1, 2}), ShapeError);
    CHECK_THROWS_WITH((COSMOS{{.lambda = -1}}), "[COSMOS] expected a finite lambda of at least 0, got -1");
    CHECK_THROWS_WITH((COSMOS{{.preference = {0, 0}}}), "[COSMOS] expected a preference above 0, got none");
    COSMOS fresh;
    CHECK_THROWS_AS(outcome(fresh, {1, 2}), StateError);
    fresh.set_preference(std::vector<double>{1, 2, 3});
    CHECK_THROWS_WITH(fresh.start(2), "[COSMOS] expected 2 preferences, one for each task, got 3");
}
