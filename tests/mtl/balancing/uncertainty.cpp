// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/uncertainty.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using testing::differences;
using testing::Outcome;
using testing::outcome;
using testing::started;
using testing::State;
using testing::state_of;
using testing::StateVisitor;
using testing::step_context;

namespace {

/// Sets the learned logarithms.
template <class Rule>
void set(Rule& rule, const std::string& path, const std::vector<double>& values) {
    State state{{path, Tensor<double>{Shape{static_cast<Index>(values.size())}, values}}};
    StateVisitor visitor{state, true};
    rule.visit(visitor);
}

/// The gradient that a step leaves with a learned parameter, against differences of the value.
template <class Rule>
void check_learned(Rule& rule, const nn::Parameter<double>& learned, const std::string& path, const mtl::StepContext& context) {
    Variable<double> handle = learned.variable();
    handle.zero_grad();
    outcome(rule, context);
    const Tensor<double> gradient = handle.grad();
    const std::vector<double> before(learned.value().begin(), learned.value().end());
    for (std::size_t i = 0; i < before.size(); ++i) {
        const auto at = [&](double x) {
            auto moved = before;
            moved[i] = x;
            Rule copy = rule;
            set(copy, path, moved);
            return outcome(copy, context).value;
        };
        const double step = 1e-6;
        CAPTURE(i);
        CHECK(gradient[static_cast<Index>(i)] ==
              Approx((at(before[i] + step) - at(before[i] - step)) / (2 * step)).epsilon(1e-6).margin(1e-8));
    }
}

}  // namespace

TEST_CASE("UncertaintyWeighting: the paper's value and weights, in both forms", "[mtl][balancing]") {
    auto rule = started(mtl::UncertaintyWeighting<double>{}, 3);
    CHECK(outcome(rule, {1, 2, 4}) == Outcome{3.5, {0.5, 0.5, 0.5}});
    set(rule, "log_variances", {0.3, -1, 2});
    const auto after = outcome(rule, {1, 2, 4});
    CHECK(after.value == Approx(0.5 * (std::exp(-0.3) + 2 * std::exp(1) + 4 * std::exp(-2) + 0.3 - 1 + 2)));
    CHECK(after.gradient[1] == Approx(0.5 * std::exp(1)));
    CHECK(differences(rule, {1, 2, 4}));

    auto classes = started(mtl::UncertaintyWeighting<double>{{.init = -0.5, .likelihoods = {mtl::Likelihood::classification}}}, 2);
    const auto both = outcome(classes, {1, 2});
    CHECK(both.value == Approx(3 * std::exp(0.5) - 0.5));
    CHECK(both.gradient[0] == Approx(std::exp(0.5)));

    auto mixed = started(mtl::UncertaintyWeighting<double>{{.likelihoods = {mtl::Likelihood::regression, mtl::Likelihood::classification}}},
                         2);
    CHECK(outcome(mixed, {1, 2}) == Outcome{2.5, {0.5, 1}});
    CHECK(outcome(mixed, step_context({2}, {1}, 2)) == Outcome{2, {1}});
}

TEST_CASE("IMTLL is twice UncertaintyWeighting with the opposite logarithms", "[mtl][balancing]") {
    auto rule = started(mtl::IMTLL<double>{}, 3);
    CHECK(outcome(rule, {1, 2, 4}) == Outcome{7, {1, 1, 1}});
    auto twice = started(mtl::UncertaintyWeighting<double>{}, 3);
    set(rule, "log_scales", {0.3, -1, 2});
    set(twice, "log_variances", {-0.3, 1, -2});
    const auto a = outcome(rule, {1, 2, 4});
    const auto b = outcome(twice, {1, 2, 4});
    CHECK(a.value == Approx(2 * b.value));
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(a.gradient[i] == Approx(2 * b.gradient[i]));
    CHECK(differences(rule, {1, 2, 4}));
}

TEST_CASE("learned logarithms get the derivative of the value; those of masked tasks get 0", "[mtl][balancing]") {
    auto rule = started(
        mtl::UncertaintyWeighting<double>{
            {.init = 0.25, .likelihoods = {mtl::Likelihood::regression, mtl::Likelihood::classification, mtl::Likelihood::regression}}},
        3);
    check_learned(rule, rule.log_variances(), "log_variances", step_context({1, 2, 4}));
    check_learned(rule, rule.log_variances(), "log_variances", step_context({3, 0.5}, {0, 2}, 3));
    auto imtl = started(mtl::IMTLL<double>{}, 3);
    set(imtl, "log_scales", {0.3, -1, 2});
    check_learned(imtl, imtl.log_scales(), "log_scales", step_context({1, 2, 4}));
    check_learned(imtl, imtl.log_scales(), "log_scales", step_context({7}, {1}, 3));
    CHECK(imtl.log_scales().variable().grad()[0] == 0);
    CHECK(imtl.log_scales().variable().grad()[2] == 0);
}

