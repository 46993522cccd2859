// SPDX-License-Identifier: MIT
// What all rules that need the losses alone promise, and what the programs of others make of the same losses.
#include "mtl/balancing/scalarizers.hpp"

#include "catch.hpp"
#include "mtl/balancing/scalarizer_rows.hpp"

#include <espalier/io/safetensors.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

using namespace espalier;
using testing::AnyScalarizer;
using testing::Outcome;
using testing::outcome;
using testing::same;
using testing::scalarizer_rows;
using testing::State;
using testing::state_of;
using testing::StateVisitor;
using testing::step_context;

namespace {

/// The numbers in [0.05, 4.05) of tests/golden/make_scalarizers.py: one for each of so many tasks.
std::vector<double> draw(std::uint32_t kind, std::uint32_t vector, std::size_t tasks) {
    std::vector<double> result;
    for (std::uint32_t j = 0; j < tasks; ++j) {
        std::uint32_t x = kind * 0x9E3779B1 + vector * 0x85EBCA77 + j * 0xC2B2AE3D;
        x = (x ^ x >> 16) * 0x7FEB352D;
        x = (x ^ x >> 15) * 0x846CA68B;
        x ^= x >> 16;
        result.push_back(0.05 + 4 * (x * 0x1p-32));
    }
    return result;
}

/// A rule in training, with the epochs that a criterion counts for it.
struct Training {
    AnyScalarizer rule;
    std::size_t tasks;
    Index epoch = 0;

    Training(AnyScalarizer its_rule, std::size_t count) : rule{std::move(its_rule)}, tasks{count} { rule.start(tasks); }
    Outcome step(std::vector<double> losses, std::vector<std::size_t> active = {}) {
        return outcome(rule, step_context(std::move(losses), std::move(active), tasks, epoch));
    }
    void end_epoch() {
        rule.end_epoch();
        ++epoch;
    }
};

/// Two epochs of two steps and a step of the third: `losses(kind)` are those of a step, and after its update.
void train(Training& training, const std::function<std::vector<double>(std::uint32_t kind)>& losses) {
    for (std::uint32_t kind = 1; kind < 11; kind += 2) {
        training.step(losses(kind));
        training.rule.after_step(losses(kind + 1));
        if (kind == 3 || kind == 7)
            training.end_epoch();
    }
}
void train(Training& training, std::uint32_t vector) {
    train(training, [&](std::uint32_t kind) { return draw(kind, vector, training.tasks); });
}

bool finite(const Outcome& result) {
    return std::isfinite(result.value) &&
           std::all_of(result.gradient.begin(), result.gradient.end(), [](double d) { return std::isfinite(d); });
}

}  // namespace

TEST_CASE("scalarizers: copies and restored states go on with the same bits", "[mtl][balancing]") {
    for (const auto& row : scalarizer_rows()) {
        CAPTURE(row.name);
        Training training{row.make(), 5};
        train(training, 3);
        training.step(draw(11, 3, 5));  // between a step and its after_step
        Training copy = training;
        State state = state_of(training.rule);
        Training restored{row.make(), 5};
        StateVisitor visitor{state, true};
        restored.rule.visit(visitor);
        restored.epoch = training.epoch;
        for (Training* each : {&training, &copy, &restored})
            each->rule.after_step(draw(12, 3, 5));
        for (std::uint32_t kind = 13; kind < 17; ++kind) {
            const auto losses = draw(kind, 3, 5);
            const auto expected = training.step(losses);
            CHECK(copy.step(losses) == expected);
            CHECK(restored.step(losses) == expected);
            for (Training* each : {&training, &copy, &restored}) {
                each->rule.after_step(draw(kind + 10, 3, 5));
                each->end_epoch();
            }
        }
        CHECK(same(state_of(training.rule), state_of(restored.rule)));
    }
}

TEST_CASE("scalarizers: tasks may be masked, down to one", "[mtl][balancing]") {
    const std::vector<std::vector<std::size_t>> active{{0, 1, 2, 3, 4}, {1, 3}, {4}, {0, 2, 3, 4}, {2}, {0, 1, 2, 3, 4}};
    for (const auto& row : scalarizer_rows()) {
        CAPTURE(row.name);
        Training training{row.make(), 5};
        for (int epoch = 0; epoch < 4; ++epoch, training.end_epoch())
            for (std::uint32_t k = 0; k < active.size(); ++k) {
                const auto result = training.step(draw(k, 9, active[k].size()), active[k]);
                REQUIRE(finite(result));
                REQUIRE(result.gradient.size() == active[k].size());
                if (result.gradient.size() == 1)
                    CHECK(result.gradient[0] > 0);
                training.rule.after_step(draw(k + 1, 9, active[k].size()));
            }
    }
}

TEST_CASE("scalarizers: any number of tasks of any scale has finite weights", "[mtl][balancing]") {
    for (const auto& row : scalarizer_rows())
        for (const std::size_t tasks : std::vector<std::size_t>{1, 2, 40})
            for (const double scale : {1e-15, 1.0, 1e15, 0.0}) {  // 0: all of these, side by side and from step to step
                CAPTURE(row.name, tasks, scale);
                Training training{row.make(), tasks};
                const auto scaled = [&](std::uint32_t kind) {
                    auto losses = draw(kind, 1, tasks);
                    for (std::size_t i = 0; i < tasks; ++i)
                        losses[i] *= scale > 0 ? scale : std::pow(10, 15 * (static_cast<double>((i + kind) % 3) - 1));
                    return losses;
                };
                train(training, scaled);
                CHECK(finite(training.step(scaled(0))));
            }
}

