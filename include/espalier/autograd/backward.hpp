// SPDX-License-Identifier: MIT
/// @file The reverse pass: one traversal of the tape carries the cotangents of any number of tasks.
#pragma once

#include <espalier/autograd/record.hpp>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::autograd {

struct JacobianOptions {
    bool retain_graph = false;
    /// Leaves that are reached but not asked for get the sum of their rows added to their `grad()`, as by `backward()`;
    /// if false they are left alone.
    bool accumulate_others = false;
};

namespace detail {

/// Row `rows[r]` of the traversal starts at `root` with the cotangent r of `value`, (rows.size(), shape of root...).
template <class Scalar>
struct Seed {
    Variable<Scalar> root;
    PoolVector<Index> rows;
    Tensor<Scalar> value;
};
template <class Scalar>
using Seeds = PoolVector<Seed<Scalar>>;

/// Everything below the roots that requires a gradient, newest first, and the promise to leave no traces in it.
template <class Scalar>
class Traversal {
public:
    using NodePtr = std::shared_ptr<Node<Scalar>>;

    Traversal(const char* operation, const Seeds<Scalar>& seeds) {
        const auto visit = [&](const NodePtr& node) {
            if (node->requires_grad && !node->held) {
                nodes_.push_back(node.get());
                node->held = node;
            }
        };
        for (const auto& seed : seeds)
            visit(seed.root.node());
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            const Node<Scalar>& node = *nodes_[i];
            if (node.freed) {
                reset();
                fail<StateError>(operation, "expected a graph to run backward, got one that an earlier backward pass freed at ",
                                 node.operation, ' ', node.value.shape(), ": pass retain_graph to the earlier one");
            }
            for (const NodePtr& input : node.inputs)
                visit(input);
        }
        std::sort(nodes_.begin(), nodes_.end(), [](const auto* a, const auto* b) { return a->sequence > b->sequence; });
    }
    Traversal(const Traversal&) = delete;
    Traversal& operator=(const Traversal&) = delete;
    ~Traversal() { reset(); }

    [[nodiscard]] const PoolVector<Node<Scalar>*>& nodes() const noexcept { return nodes_; }

    /// Runs all backward functions; `finish(leaf)` is called once for each leaf that may have received anything.
    template <class Finish>
    void run(Seeds<Scalar> seeds, bool retain_graph, const Finish& finish) {
        for (auto& seed : seeds)
            if (seed.root.requires_grad())
                Gradients<Scalar>::gather(seed.root.node()->pending, seed.rows, std::move(seed.value), seed.root.shape());
        for (Node<Scalar>*& node : nodes_) {
            if (node->backward) {
                if (!node->pending.rows.empty()) {
                    Gradients<Scalar> gradients{*node};
                    (*node->backward)(gradients);
                }
                if (!retain_graph) {  // activations are freed as the traversal passes them
                    node->backward.reset();
                    node->inputs.clear();
                    node->freed = true;
                }
            } else {
                finish(*node);
            }
            leave(*std::exchange(node, nullptr));
        }
    }

private:
    static void leave(Node<Scalar>& node) noexcept {
        node.pending = {};
        node.destination = {};
        node.wanted = false;
        const NodePtr perhaps_last = std::move(node.held);
    }
    void reset() noexcept {
        for (Node<Scalar>*& node : nodes_)
            if (node)
                leave(*std::exchange(node, nullptr));
    }

    PoolVector<Node<Scalar>*> nodes_;
};

/// Lets gradients of a leaf be written straight into its `gradient`.
template <class Scalar>
void aim_at_gradient(Node<Scalar>& leaf) {
    if (leaf.gradient.shape() != leaf.value.shape())
        leaf.gradient = Tensor<Scalar>::empty(leaf.value.shape());
    leaf.destination = {leaf.gradient.data(), leaf.value.numel(), leaf.has_gradient};
    leaf.pending.rows = {0};
}

/// Adds to the destination what gathered beside it: row by row, or all rows into one if `sum`.
template <class Scalar>
void settle(Node<Scalar>& leaf, bool sum) {
    const Tensor<Scalar>& gathered = leaf.pending.value;
    if (gathered.numel() == 0)
        return;
    Destination<Scalar>& to = leaf.destination;
    const Index numel = leaf.value.numel();
    for (Index r = 0; r < gathered.size(0); ++r) {
        const Scalar* source = gathered.data() + r * numel;
        Scalar* target = to.data + (sum ? 0 : r * to.stride);
        if (to.accumulate || (sum && r > 0))
            kernels::accumulate(numel, source, target);
        else
            std::copy_n(source, numel, target);
    }
    to.accumulate = true;
}

