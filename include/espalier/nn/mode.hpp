// SPDX-License-Identifier: MIT
/// @file Training or evaluation: a flag of a layer, and a scope of a thread that overrules it.
#pragma once

#include <espalier/core/config.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {
namespace detail {

[[nodiscard]] inline bool& evaluating() noexcept {
    static thread_local bool on = false;
    return on;
}

/// Whether layers that could begin together run one by one in this thread, for who looks at what was recorded of each.
[[nodiscard]] inline bool& layers_apart() noexcept {
    static thread_local bool on = false;
    return on;
}

}  // namespace detail

/// While one lives, every layer that this thread calls is in evaluation mode. No layer is changed by it, so other threads may
/// use the same ones meanwhile.
class EvalScope {
public:
    EvalScope() noexcept : before_{std::exchange(detail::evaluating(), true)} {}
    EvalScope(const EvalScope&) = delete;
    EvalScope& operator=(const EvalScope&) = delete;
    ~EvalScope() { detail::evaluating() = before_; }

private:
    bool before_;
};

/// What a layer that differs between training and evaluation holds, asks, and shows to visitors.
class Mode {
public:
    /// Whether the layer is to behave as in training: it was put into that mode, is not frozen, and this thread is in no
    /// `EvalScope`.
    [[nodiscard]] bool training() const noexcept { return training_ && !frozen_ && !detail::evaluating(); }

    void train(bool on) noexcept { training_ = on; }
    /// A frozen layer stays in evaluation mode, whatever `train` says.
    void freeze(bool on) noexcept { frozen_ = on; }

private:
    bool training_ = true;
    bool frozen_ = false;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
