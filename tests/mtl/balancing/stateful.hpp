// SPDX-License-Identifier: MIT
/// @file What every rule that keeps something between steps must do, whichever evidence it takes.
#pragma once

#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"
#include "threads.hpp"

#include <espalier/mtl/balancing/cross_gramian.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace testing {

using namespace espalier;

template <class Scalar>
[[nodiscard]] Tensor<Scalar> hashed_rows(Index tasks, Index columns, std::uint64_t salt, double scale = 1) {
    auto rows = Tensor<Scalar>::empty(Shape{tasks, columns});
    for (Index i = 0; i < rows.numel(); ++i)
        rows[i] = static_cast<Scalar>(scale * hashed(salt, static_cast<std::uint64_t>(i)));
    return rows;
}

/// Step `step` of a criterion of `count` tasks, of which `tasks` are active, with losses from 1/2 to 5/2.
[[nodiscard]] inline mtl::StepContext step_of(std::vector<std::size_t> tasks, std::size_t count, Index step) {
    mtl::StepContext context;
    context.tasks.assign(tasks.begin(), tasks.end());
    for (const std::size_t task : tasks)
        context.losses.push_back(1.5 + hashed(77 + static_cast<std::uint64_t>(step), task));
    context.task_count = count;
    context.step = step;
    return context;
}
[[nodiscard]] inline std::vector<std::size_t> first_tasks(std::size_t count) {
    std::vector<std::size_t> tasks(count);
    for (std::size_t t = 0; t < count; ++t)
        tasks[t] = t;
    return tasks;
}

/// Evidence made of rows: what a test asks for instead of a Jacobian.
template <class Scalar>
[[nodiscard]] mtl::Jacobian<Scalar> jacobian_of(Tensor<Scalar> rows, mtl::StepContext context) {
    return {std::move(rows), std::move(context)};
}
template <class Scalar>
[[nodiscard]] mtl::Gramian gramian_of_rows(const Tensor<Scalar>& rows, mtl::StepContext context) {
    const auto tasks = static_cast<std::size_t>(rows.size(0));
    mtl::Matrix products{tasks, tasks};
    for (std::size_t i = 0; i < tasks; ++i)
        for (std::size_t j = 0; j < tasks; ++j)
            for (Index p = 0; p < rows.size(1); ++p)
                products(i, j) += static_cast<double>(rows.at(i, p)) * static_cast<double>(rows.at(j, p));
    return {std::move(products), std::move(context)};
}

/// Of two batches, whose gradients differ by a tenth.
template <class Scalar>
[[nodiscard]] mtl::CrossGramian cross_gramian_of_rows(const Tensor<Scalar>& rows, mtl::StepContext context) {
    const auto tasks = static_cast<std::size_t>(rows.size(0));
    mtl::Matrix products{tasks, tasks};
    for (std::size_t i = 0; i < tasks; ++i)
        for (std::size_t j = 0; j < tasks; ++j)
            for (Index p = 0; p < rows.size(1); ++p)
                products(i, j) += static_cast<double>(rows.at(i, p)) * static_cast<double>(rows.at(j, p)) *
                                  (1 + 0.1 * hashed(99, j * 1000 + static_cast<std::uint64_t>(p)));
    return {std::move(products), std::move(context)};
}

/// Reads a rule's state, and with `restoring` writes it.
template <class Scalar>
struct StateOf : mtl::RuleVisitor<Scalar> {
    std::map<std::string, Tensor<double>> doubles;
    std::map<std::string, Tensor<float>> floats;
    bool restoring = false;

private:
    void on_state(const std::string& path, Tensor<double>& state) override { exchange(doubles, path, state); }
    void on_state(const std::string& path, Tensor<float>& state) override { exchange(floats, path, state); }
    template <class T>
    void exchange(std::map<std::string, Tensor<T>>& all, const std::string& path, Tensor<T>& state) {
        if (restoring)
            state = all.at(path);
        else
            REQUIRE(all.emplace(path, state).second);  // a name for each
    }
};

template <class Rule>
void start(Rule& rule, std::size_t tasks) {
    if constexpr (requires { rule.start(tasks); })
        rule.start(tasks);
}

template <class Result>
[[nodiscard]] bool all_finite(const Result& result) {
    for (const auto value : result)
        if (!std::isfinite(value))
            return false;
    return true;
}

