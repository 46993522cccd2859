// SPDX-License-Identifier: MIT
/// @file The state of a rule, taken out of it and put into another.
#pragma once

#include <espalier/mtl/balancing/rule.hpp>

#include <map>
#include <string>

namespace testing {

using namespace espalier;

class SavedState : mtl::RuleVisitor<float> {
public:
    template <class Rule>
    explicit SavedState(Rule& rule) {
        rule.visit(static_cast<mtl::RuleVisitor<float>&>(*this));
        saved_ = true;
    }
    template <class Rule>
    void restore(Rule& rule) {
        rule.visit(static_cast<mtl::RuleVisitor<float>&>(*this));
    }
    [[nodiscard]] const Tensor<double>& at(const std::string& name) const { return states_.at(name); }

private:
    void on_state(const std::string& name, Tensor<double>& state) override {
        if (saved_)
            state = states_.at(name);
        else
            states_[name] = state;
    }

    bool saved_ = false;
    std::map<std::string, Tensor<double>> states_;
};

/// A step of a criterion of `task_count` tasks in which only some are active, each with loss 1.
[[nodiscard]] inline mtl::Gramian some_active(const mtl::Matrix& products, std::initializer_list<std::size_t> tasks,
                                              std::size_t task_count) {
    mtl::StepContext context;
    context.losses.assign(tasks.size(), 1.0);
    context.tasks.assign(tasks);
    context.task_count = task_count;
    return mtl::Gramian{products, std::move(context)};
}

/// [[18, -22], [-22, 38]], that of `conflicting_rows()`.
[[nodiscard]] inline mtl::Gramian conflicting() { return mtl::Gramian{{18, -22}, {-22, 38}}; }

}  // namespace testing
