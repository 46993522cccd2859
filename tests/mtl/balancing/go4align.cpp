// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/go4align.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;
using testing::Outcome;
using testing::outcome;
using testing::same;
using testing::started;
using testing::state_of;
using testing::step_context;

namespace {

/// Squared distances from the means of the groups, `labels` being the group of each value.
double cost_of(const std::vector<double>& values, const std::vector<std::size_t>& labels, std::size_t groups) {
    double cost = 0;
    for (std::size_t g = 0; g < groups; ++g) {
        double sum = 0;
        double count = 0;
        for (std::size_t i = 0; i < values.size(); ++i)
            if (labels[i] == g) {
                sum += values[i];
                count += 1;
            }
        for (std::size_t i = 0; i < values.size(); ++i)
            if (labels[i] == g)
                cost += std::pow(values[i] - sum / count, 2);
    }
    return cost;
}

/// The least cost over all ways to give each value one of the groups.
double least_cost(const std::vector<double>& values, std::size_t groups) {
    std::vector<std::size_t> labels(values.size(), 0);
    double best = std::numeric_limits<double>::max();
    for (;;) {
        best = std::min(best, cost_of(values, labels, groups));
        std::size_t i = 0;
        while (i < labels.size() && ++labels[i] == groups)
            labels[i++] = 0;
        if (i == labels.size())
            return best;
    }
}

}  // namespace

TEST_CASE("groups on a line are those of the least squared distances", "[mtl][balancing]") {
    Random random{8};
    for (std::size_t n = 1; n <= 7; ++n)
        for (std::size_t groups = 1; groups <= 4; ++groups) {
            std::vector<double> values(n);
            for (double& value : values)
                value = std::exp(2 * random.normal());
            auto means = values;
            mtl::detail::replace_by_group_means(means, groups);
            double cost = 0;
            for (std::size_t i = 0; i < n; ++i)
                cost += std::pow(values[i] - means[i], 2);
            CAPTURE(n, groups);
            CHECK(cost == Approx(least_cost(values, groups)).epsilon(1e-9).margin(1e-18));
            std::sort(means.begin(), means.end());
            CHECK(std::unique(means.begin(), means.end()) - means.begin() == static_cast<std::ptrdiff_t>(std::min(n, groups)));
        }
    std::vector<double> equal(5, 0.25);
    mtl::detail::replace_by_group_means(equal, 3);
    CHECK(equal == std::vector<double>(5, 0.25));
    std::vector<double> far{1e15, 1e-15, 2e-15, 3e15};
    mtl::detail::replace_by_group_means(far, 3);
    CHECK(far[1] == Approx(1.5e-15));
    CHECK(far[3] == 3e15);
}

TEST_CASE("GO4Align: one group has the mean risk, a group each its own", "[mtl][balancing]") {
    auto one = started(mtl::GO4Align{{.groups = 1, .step_size = 0.5}}, 2);
    const double p = 1 / (1 + std::exp(-0.5));
    const double risks[] = {3 * p, 1.5 * (1 - p)};
    CHECK(p == Approx(0.62246).margin(5e-6));
    CHECK(risks[0] == Approx(1.86738).margin(5e-6));
    const auto mean = outcome(one, {1, 2});
    CHECK(mean.gradient[0] == Approx(1.21684).margin(1e-5));
    CHECK(mean.gradient[0] == Approx((risks[0] + risks[1]) / 2).epsilon(1e-12));
    CHECK(mean.gradient[1] == mean.gradient[0]);
    auto each = started(mtl::GO4Align{{.groups = 2, .step_size = 0.5}}, 2);
    const auto own = outcome(each, {1, 2});
    CHECK(own.gradient[0] == Approx(risks[0]).epsilon(1e-12));
    CHECK(own.gradient[1] == Approx(risks[1]).epsilon(1e-12));
    CHECK(own.value == Approx(risks[0] + 2 * risks[1]));
    const double again = std::exp(-1.0) / (std::exp(-1.0) + std::exp(-2.0));  // p of two steps
    CHECK(outcome(each, {1, 2}).gradient[0] == Approx(3 * again).epsilon(1e-12));
}

TEST_CASE("GO4Align: a masked task keeps its share", "[mtl][balancing]") {
    auto rule = started(mtl::GO4Align{{.groups = 3, .step_size = 0.5}}, 3);
    outcome(rule, step_context({1, 2}, {0, 2}, 3));
    const auto state = state_of(rule).at("logs");
    const double total = std::exp(state[0]) + std::exp(state[1]) + std::exp(state[2]);
    CHECK(std::exp(state[1]) / total == Approx(1.0 / 3));
    CHECK(std::exp(state[0] - state[2]) == Approx(std::exp(0.5)));
    CHECK(outcome(rule, step_context({1e-3}, {1}, 3)).gradient[0] == Approx(1));
    CHECK(outcome<float>(rule, step_context({1e-3}, {1}, 3)).gradient[0] == Approx(1));
}

TEST_CASE("GO4Align refuses losses that are not above 0, and stays as it was", "[mtl][balancing]") {
    auto rule = started(mtl::GO4Align{}, 2);
    outcome(rule, {1, 2});
    const auto before = state_of(rule);
    CHECK_THROWS_WITH(outcome(rule, {0, 1}), "[GO4Align] expected losses above 0, got 0 for task 0");
    CHECK(same(state_of(rule), before));
    CHECK_THROWS_WITH((mtl::GO4Align{{.groups = 0}}), "[GO4Align] expected at least 1 group, got 0");
    CHECK_THROWS_WITH((mtl::GO4Align{{.step_size = -1}}), "[GO4Align] expected a finite step size of at least 0, got -1");
}
