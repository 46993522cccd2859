// SPDX-License-Identifier: MIT
/// @file Any rule behind virtual calls: what it must see is told from its signature.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

enum class Evidence { losses, gramian, jacobian };

template <class Scalar>
class AnyRule {
public:
    AnyRule& operator=(const AnyRule&) = delete;
    virtual ~AnyRule() = default;

    [[nodiscard]] virtual std::unique_ptr<AnyRule> clone() const = 0;
    [[nodiscard]] Evidence evidence() const noexcept { return evidence_; }
    [[nodiscard]] bool wants_after_step() const noexcept { return wants_after_step_; }

    // The one that is for its evidence is overridden.
    [[nodiscard]] virtual Variable<Scalar> total(const Losses<Scalar>&) { return {}; }
    [[nodiscard]] virtual Weights weights(const Gramian&) { return {}; }
    [[nodiscard]] virtual Tensor<Scalar> direction(const Jacobian<Scalar>&) { return {}; }

    virtual void after_step(std::span<const double> losses) = 0;
    virtual void end_epoch() = 0;
    virtual void visit(RuleVisitor<Scalar>& visitor) = 0;

protected:
    AnyRule(Evidence evidence, bool wants_after_step) noexcept : evidence_{evidence}, wants_after_step_{wants_after_step} {}
    AnyRule(const AnyRule&) = default;

private:
    Evidence evidence_;
    bool wants_after_step_;
};

/// Lets a rule have what rule.hpp lists, or not.
template <class Scalar, class Rule>
class RuleBase : public AnyRule<Scalar> {
public:
    template <class From>
    RuleBase(Evidence evidence, From&& rule)
        : AnyRule<Scalar>{evidence, requires(Rule & r, std::span<const double> losses){r.after_step(losses);
}
}
, rule_(std::forward<From>(rule)) {}

void after_step([[maybe_unused]] std::span<const double> losses) override {
    if constexpr (requires { rule_.after_step(losses); })
        rule_.after_step(losses);
}
void end_epoch() override {
    if constexpr (requires { rule_.end_epoch(); })
        rule_.end_epoch();
}
void visit([[maybe_unused]] RuleVisitor<Scalar>& visitor) override {
    if constexpr (requires { rule_.visit(visitor); })
        rule_.visit(visitor);
}

protected:
RuleBase(const RuleBase&) = default;
Rule rule_;
}
;

template <class Scalar, class Rule>
struct ScalarizerRule final : RuleBase<Scalar, Rule> {
    template <class From>
    explicit ScalarizerRule(From&& rule) : RuleBase<Scalar, Rule>{Evidence::losses, std::forward<From>(rule)} {}
    std::unique_ptr<AnyRule<Scalar>> clone() const override { return std::unique_ptr<AnyRule<Scalar>>{new ScalarizerRule(*this)}; }
    Variable<Scalar> total(const Losses<Scalar>& losses) override { return this->rule_(losses); }
};

template <class Scalar, class Rule>
struct WeightingRule final : RuleBase<Scalar, Rule> {
    template <class From>
    explicit WeightingRule(From&& rule) : RuleBase<Scalar, Rule>{Evidence::gramian, std::forward<From>(rule)} {}
    std::unique_ptr<AnyRule<Scalar>> clone() const override { return std::unique_ptr<AnyRule<Scalar>>{new WeightingRule(*this)}; }
    Weights weights(const Gramian& gramian) override {
        const auto& given = this->rule_(gramian);
        const std::span<const double> values = given;
        return {values.begin(), values.end()};
    }
};

template <class Scalar, class Rule>
struct AggregatorRule final : RuleBase<Scalar, Rule> {
    template <class From>
    explicit AggregatorRule(From&& rule) : RuleBase<Scalar, Rule>{Evidence::jacobian, std::forward<From>(rule)} {}
    std::unique_ptr<AnyRule<Scalar>> clone() const override { return std::unique_ptr<AnyRule<Scalar>>{new AggregatorRule(*this)}; }
    Tensor<Scalar> direction(const Jacobian<Scalar>& jacobian) override { return this->rule_(jacobian); }
};

/// A copy of `rule` for a criterion of `tasks` tasks.
template <class Scalar, class Rule>
[[nodiscard]] std::unique_ptr<AnyRule<Scalar>> any_rule(Rule&& given, [[maybe_unused]] std::size_t tasks) {
    using Kind = std::remove_cvref_t<Rule>;
    Kind rule(std::forward<Rule>(given));
    if constexpr (requires { rule.start(tasks); })
        rule.start(tasks);
    if constexpr (Scalarizer<Kind, Scalar>)
        return std::make_unique<ScalarizerRule<Scalar, Kind>>(std::move(rule));
    else if constexpr (Weighting<Kind>)
        return std::make_unique<WeightingRule<Scalar, Kind>>(std::move(rule));
    else
        return std::make_unique<AggregatorRule<Scalar, Kind>>(std::move(rule));
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail

namespace espalier::inline ESPALIER_ABI::mtl {

/// A copyable value that is called with `const Losses<Scalar>&` and gives a `Variable<Scalar>`, with `const Gramian&` and gives numbers, or
/// with `const Jacobian<Scalar>&` and gives a `Tensor<Scalar>`.
template <class Rule, class Scalar>
concept BalancingRule = std::copy_constructible<Rule> && (Scalarizer<Rule, Scalar> || Weighting<Rule> || Aggregator<Rule, Scalar>);

}  // namespace espalier::inline ESPALIER_ABI::mtl