TEST_CASE("learned uncertainties settle at the optimal ones", "[mtl][balancing]") {
    auto rule = started(mtl::UncertaintyWeighting<double>{}, 2);
    mtl::OptimalUncertaintyWeighting optimal;
    Variable<double> learned = rule.log_variances().variable();
    for (int step = 0; step < 400; ++step) {
        learned.zero_grad();
        outcome(rule, {0.5, 3});
        auto& value = learned.mutable_value();
        for (Index i = 0; i < 2; ++i)
            value[i] -= 0.5 * learned.grad()[i];
    }
    const auto weights = outcome(rule, {0.5, 3}).gradient;
    const auto best = outcome(optimal, {0.5, 3}).gradient;
    CHECK(2 * weights[0] == Approx(best[0]).epsilon(1e-6));
    CHECK(2 * weights[1] == Approx(best[1]).epsilon(1e-6));
}

TEST_CASE("a copy of a rule with learned weights trains on its own", "[mtl][balancing]") {
    auto rule = started(mtl::UncertaintyWeighting{}, 2);
    static_assert(std::is_same_v<decltype(rule), mtl::UncertaintyWeighting<float>>);
    auto copy = rule;
    Variable<float> learned = copy.log_variances().variable();
    learned.mutable_value()[0] = 1;
    CHECK(outcome<float>(rule, {1, 2}) == Outcome{1.5, {0.5, 0.5}});
    CHECK(outcome<float>(copy, {1, 2}).gradient[0] == Approx(0.5 * std::exp(-1)));
    const auto node = rule.log_variances().variable().node();
    rule = copy;
    CHECK(rule.log_variances().variable().node() == node);  // an optimizer keeps its grip
    CHECK(rule.log_variances().value()[0] == 1);
}

TEST_CASE("UW-O divides each loss by itself, UW-SO by a softmax of the inverses", "[mtl][balancing]") {
    mtl::OptimalUncertaintyWeighting optimal;
    CHECK(outcome(optimal, {1, 2, 4}) == Outcome{3, {1, 0.5, 0.25}});
    mtl::SoftOptimalUncertaintyWeighting soft;
    const auto one = outcome(soft, {1, 2});
    CHECK(one.gradient[0] == Approx(1 / (1 + std::exp(-0.5))).epsilon(1e-12));
    CHECK(one.gradient[0] == Approx(0.62246).margin(5e-6));
    CHECK(one.value == Approx(one.gradient[0] + 2 * one.gradient[1]));
    mtl::SoftOptimalUncertaintyWeighting two{{.temperature = 2}};
    CHECK(outcome(two, {1, 2}).gradient[0] == Approx(0.56218).margin(5e-6));
    CHECK(outcome(soft, {7}) == Outcome{7, {1}});
    CHECK(outcome<float>(soft, {7}) == Outcome{7, {1}});
    CHECK(outcome<float>(optimal, {1, 2, 4}) == Outcome{3, {1, 0.5, 0.25}});
    CHECK(outcome(soft, {1e-320, 1}) == Outcome{1e-320, {1, 0}});
}

TEST_CASE("rules of uncertainty refuse what they cannot weight", "[mtl][balancing]") {
    using namespace mtl;
    OptimalUncertaintyWeighting optimal;
    SoftOptimalUncertaintyWeighting soft;
    CHECK_THROWS_WITH(outcome(optimal, {1, 0}), "[OptimalUncertaintyWeighting] expected losses above 0, got 0 for task 1");
    CHECK_THROWS_WITH(outcome(soft, step_context({1, -2}, {3, 5}, 6)),
                      "[SoftOptimalUncertaintyWeighting] expected losses above 0, got -2 for task 5");
    CHECK_THROWS_WITH((SoftOptimalUncertaintyWeighting{{.temperature = 0}}),
                      "[SoftOptimalUncertaintyWeighting] expected a finite temperature above 0, got 0");
    CHECK_THROWS_WITH((UncertaintyWeighting{{.init = INFINITY}}), "[UncertaintyWeighting] expected a finite init, got inf");
    UncertaintyWeighting<double> two{{.likelihoods = {Likelihood::regression, Likelihood::regression}}};
    CHECK_THROWS_WITH(two.start(3), "[UncertaintyWeighting] expected 3 likelihoods, one for each task, got 2");
    two.start(2);
    CHECK_THROWS_WITH(outcome(two, {1, 2, 3}), "[UncertaintyWeighting] expected a rule that was started for 3 tasks, got one for 2");
    IMTLL<double> fresh;
    CHECK_THROWS_AS(outcome(fresh, {1}), StateError);
}