/// A copy goes on by itself, and a rule that is given another's state goes on as that does, to the bit. `evidence(rows, context)` makes
/// what the rule takes. Also through steps of few tasks, and of one.
template <class Scalar, class Make, class Evidence>
void check_state(const Make& make, const Evidence& evidence) {
    const auto step = [&](auto& rule, Index s) {
        const std::vector<std::size_t> tasks = s == 1   ? std::vector<std::size_t>{1, 3}
                                               : s == 2 ? std::vector<std::size_t>{2}
                                                        : first_tasks(4);
        return rule(evidence(hashed_rows<Scalar>(static_cast<Index>(tasks.size()), 50, static_cast<std::uint64_t>(s)),
                             step_of(tasks, 4, s)));
    };
    auto rule = make();
    start(rule, 4);
    for (Index s = 0; s < 4; ++s)
        REQUIRE(all_finite(step(rule, s)));

    auto copy = rule;
    auto restored = make();
    if constexpr (requires(StateOf<Scalar> state) { rule.visit(state); }) {
        StateOf<Scalar> state;
        rule.visit(state);
        CHECK(state.doubles.size() + state.floats.size() > 0);
        start(restored, 4);
        state.restoring = true;
        restored.visit(state);
    } else
        restored = rule;
    const auto fifth = step(rule, 4);
    const auto sixth = step(rule, 5);
    CHECK(step(copy, 4) == fifth);
    CHECK(step(restored, 4) == fifth);
    CHECK(step(copy, 5) == sixth);
    CHECK(step(restored, 5) == sixth);
}

/// Zeros, equal and opposite rows, far scales and any number of tasks give finite numbers.
template <class Scalar, class Make, class Evidence>
void check_finite(const Make& make, const Evidence& evidence) {
    for (const std::size_t tasks : {1U, 2U, 11U, 40U})
        for (const double scale : {0.0, 1e-15, 1e-10, 1.0, 1e10, 1e15})
            for (const int kind : {0, 1, 2, 3}) {
                CAPTURE(tasks, scale, kind);
                auto rule = make();
                start(rule, tasks);
                for (Index s = 0; s < 3; ++s) {
                    auto rows = hashed_rows<Scalar>(static_cast<Index>(tasks), 7, static_cast<std::uint64_t>(s), scale);
                    for (Index t = 1; t < rows.size(0); ++t)
                        for (Index p = 0; p < 7; ++p)
                            rows.at(t, p) = kind == 1   ? rows.at(0, p)
                                            : kind == 2 ? (t % 2 ? -1 : 1) * rows.at(0, p)
                                            : kind == 3 ? (t % 2 ? 0 : rows.at(t, p))
                                                        : rows.at(t, p);
                    REQUIRE(all_finite(rule(evidence(std::move(rows), step_of(first_tasks(tasks), tasks, s)))));
                }
            }
}

/// Two threads give the bits of one, where there is work for both; Jacobians only.
template <class Scalar, class Make>
void check_threads(const Make& make) {
    const auto results = [&](int threads) {
        const ::testing::Threads guard{threads};
        auto rule = make();
        std::vector<Tensor<Scalar>> all;
        for (Index s = 0; s < 2; ++s)
            all.push_back(
                rule(mtl::Jacobian<Scalar>{hashed_rows<Scalar>(3, 40001, static_cast<std::uint64_t>(s)), step_of({0, 1, 2}, 3, s)}));
        return all;
    };
    CHECK(results(1) == results(2));
}

/// Gradients of another size are refused, by name, and the next step is as if nothing had been.
template <class Scalar, class Make>
void check_other_size(const Make& make, const std::string& name) {
    const auto jacobian = [](Index columns, Index s) {
        return mtl::Jacobian<Scalar>{hashed_rows<Scalar>(2, columns, static_cast<std::uint64_t>(s)), step_of({0, 1}, 2, s)};
    };
    auto rule = make();
    auto other = make();
    CHECK(rule(jacobian(9, 0)) == other(jacobian(9, 0)));
    REQUIRE_THROWS_MATCHES(rule(jacobian(10, 1)), StateError,
                           Catch::Matchers::Message("[" + name +
                                                    "] expected gradients of 2 tasks with 9 elements, of which it keeps "
                                                    "running values, got 2 with 10"));
    CHECK(rule(jacobian(9, 1)) == other(jacobian(9, 1)));
}

}  // namespace testing
