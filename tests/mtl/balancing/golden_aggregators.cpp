// SPDX-License-Identifier: MIT
/// @file Aggregators, and weightings with state, against TorchJD and the published formulas: see tests/golden/make_aggregators.py.
#include "mtl/balancing/stateful.hpp"

#include <espalier/io/safetensors.hpp>
#include <espalier/mtl/balancing/ada_task.hpp>
#include <espalier/mtl/balancing/cr_mogm.hpp>
#include <espalier/mtl/balancing/db_mtl.hpp>
#include <espalier/mtl/balancing/epo.hpp>
#include <espalier/mtl/balancing/excess_mtl.hpp>
#include <espalier/mtl/balancing/grad_drop.hpp>
#include <espalier/mtl/balancing/grad_norm.hpp>
#include <espalier/mtl/balancing/meta_balance.hpp>
#include <espalier/mtl/balancing/moco.hpp>
#include <espalier/mtl/balancing/modo.hpp>
#include <espalier/mtl/balancing/pe_ltr.hpp>
#include <espalier/mtl/balancing/pmgda.hpp>
#include <espalier/mtl/balancing/sam_gs.hpp>
#include <espalier/mtl/balancing/sdm_grad.hpp>
#include <espalier/mtl/balancing/trimmed_mean.hpp>

#include <algorithm>

using namespace espalier;
using namespace testing;

namespace {

constexpr Index cases = 100, columns = 20, steps = 3;

/// Step `step` of a case, as `Step` of the script.
struct Step {
    Step(Index number, Index step, bool masked) : salt{static_cast<std::uint64_t>(number * steps + step)} {
        const std::size_t counts[] = {2, 3, 11, 40};
        count = counts[number % 4];
        scale = std::ldexp(1.0, static_cast<int>(number / 8 * 17 % 67 - 33));
        const std::size_t rank = number / 4 % 2 ? (count + 1) / 2 : count;
        std::vector<std::size_t> tasks;
        for (std::size_t t = 0; t < count; ++t)
            if (!(masked && step == 1 && count > 2 && t == 1))
                tasks.push_back(t);
        const auto all = hashed_jacobian(2 * salt, static_cast<Index>(count), columns, static_cast<Index>(rank), scale);
        rows = Tensor<double>{Shape{static_cast<Index>(tasks.size()), columns}};
        context = step_of(tasks, count, step);
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            context.losses[i] = 1.5 + hashed(2 * salt + 1, tasks[i]);
            for (Index p = 0; p < columns; ++p)
                rows.at(i, p) = all.at(tasks[i], p);
        }
    }

    [[nodiscard]] mtl::Jacobian<double> jacobian() const { return {rows, context, {{"a", 0, 7}, {"b", 7, 1}, {"c", 8, 12}}}; }

    [[nodiscard]] mtl::Gramian gramian() const { return gramian_of_rows(rows, context); }

    /// Of all tasks, and divided by the square of the scale.
    [[nodiscard]] mtl::CrossGramian cross() const {
        mtl::Matrix products{count, count};
        for (std::size_t i = 0; i < count; ++i)
            for (std::size_t j = 0; j < count; ++j)
                for (Index p = 0; p < columns; ++p) {
                    const double other = hashed(2 * salt + 1, 1000 + j * columns + static_cast<std::uint64_t>(p));
                    products(i, j) += rows.at(i, p) / scale * (rows.at(j, p) / scale + 0.25 * other);
                }
        return {std::move(products), context};
    }

    std::uint64_t salt;
    std::size_t count = 0;
    double scale = 1;
    Tensor<double> rows;
    mtl::StepContext context;
};

[[nodiscard]] Tensor<float> golden(const std::string& name) {
    static const auto file = io::load_safetensors(std::string{ESPALIER_GOLDEN_DIR} + "/balancing_aggregators.safetensors");
    return file.get<float>(name);
}

/// What `run(case number)` gives, relative to the largest of these; `linear` if it grows with the scale, `unique_only` for the cases in
/// which rows do not depend on others by construction.
template <class Run>
void check_golden(const std::string& name, const Run& run, bool linear = false, bool unique_only = false) {
    const Tensor<double> all = golden(name).cast<double>();
    Index first = 0;
    for (Index number = 0; number < cases; ++number) {
        const auto results = run(number);
        const auto count = static_cast<Index>(std::distance(results.begin(), results.end()));
        double largest = 0, error = 0;
        for (Index p = 0; p < count; ++p) {
            largest = std::max(largest, std::abs(all[first + p]));
            error = std::max(error, std::abs(results.begin()[p] - all[first + p]));
        }
        first += count;
        if (unique_only && number / 4 % 2)
            continue;
        const double rounding = 1e-15 * Step{number, 0, false}.scale;  // of opposite rows nothing else may be left
        CAPTURE(name, number, error, largest, rounding);
        CHECK(error <= 1e-5 * largest + (linear ? rounding : std::min(rounding, 1e-14)));
    }
    CHECK(first == all.numel());
}

/// The direction in the last of three steps, by a rule made for so many tasks.
template <class Make>
void check_directions(const std::string& name, bool masked, const Make& make) {
    check_golden(name, [&](Index number) {
        auto rule = make(Step{number, 0, masked}.count);
        Tensor<double> direction;
        for (Index s = 0; s < steps; ++s)
            direction = rule(Step{number, s, masked}.jacobian());
        return direction;
    });
}

