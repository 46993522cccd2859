// SPDX-License-Identifier: MIT
/// @file What a balancing rule may have beside its call: state, and two moments of the training at which it is told something.
///
/// All of it is optional, and found by name:
///
///     void start(std::size_t tasks)                     once, when a criterion takes the rule: its state has its size from here on
///     void visit(RuleVisitor<Scalar>& visitor)          shows the state, which is saved, restored and copied with the criterion
///     void after_step(std::span<const double> losses)   the losses of the last step's active tasks, computed again after the update
///     void end_epoch()                                  between two epochs
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/nn/parameter.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Walks the state of a rule:
/// @code
/// template <class Scalar> void visit(RuleVisitor<Scalar>& v) { v("average", average_); v("random", random_); }
/// @endcode
template <class Scalar>
class RuleVisitor {
public:
    RuleVisitor() = default;
    RuleVisitor(const RuleVisitor&) = delete;
    RuleVisitor& operator=(const RuleVisitor&) = delete;
    virtual ~RuleVisitor() = default;

    /// A learned weight, trained by the optimizer that it is given to.
    void operator()(std::string_view name, nn::Parameter<Scalar>& learned) { on_parameter(path(name), learned); }
    /// Numbers of which every bit counts, such as running averages.
    void operator()(std::string_view name, Tensor<double>& state) { on_state(path(name), state); }
    /// Rows as long as the gradients, in their precision.
    void operator()(std::string_view name, Tensor<float>& state) { on_state(path(name), state); }
    /// Where a stream of random numbers stands.
    void operator()(std::string_view name, Random& random) {
        Tensor<double> halves{{6}};  // 64 bits are too many for a double
        const std::uint64_t parts[3] = {random.seed(), random.stream(), random.position()};
        for (Index i = 0; i < 3; ++i) {
            halves[2 * i] = static_cast<double>(parts[i] >> 32);
            halves[2 * i + 1] = static_cast<double>(parts[i] & 0xFFFFFFFFU);
        }
        on_state(path(name), halves);
        const auto whole = [&](Index i) {
            return static_cast<std::uint64_t>(halves[2 * i]) << 32 | static_cast<std::uint64_t>(halves[2 * i + 1]);
        };
        random = Random{whole(0), whole(1), whole(2)};
    }
    /// A rule within this one.
    template <class Rule>
        requires requires(Rule& rule, RuleVisitor& visitor) { rule.visit(visitor); }
    void operator()(std::string_view name, Rule& rule) {
        const std::size_t length = prefix_.size();
        prefix_ += std::string{name} + ".";
        rule.visit(*this);
        prefix_.resize(length);
    }

private:
    [[nodiscard]] std::string path(std::string_view name) const { return prefix_ + std::string{name}; }
    virtual void on_parameter(const std::string&, nn::Parameter<Scalar>&) {}
    virtual void on_state(const std::string&, Tensor<double>&) {}
    virtual void on_state(const std::string&, Tensor<float>&) {}

    std::string prefix_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