TEST_CASE("scalarizers: the order of the tasks does not matter", "[mtl][balancing]") {
    for (const auto& row : scalarizer_rows()) {
        if (!row.permutation)
            continue;
        CAPTURE(row.name);
        Training forwards{row.make(), 11};
        Training backwards{row.make(), 11};
        const auto reversed = [](std::uint32_t kind) {
            auto losses = draw(kind, 2, 11);
            std::reverse(losses.begin(), losses.end());
            return losses;
        };
        train(forwards, 2);
        train(backwards, reversed);
        const auto expected = forwards.step(draw(0, 2, 11));
        auto result = backwards.step(reversed(0));
        std::reverse(result.gradient.begin(), result.gradient.end());
        CHECK(result.value == Approx(expected.value).epsilon(1e-12));
        for (std::size_t i = 0; i < 11; ++i)
            CHECK(result.gradient[i] == Approx(expected.gradient[i]).epsilon(1e-10));
    }
}

TEST_CASE("scalarizers: which of them the scale of a task's losses does not trouble", "[mtl][balancing]") {
    for (const auto& row : scalarizer_rows()) {
        CAPTURE(row.name);
        const AnyScalarizer rule = row.make();
        Training one{rule, 3};
        Training other{rule, 3};
        const auto scaled = [](std::uint32_t kind) {
            auto losses = draw(kind, 4, 3);
            losses[1] *= 1000;
            return losses;
        };
        train(one, 4);
        train(other, scaled);
        const auto expected = one.step(draw(0, 4, 3)).gradient;
        auto weights = other.step(scaled(0)).gradient;
        const auto close = [&](double c) {
            return std::abs(weights[1] * c - expected[1]) <= 1e-10 * expected[1] &&
                   std::abs(weights[0] - expected[0]) <= 1e-10 * expected[0];
        };
        CHECK(close(1000) == row.scale_free);
        CHECK(close(1) == row.same_weights);
    }
}

TEST_CASE("scalarizers: a loss that a rule cannot weight is named, and changes nothing", "[mtl][balancing]") {
    for (const auto& row : scalarizer_rows())
        for (const double loss : {0.0, -1.0}) {
            CAPTURE(row.name, loss);
            Training training{row.make(), 5};
            train(training, 6);
            Training twin = training;
            const State before = state_of(training.rule);
            const auto bad = [&] { return training.step({1, loss, 2}, {0, 2, 4}); };
            if (row.above_zero || (row.at_least_zero && loss < 0)) {
                CHECK_THROWS_WITH(bad(), ContainsSubstring(concat("got ", loss, " for task 2")));
                CHECK(same(state_of(training.rule), before));
                CHECK(training.step(draw(0, 6, 5)) == twin.step(draw(0, 6, 5)));
            } else {
                CHECK(finite(bad()));
            }
        }
}

TEST_CASE("scalarizers: the values and derivatives of TorchJD and of the published formulas", "[mtl][balancing]") {
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/balancing_scalarizers.safetensors");
    const auto numbers = [](const std::vector<double>& values) { return Tensor<double>{Shape{static_cast<Index>(values.size())}, values}; };
    auto rows = scalarizer_rows();
    for (const char* name : {"FixedWeights", "UncertaintyWeighting, classification"})
        rows.push_back({.name = name});
    std::size_t compared = 0;
    for (const auto& row : rows) {
        if (!file.contains(row.name + ".value"))
            continue;
        CAPTURE(row.name);
        ++compared;
        const auto values = file.get<double>(row.name + ".value");
        const auto gradients = file.get<double>(row.name + ".gradient");
        Index at = 0;
        for (std::uint32_t vector = 0; vector < 100; ++vector) {
            const std::size_t tasks = vector % 10 == 9 ? 40 : std::vector<std::size_t>{2, 3, 5, 11}[vector % 4];
            auto learned = draw(20, vector, tasks);
            const auto weights = draw(21, vector, tasks);
            auto reference = draw(22, vector, tasks);
            for (std::size_t i = 0; i < tasks; ++i) {
                learned[i] -= 2;
                reference[i] -= 2;
            }
            const auto make = [&]() -> AnyScalarizer {
                if (row.name == "FixedWeights")
                    return AnyScalarizer{mtl::FixedWeights{weights}};
                if (row.name == "UncertaintyWeighting, classification")
                    return AnyScalarizer{mtl::UncertaintyWeighting<double>{{.likelihoods = {mtl::Likelihood::classification}}}};
                if (row.name == "STCH")
                    return AnyScalarizer{mtl::STCH{{.mu = 0.7, .weights = weights, .reference = reference}}};
                if (row.name == "NadirSTCH")
                    return AnyScalarizer{mtl::NadirSTCH{{.mu = 0.7, .warmup_epochs = 1}}};
                if (row.name == "PBI")
                    return AnyScalarizer{mtl::PBI{{.preference = weights, .reference = reference}}};
                if (row.name == "COSMOS")
                    return AnyScalarizer{mtl::COSMOS{{.preference = weights}}};
                if (row.name == "GO4Align")
                    return AnyScalarizer{mtl::GO4Align{{.step_size = 0.3}}};
                return row.make();
            };
            Training training{make(), tasks};
            State state = state_of(training.rule);
            for (auto& [name, value] : state)
                if (name == "log_variances" || name == "log_scales")
                    value = numbers(learned);
            StateVisitor restore{state, true};
            training.rule.visit(restore);
            train(training, vector);
            const auto result = training.step(draw(0, vector, tasks));
            CAPTURE(vector);
            REQUIRE(result.value == Approx(values[vector]).epsilon(1e-5).margin(1e-7));
            for (const double derivative : result.gradient)
                REQUIRE(derivative == Approx(gradients[at++]).epsilon(1e-5).margin(1e-9));
        }
        CHECK(at == gradients.numel());
    }
    CHECK(compared == 20);
    CHECK(file.size() == 40);
}
