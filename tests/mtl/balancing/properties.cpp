// SPDX-License-Identifier: MIT
/// @file What rules promise, for every rule of the registry and Jacobians that are hard.
#include "catch.hpp"
#include "jacobians.hpp"
#include "registry.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>

namespace testing {

using namespace espalier;

std::vector<RuleRow>& rule_rows() {
    static std::vector<RuleRow> rows;
    return rows;
}

namespace {

std::vector<double> losses_of(Index tasks) {
    std::vector<double> losses(static_cast<std::size_t>(tasks));
    for (std::size_t i = 0; i < losses.size(); ++i)
        losses[i] = 1 + 0.25 * static_cast<double>(i % 4);
    return losses;
}

double norm(const Tensor<double>& x) {
    double sum = 0;
    for (const double value : x)
        sum += value * value;
    return std::sqrt(sum);
}

double dot(const Tensor<double>& rows, Index row, const Tensor<double>& d) {
    double sum = 0;
    for (Index p = 0; p < d.numel(); ++p)
        sum += rows.at(row, p) * d[p];
    return sum;
}

double row_norm(const Tensor<double>& rows, Index row) { return norm(rows.slice(row, row + 1)); }

/// |a - times b|
double distance(const Tensor<double>& a, const Tensor<double>& b, double times = 1) {
    auto difference = a;
    for (Index p = 0; p < a.numel(); ++p)
        difference[p] -= times * b[p];
    return norm(difference);
}

Tensor<double> scaled(const Tensor<double>& rows, const std::vector<double>& factors) {
    auto result = rows;
    for (Index i = 0; i < rows.numel(); ++i)
        result[i] *= factors[static_cast<std::size_t>(i / rows.size(1))];
    return result;
}

std::vector<double> factors_of(std::uint64_t stream, Index tasks) {
    std::vector<double> factors(static_cast<std::size_t>(tasks));
    for (std::size_t i = 0; i < factors.size(); ++i)
        factors[i] = std::pow(10.0, hashed(stream, i));
    return factors;
}

Tensor<double> direction(const RuleRow& rule, const Tensor<double>& rows) { return rule.direction(rows, losses_of(rows.size(0))); }

/// What rounding is measured by: how long the direction is if the rows have these lengths, but are orthogonal.
double ordinary_length(const RuleRow& rule, const Tensor<double>& rows) {
    Tensor<double> orthogonal{Shape{rows.size(0), rows.size(0)}};
    for (Index t = 0; t < rows.size(0); ++t)
        orthogonal.at(t, t) = row_norm(rows, t);
    return norm(direction(rule, orthogonal));
}

/// Calls `check(rule, case, tolerance)` for each rule of which `promised` holds and each Jacobian that it takes and that has no row of 0.
template <class Promised, class Check>
void for_each_promise(const Promised& promised, const Check& check) {
    const auto cases = awkward_jacobians();
    std::size_t checked = 0;
    for (const RuleRow& rule : rule_rows())
        for (const NamedJacobian& one : cases) {
            if (one.zero_rows || one.rows.size(0) < rule.fewest || !promised(rule.promises, one))
                continue;
            CAPTURE(rule.name, one.name);
            check(rule, one.rows, 1e-5 * ordinary_length(rule, one.rows));
            ++checked;
        }
    CHECK(checked > 0);
}

/// Whether two directions are one, or one line, or both 0 but for rounding.
void check_parallel(const Tensor<double>& a, const Tensor<double>& b, double tolerance_a, double tolerance_b, bool line = false) {
    if (norm(a) <= tolerance_a || norm(b) <= tolerance_b) {
        CHECK(norm(a) <= 10 * tolerance_a);
        CHECK(norm(b) <= 10 * tolerance_b);
    } else {
        double apart = distance(a, b, norm(a) / norm(b));
        if (line)
            apart = std::min(apart, distance(a, b, -norm(a) / norm(b)));
        CHECK(apart <= 1e-5 * norm(a) + tolerance_a);
    }
}

}  // namespace

TEST_CASE("every rule has a name of its own") {
    for (std::size_t i = 1; i < rule_rows().size(); ++i)
        CHECK(rule_rows()[i - 1].name < rule_rows()[i].name);
}

TEST_CASE("directions are finite and have a number for each column") {
    for (const RuleRow& rule : rule_rows())
        for (const auto& [name, rows, full_rank, zero_rows] : awkward_jacobians()) {
            if (rows.size(0) < rule.fewest)
                continue;
            CAPTURE(rule.name, name);
            const auto d = direction(rule, rows);
            REQUIRE(d.shape() == Shape{rows.size(1)});
            CHECK(std::isfinite(norm(d)));
        }
}

TEST_CASE("no loss rises along the direction of a rule that promises it") {
    const auto promised = [](const Promises& promises, const NamedJacobian& one) {
        return promises.non_conflicting || (promises.non_conflicting_pair && one.rows.size(0) == 2) ||
               (promises.non_conflicting_independent && one.full_rank);
    };
    for_each_promise(promised, [](const RuleRow& rule, const Tensor<double>& rows, double tolerance) {
        const auto d = direction(rule, rows);
        for (Index t = 0; t < rows.size(0); ++t)
            CHECK(dot(rows, t, d) >= -tolerance * row_norm(rows, t));
    });
}

TEST_CASE("the order of tasks does not matter to a rule that promises it") {
    const auto promised = [](const Promises& promises, const NamedJacobian&) { return promises.permutation; };
    for_each_promise(promised, [](const RuleRow& rule, const Tensor<double>& rows, double tolerance) {
        const Index tasks = rows.size(0);
        auto other = rows;
        auto losses = losses_of(tasks);
        for (Index t = 0; t < tasks; ++t) {  // reversed, and then turned by one
            const Index from = (2 * tasks - 2 - t) % tasks;
            std::copy_n(rows.data() + from * rows.size(1), rows.size(1), other.data() + t * rows.size(1));
            losses[static_cast<std::size_t>(t)] = losses_of(tasks)[static_cast<std::size_t>(from)];
        }
        const auto d = direction(rule, rows);
        const auto turned = rule.direction(other, losses);
        check_parallel(d, turned, tolerance, tolerance);
        // Weights are large where rows are nearly opposite; a length that is found from the Gramian then has but few digits.
        CHECK(std::abs(norm(d) - norm(turned)) <= 1e-3 * norm(d) + tolerance);
    });
}

TEST_CASE("a common scale leaves the direction of a rule that promises it") {
    const auto promised = [](const Promises& promises, const NamedJacobian&) { return promises.scale; };
    for_each_promise(promised, [](const RuleRow& rule, const Tensor<double>& rows, double tolerance) {
        for (const double scale : {0.3, 1e-7, 1e5}) {
            const auto other = scaled(rows, std::vector<double>(static_cast<std::size_t>(rows.size(0)), scale));
            check_parallel(direction(rule, rows), direction(rule, other), tolerance, 1e-5 * ordinary_length(rule, other));
        }
    });
}

TEST_CASE("the scales of tasks leave the direction of a rule that promises it") {
    const auto promised = [](const Promises& promises, const NamedJacobian&) { return promises.direction_under_scaling; };
    for_each_promise(promised, [](const RuleRow& rule, const Tensor<double>& rows, double tolerance) {
        const auto other = scaled(rows, factors_of(1, rows.size(0)));
        check_parallel(direction(rule, rows), direction(rule, other), tolerance, 1e-5 * ordinary_length(rule, other), true);
    });
}

TEST_CASE("the direction is linear in the scale of each task for a rule that promises it") {
    const auto promised = [](const Promises& promises, const NamedJacobian&) { return promises.linear_under_scaling; };
    for_each_promise(promised, [](const RuleRow& rule, const Tensor<double>& rows, double tolerance) {
        const auto first = factors_of(1, rows.size(0));
        const auto second = factors_of(2, rows.size(0));
        auto both = first;
        for (std::size_t i = 0; i < both.size(); ++i)
            both[i] += second[i];
        auto parts = direction(rule, scaled(rows, first));
        const auto part = direction(rule, scaled(rows, second));
        for (Index p = 0; p < parts.numel(); ++p)
            parts[p] += part[p];
        CHECK(distance(direction(rule, scaled(rows, both)), parts) <= 10 * tolerance);  // the scales are up to 10 each
    });
}

TEST_CASE("a Pareto-stationary point stops a rule that promises it") {
    for (const RuleRow& rule : rule_rows()) {
        if (!rule.promises.zero_if_stationary)
            continue;
        for (const Index tasks : {2, 3, 11, 40})
            for (const double scale : {1e-10, 1.0, 1e10}) {
                CAPTURE(rule.name, tasks, scale);
                auto rows = hashed_jacobian(77, tasks, tasks + 5, tasks, scale);
                double* const last = rows.data() + (tasks - 1) * rows.size(1);
                std::fill_n(last, rows.size(1), 0.0);
                for (Index t = 0; t + 1 < tasks; ++t)
                    for (Index p = 0; p < rows.size(1); ++p)
                        last[p] -= (1.1 + hashed(78, static_cast<std::uint64_t>(t))) * rows.at(t, p);
                CHECK(norm(direction(rule, rows)) <= 1e-5 * ordinary_length(rule, rows));
            }
    }
}

namespace {

/// The promises as a table of Markdown.
std::string table() {
    std::ostringstream text;
    text << "| rule | no conflict | order of tasks | common scale | linear in scales | direction free of scales | stops if stationary |\n"
            "|---|---|---|---|---|---|---|\n";
    const auto yes = [](bool promised) { return promised ? "yes" : ""; };
    for (const auto& [name, direction, promises, fewest] : rule_rows()) {
        const char* const conflict = promises.non_conflicting               ? "yes"
                                     : promises.non_conflicting_independent ? "independent gradients"
                                     : promises.non_conflicting_pair        ? "two tasks"
                                                                            : "";
        text << "| " << name << " | " << conflict << " | " << yes(promises.permutation) << " | " << yes(promises.scale) << " | "
             << yes(promises.linear_under_scaling) << " | " << yes(promises.direction_under_scaling) << " | "
             << yes(promises.zero_if_stationary) << " |\n";
    }
    return text.str();
}

}  // namespace

TEST_CASE("the documentation's table of promises is the one that is tested") {
    std::ifstream file{ESPALIER_GOLDEN_DIR "/../../docs/balancing_rules.md"};
    const std::string page{std::istreambuf_iterator<char>{file}, {}};
    const std::string begin = "<!-- promises: begin -->\n";
    const std::size_t first = page.find(begin);
    REQUIRE(first != std::string::npos);
    const std::size_t start = first + begin.size();
    CHECK(page.substr(start, page.find("<!-- promises: end -->") - start) == table());
}

TEST_CASE("prints that table", "[.table]") { std::cout << table(); }

}  // namespace testing
