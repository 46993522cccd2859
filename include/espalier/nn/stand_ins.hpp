// SPDX-License-Identifier: MIT
/// @file Other variables in the place of parameters: how a network computes with weights that another one has made.
#pragma once

#include <espalier/autograd/variable.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn::detail {

/// A variable that is computed with instead of a parameter.
template <class Scalar>
struct StandIn {
    const autograd::detail::Node<Scalar>* parameter;
    Variable<Scalar> variable;
};

/// While one lives, what this thread runs finds other variables in the place of parameters. No layer need know of it, none is changed,
/// and other threads run the same layers with the parameters that these have.
template <class Scalar>
class StandIns {
public:
    explicit StandIns(PoolVector<StandIn<Scalar>> list) noexcept : list_{std::move(list)}, before_{std::exchange(current(), this)} {
        std::sort(list_.begin(), list_.end(), [](const auto& a, const auto& b) { return std::less<>{}(a.parameter, b.parameter); });
    }
    StandIns(const StandIns&) = delete;
    StandIns& operator=(const StandIns&) = delete;
    ~StandIns() { current() = before_; }

    /// What stands in for a parameter now, or itself.
    [[nodiscard]] static const Variable<Scalar>& of(const Variable<Scalar>& parameter) noexcept {
        const StandIns* const here = current();
        return here ? here->find(parameter) : parameter;
    }

private:
    /// Outer ones first: what stands in may be replaced in its turn.
    [[nodiscard]] const Variable<Scalar>& find(const Variable<Scalar>& parameter) const noexcept {
        const Variable<Scalar>& found = before_ ? before_->find(parameter) : parameter;
        const auto* const node = found.node().get();
        const auto at = std::lower_bound(list_.begin(), list_.end(), node,
                                         [](const auto& each, const auto* wanted) { return std::less<>{}(each.parameter, wanted); });
        return at != list_.end() && at->parameter == node ? at->variable : found;
    }
    [[nodiscard]] static const StandIns*& current() noexcept {
        static thread_local const StandIns* innermost = nullptr;
        return innermost;
    }

    PoolVector<StandIn<Scalar>> list_;
    const StandIns* before_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn::detail
