// SPDX-License-Identifier: MIT
/// @file The reverse pass: one traversal of the tape carries the cotangents of any number of tasks.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::autograd {

/// What is to become of the graph, of other leaves, and the factors of the rows.
struct JacobianOptions {
    bool retain_graph = false;
    /// Leaves that are reached but not asked for get the sum of their rows added to their `grad()`, as by `backward()`;
    /// if false they are left alone.
    bool accumulate_others = false;
    /// Factors of the rows, one for each loss; none stands for 1.
    std::span<const double> weights = {};
};

namespace detail {

template <class Scalar>
[[nodiscard]] Seed<Scalar> scalar_seed(const char* operation, const Variable<Scalar>& root, const Rows& row, double scale) {
    require<ShapeError>(root.numel() == 1, operation, "expected a loss of one element, got ", root.operation(), ' ', root.shape());
    return {root, row, Tensor<Scalar>::full(root.shape().prepended(1), static_cast<Scalar>(scale))};
}

/// The T x P matrix of cotangents of the leaves `wrt`, flattened and side by side in that order.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> pull_back(const char* operation, Seeds<Scalar> seeds, Index rows, std::span<const Variable<Scalar>> wrt,
                                       const JacobianOptions& options) {
    Index columns = 0;
    for (const auto& leaf : wrt) {
        require<StateError>(leaf.is_leaf() && (leaf.requires_grad() || leaf.node()->parameter), operation,
                            "expected leaves that require a gradient, got ", leaf.operation(), ' ', leaf.shape());
        columns += leaf.numel();
    }
    Tensor<Scalar> matrix = Tensor<Scalar>::empty({rows, columns});
    Traversal<Scalar> traversal{operation, seeds, Rows::all(rows), false};
    Index column = 0;
    const auto fill_with_0 = [&](Scalar* data, Index numel) {
        for (Index t = 0; t < rows; ++t)
            std::fill_n(data + t * columns, numel, Scalar(0));
    };
    for (const auto& leaf : wrt) {
        if (Slot<Scalar>* const slot = traversal.slot_of(*leaf.node())) {
            require<StateError>(!slot->direct.wanted(), operation, "expected each leaf once, got ", leaf.shape(), " twice");
            slot->direct = {matrix.data() + column, columns, false};
        } else {
            fill_with_0(matrix.data() + column, leaf.numel());
        }
        column += leaf.numel();
    }
    traversal.run(std::move(seeds), options.retain_graph, [&](Slot<Scalar>& leaf) {
        if (leaf.direct.wanted()) {
            if (!std::exchange(leaf.direct.accumulate, true))  // not all rows, or none, have come to be written directly
                fill_with_0(leaf.direct.data, leaf.node->value.numel());
            leaf.settle(traversal.direct_rows());
        } else if (options.accumulate_others && leaf.gathered) {
            leaf.aim_at_gradient();
            leaf.settle({});
            leaf.node->has_gradient = true;
        }
    });
    return matrix;
}

}  // namespace detail

/// Gradients of the sum of `roots` with respect to all leaves below them, added to theirs; T = 1.
/// @throws ShapeError for a root of more than one element; ValueError for a scale that is not finite; StateError if nothing
/// requires a gradient, the graph is freed, or a value that it was recorded with has changed.
template <class Scalar>
void backward(std::span<const Variable<Scalar>> roots, const BackwardOptions& options = {}) {
    require<ValueError>(is_finite(options.scale), "backward", "expected a finite scale, got ", options.scale);
    const auto all = detail::Rows::all(1);
    detail::Seeds<Scalar> seeds;
    for (const auto& root : roots) {
        require<StateError>(root.requires_grad(), "backward", "expected a loss that depends on a parameter, got the constant ",
                            root.operation(), ' ', root.shape());
        seeds.push_back(detail::scalar_seed("backward", root, all, options.scale));
    }
    detail::Traversal<Scalar> traversal{"backward", seeds, all, true};
    traversal.run(std::move(seeds), options.retain_graph, [](detail::Slot<Scalar>& leaf) { leaf.finish_gradient({}); });
}
template <class Scalar>
void backward(std::initializer_list<Variable<Scalar>> roots, const BackwardOptions& options = {}) {
    backward(std::span<const Variable<Scalar>>{roots.begin(), roots.size()}, options);
}

template <class Scalar>
void Variable<Scalar>::backward(const BackwardOptions& options) const {
    autograd::backward<Scalar>(std::span<const Variable>{this, 1}, options);
}

/// The Jacobian of T losses: one traversal gives the gradient of every one of them on the leaves `wrt` as the rows of a
/// (T, P) tensor, P the number of elements of the leaves in their order. Their `grad()` is not touched.
/// @throws as `backward`; StateError for a `wrt` that is no leaf requiring a gradient.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> jacobian(std::span<const Variable<Scalar>> losses, std::span<const Variable<Scalar>> wrt,
                                      const JacobianOptions& options = {}) {
    require<ShapeError>(options.weights.empty() || options.weights.size() == losses.size(), "jacobian", "expected ", losses.size(),
                        " weights, got ", options.weights.size());
    detail::Seeds<Scalar> seeds;
    for (std::size_t t = 0; t < losses.size(); ++t)
        seeds.push_back(detail::scalar_seed("jacobian", losses[t], detail::Rows{static_cast<Index>(t)},
                                            options.weights.empty() ? 1 : options.weights[t]));
    return detail::pull_back("jacobian", std::move(seeds), static_cast<Index>(losses.size()), wrt, options);
}

/// Vector-Jacobian products: `cotangents` is (T, shape of output...); the result holds, for each leaf of `wrt`, its
/// (T, shape...). @throws ShapeError, StateError as `jacobian`.
template <class Scalar>
[[nodiscard]] std::vector<Tensor<Scalar>> vjp(const Variable<Scalar>& output, Tensor<Scalar> cotangents,
                                              std::span<const Variable<Scalar>> wrt, bool retain_graph = false) {
    require<ShapeError>(cotangents.rank() > 0 && cotangents.shape() == output.shape().prepended(cotangents.size(0)), "vjp",
                        "expected cotangents (T, ...) of an output ", output.shape(), ", got ", cotangents.shape());
    const Index rows = cotangents.size(0);
    detail::Seeds<Scalar> seeds{{output, detail::Rows::all(rows), std::move(cotangents)}};
    const Tensor<Scalar> matrix = detail::pull_back("vjp", std::move(seeds), rows, wrt, {.retain_graph = retain_graph});
    std::vector<Tensor<Scalar>> result;
    const Scalar* from = matrix.data();
    for (const auto& leaf : wrt) {
        auto& rows_of_leaf = result.emplace_back(Tensor<Scalar>::empty(leaf.shape().prepended(rows)));
        for (Index t = 0; t < rows; ++t)
            std::copy_n(from + t * matrix.size(1), leaf.numel(), rows_of_leaf.data() + t * leaf.numel());
        from += leaf.numel();
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
