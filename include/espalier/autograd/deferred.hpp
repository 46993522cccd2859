// SPDX-License-Identifier: MIT
/// @file A node whose parameters' gradients are too large to keep for every task: they are made again, once, when it is known how
/// much of each task is wanted.
#pragma once

#include <espalier/autograd/cotangents.hpp>
#include <espalier/autograd/traversal.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// The cotangents of such a node for each of its tasks, and the inner products of its parameters' gradients. The backward function is
/// run twice: with all tasks, when these products are all that remains of the gradients; and with a sum of the tasks.
template <class Scalar>
struct Deferred : Pooled {
    static constexpr std::size_t most_inputs = 4;  ///< of an operation that has parameters

    Slot<Scalar>* slot = nullptr;
    Rows rows = {};
    Tensor<Scalar> cotangents = {};
    /// (T, T) of each input that is a parameter which no other node has; empty for others.
    std::array<PoolVector<double>, most_inputs> gramians = {};
    bool again = false;  ///< the second time: with the sum, for these parameters alone

    [[nodiscard]] bool covers(std::size_t i) const noexcept { return i < most_inputs && !gramians[i].empty(); }
    [[nodiscard]] bool needs(std::size_t i) const noexcept { return !again || covers(i); }
    [[nodiscard]] double* gramian(std::size_t i) noexcept { return again || !covers(i) ? nullptr : gramians[i].data(); }
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