/// The weights in the last of three steps.
template <class Evidence, class Rule>
void check_weights(const std::string& name, bool masked, const Rule& fresh, const Evidence& evidence) {
    check_golden(name, [&](Index number) {
        Rule rule = fresh;
        rule.start(Step{number, 0, masked}.count);
        mtl::Weights weights;
        for (Index s = 0; s < steps; ++s)
            weights = rule(evidence(Step{number, s, masked}));
        return weights;
    });
}

/// The direction of a weighting without state in the second step: weights may not be unique where the direction is.
template <class Make>
void check_combination(const std::string& name, const Make& make, bool linear = true, bool unique_only = false) {
    const auto run = [&](Index number) {
        const Step step{number, 1, true};
        const mtl::Weights weights = make(step.count)(step.gramian());
        Tensor<double> direction{Shape{columns}};
        for (std::size_t t = 0; t < weights.size(); ++t)
            for (Index p = 0; p < columns; ++p)
                direction[p] += weights[t] * step.rows.at(t, p);
        return direction;
    };
    check_golden(name, run, linear, unique_only);
}

}  // namespace

TEST_CASE("aggregators give the golden directions after three steps", "[mtl]") {
    check_directions("MoCo", true, [](std::size_t) { return mtl::MoCo<double>{}; });
    check_directions("MoCo.libmtl", true, [](std::size_t) { return mtl::MoCo<double>{{.rho = 0.1, .normalised = true, .softmax = true}}; });
    check_directions("DBMTL", true, [](std::size_t) { return mtl::DBMTL<double>{{.sigma = 0.5}}; });
    check_directions("MetaBalance", true, [](std::size_t) { return mtl::MetaBalance{}; });
    check_directions("AdaTask", true, [](std::size_t) { return mtl::AdaTask<double>{}; });
    check_directions("SAMGS", true, [](std::size_t) { return mtl::SAMGS<double>{}; });
    check_directions("SAMGS.equalised", true, [](std::size_t) { return mtl::SAMGS<double>{{.gamma = 0.9, .distinct_pairs = true}}; });
    check_directions("ExcessMTL", false, [](std::size_t) { return mtl::ExcessMTL<double>{}; });
    check_directions("ExcessMTL.raw", false, [](std::size_t) { return mtl::ExcessMTL<double>{{.step = 1, .warmup = 0}}; });
    check_directions("TrimmedMean", false, [](std::size_t tasks) { return mtl::TrimmedMean{{.trim = (tasks - 1) / 3}}; });
}

TEST_CASE("GradDrop gives one of the two golden values at each element", "[mtl]") {
    const Tensor<float> positive = golden("GradDrop.positive"), negative = golden("GradDrop.negative");
    for (Index number = 0; number < cases; ++number) {
        const Step step{number, steps - 1, false};
        std::vector<double> leak;
        for (std::size_t t = 0; t < step.count; ++t)
            leak.push_back(t % 2 ? 0.25 : 0);
        const auto direction = mtl::GradDrop{{.leak = leak}}(step.jacobian());
        for (Index p = 0; p < columns; ++p) {
            const double kept = static_cast<double>(positive[number * columns + p]),
                         other = static_cast<double>(negative[number * columns + p]);
            const double tolerance = 1e-6 * (std::abs(kept) + std::abs(other));
            CAPTURE(number, p, direction[p], kept, other);
            CHECK((std::abs(direction[p] - kept) <= tolerance || std::abs(direction[p] - other) <= tolerance));
        }
    }
}

TEST_CASE("weightings give the golden weights after three steps", "[mtl]") {
    const auto gramian = [](const Step& step) { return step.gramian(); };
    const auto cross = [](const Step& step) { return step.cross(); };
    check_weights("GradNorm", true, mtl::GradNorm{}, gramian);
    check_weights("GradNorm.softmax", true, mtl::GradNorm{{.learning_rate = 0.5, .softmax = true}}, gramian);
    const auto shares = [](const mtl::Gramian& g) {
        mtl::Weights weights(g.size());
        for (std::size_t t = 0; t < weights.size(); ++t)
            weights[t] = g(t, t) / g.matrix().map().trace();
        return weights;
    };
    check_weights("CRMOGM", false, mtl::CRMOGM{shares, {.alpha = 0.8}}, gramian);
    check_weights("SDMGrad", false, mtl::SDMGrad{{.step = 1}}, cross);
    check_weights("MoDo", false, mtl::MoDo{}, cross);
}

TEST_CASE("weightings with bounds and preferences give the golden directions", "[mtl]") {
    check_combination("PELTR", [](std::size_t count) {
        std::vector<double> lowest(count, 0.3 / static_cast<double>(count));
        lowest[0] = 0.4;
        lowest[1] = 0.1;
        return mtl::PELTR{{.lowest = lowest}};
    });
    const auto preference = [](std::size_t count) {
        std::vector<double> result(count);
        for (std::size_t t = 0; t < count; ++t)
            result[t] = static_cast<double>(1 + t % 3);
        return result;
    };
    check_combination("EPO", [&](std::size_t count) { return mtl::EPO{{.preference = preference(count)}}; });
    check_combination(
        "PMGDA", [&](std::size_t count) { return mtl::PMGDA{{.preference = preference(count)}}; }, false, true);
}
