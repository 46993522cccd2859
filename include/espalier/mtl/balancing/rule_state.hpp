// SPDX-License-Identifier: MIT
/// @file The state of a rule on its way into a file and back: doubles, which hold a float and a count without loss.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

template <class Scalar>
struct CollectLearned final : RuleVisitor<Scalar> {
    std::vector<Variable<Scalar>> parameters;

private:
    void on_parameter(const std::string&, nn::Parameter<Scalar>& learned) override { parameters.push_back(learned.variable()); }
};

template <class Scalar>
struct CollectState final : RuleVisitor<Scalar> {
    Named<Tensor<double>> state;

private:
    void on_parameter(const std::string& path, nn::Parameter<Scalar>& learned) override {
        state.insert(path, learned.value().template cast<double>());
    }
    void on_state(const std::string& path, Tensor<double>& own) override { state.insert(path, own); }
    void on_state(const std::string& path, Tensor<float>& own) override { state.insert(path, own.template cast<double>()); }
};

/// Overwrites what it is shown by what a state has under its name; what the rule sizes when it sees its first step, and has not yet, takes
/// any shape.
template <class Scalar>
class RestoreState final : public RuleVisitor<Scalar> {
public:
    explicit RestoreState(const Named<Tensor<double>>& state) : state_{state} {}

    [[nodiscard]] std::vector<std::string> paths() const {
        std::vector<std::string> result;
        for (const auto& [path, tensor] : state_)
            result.push_back(path);
        return result;
    }
    /// @throws StateError that lists what is missing, unexpected or of another shape
    void require_fit() const {
        std::string problems = problems_;
        for (const auto& [path, tensor] : state_)
            if (std::find(seen_.begin(), seen_.end(), path) == seen_.end())
                problems += concat("; unexpected ", path);
        require<StateError>(problems.empty(), "load_state_dict", "expected the state of this rule, got another", problems);
    }

private:
    void on_parameter(const std::string& path, nn::Parameter<Scalar>& learned) override {
        if (const Tensor<double>* const from = stored(path, learned.shape(), false))
            std::transform(from->begin(), from->end(), learned.mutable_value().begin(), [](double v) { return static_cast<Scalar>(v); });
    }
    void on_state(const std::string& path, Tensor<double>& own) override {
        if (const Tensor<double>* const from = stored(path, own.shape(), true))
            own = *from;
    }
    void on_state(const std::string& path, Tensor<float>& own) override {
        if (const Tensor<double>* const from = stored(path, own.shape(), true))
            own = from->template cast<float>();
    }

    [[nodiscard]] const Tensor<double>* stored(const std::string& path, const Shape& own, bool grows) {
        seen_.push_back(path);
        const Tensor<double>* const found = state_.find(path);
        if (!found)
            problems_ += concat("; missing ", path);
        else if (found->shape() != own && !(grows && (own.numel() == 0 || found->numel() == 0)))
            problems_ += concat("; ", path, " of shape ", own, " came as ", found->shape());
        else
            return found;
        return nullptr;
    }

    const Named<Tensor<double>>& state_;
    std::vector<std::string> seen_;
    std::string problems_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
