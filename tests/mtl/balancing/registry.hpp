// SPDX-License-Identifier: MIT
/// @file Every rule that sees gradients, by name, with what its paper promises: a row drives the tests of values and properties.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace testing {

using namespace espalier;

/// What a rule promises of its direction d for every Jacobian J without rows of 0.
struct Promises {
    bool non_conflicting = false;              ///< J d >= 0
    bool non_conflicting_pair = false;         ///< J d >= 0 if there are two tasks
    bool non_conflicting_independent = false;  ///< J d >= 0 if the rows are linearly independent
    bool permutation = true;                   ///< the order of the tasks does not matter
    bool scale = false;                        ///< d(c J) is a multiple of d(J), for a common c > 0
    bool linear_under_scaling = false;         ///< d(diag(c) J) is linear in each c_i
    bool direction_under_scaling = false;      ///< d(diag(c) J) is a multiple of d(J), of either sign
    bool zero_if_stationary = false;           ///< d = 0 where a combination of the rows with factors above 0 is 0
};

/// A direction (P,) of a rule as it is at the start, for J (T, P) and the losses of the T tasks.
using DirectionOf = std::function<Tensor<double>(const Tensor<double>& jacobian, std::span<const double> losses)>;

struct RuleRow {
    std::string name;  ///< of the class, with what was set
    DirectionOf direction;
    Promises promises = {};
    Index fewest = 1;  ///< tasks that it takes
};

/// All rows, in the order of their names.
[[nodiscard]] std::vector<RuleRow>& rule_rows();

/// A static object of it adds rows.
struct AddRuleRows {
    AddRuleRows(std::initializer_list<RuleRow> rows) {
        rule_rows().insert(rule_rows().end(), rows);
        std::sort(rule_rows().begin(), rule_rows().end(), [](const RuleRow& a, const RuleRow& b) { return a.name < b.name; });
    }
};

/// J J^T in double.
[[nodiscard]] inline mtl::Matrix products(const Tensor<double>& jacobian) {
    const auto tasks = static_cast<std::size_t>(jacobian.size(0));
    const Index columns = jacobian.size(1);
    mtl::Matrix result{tasks, tasks};
    for (std::size_t i = 0; i < tasks; ++i)
        for (std::size_t j = 0; j < tasks; ++j)
            for (Index p = 0; p < columns; ++p)
                result(i, j) += jacobian[static_cast<Index>(i) * columns + p] * jacobian[static_cast<Index>(j) * columns + p];
    return result;
}

/// A weighting, made anew by `make()` for each call, as J^T w.
template <class Make>
[[nodiscard]] DirectionOf weighting(Make make) {
    return [make](const Tensor<double>& jacobian, std::span<const double> losses) {
        auto rule = make();
        if constexpr (requires { rule.start(std::size_t{}); })
            rule.start(losses.size());
        const auto weights = rule(mtl::Gramian{products(jacobian), mtl::StepContext{losses}});
        Tensor<double> direction{Shape{jacobian.size(1)}};
        for (Index t = 0; t < jacobian.size(0); ++t)
            for (Index p = 0; p < jacobian.size(1); ++p)
                direction[p] += weights[static_cast<std::size_t>(t)] * jacobian.at(t, p);
        return direction;
    };
}

/// An aggregator, made anew by `make()` for each call.
template <class Make>
[[nodiscard]] DirectionOf aggregator(Make make) {
    return [make](const Tensor<double>& jacobian, std::span<const double> losses) -> Tensor<double> {
        auto rule = make();
        if constexpr (requires { rule.start(std::size_t{}); })
            rule.start(losses.size());
        return rule(mtl::Jacobian<double>{jacobian, mtl::StepContext{losses}});
    };
}

/// [[-4, 1, 1], [6, 1, 1]], whose rows conflict, with losses 1 and 2: the example of many papers' programs.
[[nodiscard]] inline Tensor<double> conflicting_rows() { return {{2, 3}, {-4, 1, 1, 6, 1, 1}}; }

}  // namespace testing