template <class Scalar>
[[nodiscard]] Seed<Scalar> unit_seed(const char* operation, const Variable<Scalar>& root, Index row) {
    require<ShapeError>(root.numel() == 1, operation, "expected a loss of one element, got ", root.operation(), ' ',
                        root.shape());
    return {root, {row}, Tensor<Scalar>::ones(root.shape().prepended(1))};
}

/// The T x P matrix of cotangents of the leaves `wrt`, flattened and side by side in that order.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> pull_back(const char* operation, Seeds<Scalar> seeds, Index rows,
                                       std::span<const Variable<Scalar>> wrt, const JacobianOptions& options) {
    Index columns = 0;
    for (const auto& leaf : wrt) {
        require<StateError>(leaf.is_leaf() && leaf.requires_grad(), operation,
                            "expected leaves that require a gradient, got ", leaf.operation(), ' ', leaf.shape());
        columns += leaf.numel();
    }
    Tensor<Scalar> matrix = Tensor<Scalar>::empty({rows, columns});
    Traversal<Scalar> traversal{operation, seeds};
    PoolVector<Index> all(static_cast<std::size_t>(rows));
    std::iota(all.begin(), all.end(), Index{0});
    Index column = 0;
    for (const auto& leaf : wrt) {
        auto& node = *leaf.node();
        const bool reached = node.held != nullptr;
        if (reached) {
            require<StateError>(!node.wanted, operation, "expected each leaf once, got ", leaf.shape(), " twice");
            node.wanted = true;
            node.destination = {matrix.data() + column, columns, false};
            node.pending.rows = all;
        }
        for (Index t = 0; t < rows && !reached; ++t)
            std::fill_n(matrix.data() + t * columns + column, leaf.numel(), Scalar(0));
        column += leaf.numel();
    }
    traversal.run(std::move(seeds), options.retain_graph, [&](Node<Scalar>& leaf) {
        if (leaf.wanted) {
            settle(leaf, false);
            for (Index t = 0; t < rows && !leaf.destination.accumulate; ++t)  // below a root, but never reached
                std::fill_n(leaf.destination.data + t * columns, leaf.value.numel(), Scalar(0));
        } else if (options.accumulate_others && !leaf.pending.rows.empty()) {
            Pending<Scalar> received = std::exchange(leaf.pending, {});
            aim_at_gradient(leaf);
            leaf.pending = std::move(received);
            settle(leaf, true);
            leaf.has_gradient = leaf.destination.accumulate;
        }
    });
    return matrix;
}

}  // namespace detail

/// Gradients of the sum of `roots` with respect to all leaves below them, added to theirs; T = 1.
/// @throws ShapeError for a root of more than one element; StateError if nothing requires a gradient or the graph is freed.
template <class Scalar>
void backward(std::span<const Variable<Scalar>> roots, bool retain_graph = false) {
    detail::Seeds<Scalar> seeds;
    for (const auto& root : roots) {
        require<StateError>(root.requires_grad(), "backward", "expected a loss that depends on a parameter, got the constant ",
                            root.operation(), ' ', root.shape());
        seeds.push_back(detail::unit_seed("backward", root, 0));
    }
    detail::Traversal<Scalar> traversal{"backward", seeds};
    for (auto* node : traversal.nodes())
        if (node->is_leaf())
            detail::aim_at_gradient(*node);
    traversal.run(std::move(seeds), retain_graph, [](detail::Node<Scalar>& leaf) {
        detail::settle(leaf, true);
        leaf.has_gradient = leaf.destination.accumulate;
    });
}
template <class Scalar>
void backward(std::initializer_list<Variable<Scalar>> roots, bool retain_graph = false) {
    backward(std::span<const Variable<Scalar>>{roots.begin(), roots.size()}, retain_graph);
}

template <class Scalar>
void Variable<Scalar>::backward(bool retain_graph) const {
    autograd::backward<Scalar>(std::span<const Variable>{this, 1}, retain_graph);
}

/// The Jacobian of T losses: one traversal gives the gradient of every one of them on the leaves `wrt` as the rows of a
/// (T, P) tensor, P the number of elements of the leaves in their order. Their `grad()` is not touched.
/// @throws as `backward`; StateError for a `wrt` that is no leaf requiring a gradient.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> jacobian(std::span<const Variable<Scalar>> losses, std::span<const Variable<Scalar>> wrt,
                                      const JacobianOptions& options = {}) {
    detail::Seeds<Scalar> seeds;
    for (std::size_t t = 0; t < losses.size(); ++t)
        seeds.push_back(detail::unit_seed("jacobian", losses[t], static_cast<Index>(t)));
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
    PoolVector<Index> all(static_cast<std::size_t>(rows));
    std::iota(all.begin(), all.end(), Index{0});
    detail::Seeds<Scalar> seeds{{output, std::move(all), std::move(cotangents)}};
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
