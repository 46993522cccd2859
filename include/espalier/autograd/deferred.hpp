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
///
/// What adds up products is virtual: backward functions are compiled into every program, and few programs ask for this.
template <class Scalar>
struct Deferred : Pooled {
    static constexpr std::size_t most_inputs = 4;  ///< of an operation that has parameters

    Slot<Scalar>* slot = nullptr;
    Rows rows = {};
    Tensor<Scalar> cotangents = {};
    /// (T, T) of each input that is a parameter which no other node has; empty for others.
    std::array<PoolVector<double>, most_inputs> gramians = {};
    bool again = false;  ///< the second time: with the sum, for these parameters alone

    Deferred() = default;
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;
    virtual ~Deferred() = default;

    [[nodiscard]] bool covers(std::size_t i) const noexcept { return i < most_inputs && !gramians[i].empty(); }
    [[nodiscard]] bool needs(std::size_t i) const noexcept { return !again || covers(i); }
    [[nodiscard]] bool wants_products(std::size_t i) const noexcept { return !again && covers(i); }

    /// Adds the products of the rows of input i's gradient, (T, numel).
    virtual void add_rows(std::size_t i, Index numel, const Scalar* gradient) = 0;
    /// The same of the rows D_t^T X, of D (T, n, out) and X (n, in), which are not made; false, and nothing done, if it is cheaper
    /// to make them.
    [[nodiscard]] virtual bool add_factors(std::size_t i, Index n, Index out, Index in, const Scalar* d, const Scalar* x) = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
