// SPDX-License-Identifier: MIT
/// @file Steps of rules that need the losses alone, and their state as a criterion sees it.
#pragma once

#include <espalier/autograd/gradcheck.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace testing {

using namespace espalier;

/// All tasks active unless `tasks` lists those that are, of `count`.
[[nodiscard]] inline mtl::StepContext step_context(std::vector<double> losses, std::vector<std::size_t> tasks = {}, std::size_t count = 0,
                                                   Index epoch = 0) {
    mtl::StepContext context{losses};
    if (!tasks.empty()) {
        context.tasks.assign(tasks.begin(), tasks.end());
        context.task_count = count;
    }
    context.epoch = epoch;
    return context;
}

/// What a rule made of a step's losses, and its derivatives.
struct Outcome {
    double value = 0;
    std::vector<double> gradient;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <class Scalar = double, class Rule>
Outcome outcome(Rule& rule, const mtl::StepContext& context) {
    std::vector<Variable<Scalar>> losses;
    for (const double loss : context.losses)
        losses.emplace_back(Tensor<Scalar>::scalar(static_cast<Scalar>(loss)), true);
    const Variable<Scalar> total = rule(mtl::Losses<Scalar>{losses, context});
    Outcome result{static_cast<double>(total.item()), {}};
    total.backward();
    for (const auto& loss : losses)
        result.gradient.push_back(static_cast<double>(loss.grad().item()));
    return result;
}
template <class Scalar = double, class Rule>
Outcome outcome(Rule& rule, std::vector<double> losses) {
    return outcome<Scalar>(rule, step_context(std::move(losses)));
}

/// A rule for so many tasks.
template <class Rule>
[[nodiscard]] Rule started(Rule rule, std::size_t tasks) {
    rule.start(tasks);
    return rule;
}

using State = std::map<std::string, Tensor<double>>;

/// Reads the state of a rule, or with `restore` writes it.
class StateVisitor final : public mtl::RuleVisitor<double> {
public:
    explicit StateVisitor(State& state, bool restore = false) : state_{state}, restore_{restore} {}

private:
    void on_parameter(const std::string& path, nn::Parameter<double>& learned) override {
        if (restore_)
            learned.mutable_value() = state_.at(path);
        else
            state_[path] = learned.value();
    }
    void on_state(const std::string& path, Tensor<double>& state) override {
        if (restore_)
            state = state_.at(path);
        else
            state_[path] = state;
    }
    void on_state(const std::string&, Tensor<float>&) override { throw std::logic_error{"no row is as long as the gradients"}; }

    State& state_;
    bool restore_;
};

template <class Rule>
[[nodiscard]] State state_of(Rule& rule) {
    State state;
    StateVisitor visitor{state};
    rule.visit(visitor);
    return state;
}
[[nodiscard]] inline bool same(const State& a, const State& b) {
    const auto equal = [](const auto& x, const auto& y) {
        return x.first == y.first && x.second.shape() == y.second.shape() && std::equal(x.second.begin(), x.second.end(), y.second.begin());
    };
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), equal);
}

/// The rule at these losses against finite differences: each evaluation by a copy, as in one and the same step.
template <class Rule>
[[nodiscard]] autograd::GradcheckReport differences(const Rule& rule, const std::vector<double>& losses) {
    std::vector<Tensor<double>> inputs;
    for (const double loss : losses)
        inputs.push_back(Tensor<double>::scalar(loss));
    return gradcheck(
        [&](const std::vector<Variable<double>>& variables) {
            std::vector<double> values;
            for (const auto& variable : variables)
                values.push_back(variable.item());
            const mtl::StepContext context{values};
            Rule copy = rule;
            return copy(mtl::Losses<double>{variables, context});
        },
        inputs);
}

}  // namespace testing
