// SPDX-License-Identifier: MIT
/// @file Aggregators, and weightings with state, against TorchJD and the published formulas: see tests/golden/make_aggregators.py.
#include "mtl/balancing/stateful.hpp"

#include <espalier/io/safetensors.hpp>
#include <espalier/mtl/balancing/ada_task.hpp>
#include <espalier/mtl/balancing/db_mtl.hpp>
#include <espalier/mtl/balancing/excess_mtl.hpp>
#include <espalier/mtl/balancing/grad_drop.hpp>
#include <espalier/mtl/balancing/meta_balance.hpp>
#include <espalier/mtl/balancing/moco.hpp>
#include <espalier/mtl/balancing/sam_gs.hpp>
#include <espalier/mtl/balancing/trimmed_mean.hpp>

#include <algorithm>

using namespace espalier;
using namespace espalier::testing;

namespace {

constexpr Index cases = 100, columns = 20, steps = 3;

/// Step `step` of a case, as `Step` of the script.
struct Step {
    Step(Index number, Index step, bool masked) {
        const std::size_t counts[] = {2, 3, 11, 40};
        count = counts[number % 4];
        scale = std::ldexp(1.0, static_cast<int>(number / 8 * 17 % 67 - 33));
        const auto salt = static_cast<std::uint64_t>(number * steps + step);
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

    std::size_t count = 0;
    double scale = 1;
    Tensor<double> rows;
    mtl::StepContext context;
};

[[nodiscard]] Tensor<double> golden(const std::string& name) {
    static const auto file = io::load_safetensors(std::string{ESPALIER_GOLDEN_DIR} + "/balancing_aggregators.safetensors");
    return file.get<double>(name);
}

/// The last of three steps of every case, by a rule made for so many tasks, relative to the largest element.
template <class Make>
void check_directions(const std::string& name, bool masked, const Make& make) {
    const Tensor<double> all = golden(name);
    REQUIRE(all.numel() == cases * columns);
    for (Index number = 0; number < cases; ++number) {
        auto rule = make(Step{number, 0, masked}.count);
        const double scale = Step{number, 0, masked}.scale;
        Tensor<double> direction;
        for (Index s = 0; s < steps; ++s)
            direction = rule(Step{number, s, masked}.jacobian());
        const Tensor<double> expected = all.slice(number * columns, (number + 1) * columns);
        double largest = 0, error = 0;
        for (Index p = 0; p < columns; ++p) {
            largest = std::max(largest, std::abs(expected[p]));
            error = std::max(error, std::abs(direction[p] - expected[p]));
        }
        CAPTURE(name, number, error, largest);
        CHECK(error <= 1e-5 * largest + 1e-14 * std::min(scale, 1.0));  // opposite rows may leave nothing but rounding
    }
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
    const Tensor<double> positive = golden("GradDrop.positive"), negative = golden("GradDrop.negative");
    for (Index number = 0; number < cases; ++number) {
        const Step step{number, steps - 1, false};
        std::vector<double> leak;
        for (std::size_t t = 0; t < step.count; ++t)
            leak.push_back(t % 2 ? 0.25 : 0);
        const auto direction = mtl::GradDrop{{.leak = leak}}(step.jacobian());
        for (Index p = 0; p < columns; ++p) {
            const double kept = positive[number * columns + p], other = negative[number * columns + p];
            const double tolerance = 1e-12 * (std::abs(kept) + std::abs(other));
            CAPTURE(number, p, direction[p], kept, other);
            CHECK((std::abs(direction[p] - kept) <= tolerance || std::abs(direction[p] - other) <= tolerance));
        }
    }
}
