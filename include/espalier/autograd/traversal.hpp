// SPDX-License-Identifier: MIT
/// @file One walk over the tape from the roots to the leaves, and all that it knows of the nodes on its way.
///
/// Nothing of it is kept in the nodes: several threads may walk graphs that share leaves, and one that throws leaves no
/// traces.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// A place where a leaf's gradient is written without a copy: the row of the task `(*rows)[r]` starts at `data + r * stride`.
template <class Scalar>
struct Destination {
    Scalar* data = nullptr;
    Index stride = 0;
    bool accumulate = false;  ///< add to what is there, instead of overwriting it
    const PoolVector<Index>* rows = nullptr;
};

/// What a traversal knows of one node: the cotangents that have reached it so far. Row r of `gathered`, of shape
/// (rows.size(), shape of the node...), belongs to the task `rows[r]`; a head is reached by its own task alone, so it
/// carries one row and not T.
template <class Scalar>
struct Slot {
    std::uint64_t sequence;
    std::shared_ptr<Node<Scalar>> node;
    PoolVector<Index> rows = {};
    Tensor<Scalar> gathered = {};
    Destination<Scalar> direct = {};  ///< where cotangents of exactly its rows go instead

    /// Adds rows of cotangents to those that have gathered; rows that only one side has are taken as they are.
    ESPALIER_NOINLINE void gather(const PoolVector<Index>& from_rows, Tensor<Scalar>&& from) {
        if (rows.empty()) {
            rows = from_rows;
            gathered = std::move(from);
            return;
        }
        if (rows != from_rows) {
            PoolVector<Index> all;
            std::set_union(rows.begin(), rows.end(), from_rows.begin(), from_rows.end(), std::back_inserter(all));
            Tensor<Scalar> merged{node->value.shape().prepended(static_cast<Index>(all.size()))};
            add_rows(merged, all, gathered, rows);
            rows = std::move(all);
            gathered = std::move(merged);
        }
        add_rows(gathered, rows, from, from_rows);
    }

    /// Adds to the direct place what has gathered beside it: row by row, or all rows into one if `sum`.
    void settle(bool sum) {
        const Index numel = node->value.numel();
        for (std::size_t r = 0; r < rows.size(); ++r) {
            const Scalar* const source = gathered.data() + static_cast<Index>(r) * numel;
            Scalar* const target = direct.data + (sum ? 0 : place(*direct.rows, rows[r]) * direct.stride);
            if (direct.accumulate)
                kernels::accumulate(numel, source, target);
            else
                std::copy_n(source, numel, target);
            direct.accumulate = direct.accumulate || sum;
        }
    }

private:
    [[nodiscard]] static Index place(const PoolVector<Index>& rows, Index row) {
        return static_cast<Index>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
    }

    void add_rows(Tensor<Scalar>& to, const PoolVector<Index>& to_rows, const Tensor<Scalar>& from,
                  const PoolVector<Index>& from_rows) const {
        const Index numel = node->value.numel();
        for (std::size_t r = 0; r < from_rows.size(); ++r)
            kernels::accumulate(numel, from.data() + static_cast<Index>(r) * numel, to.data() + place(to_rows, from_rows[r]) * numel);
    }
};

/// Row `rows[r]` of the traversal starts at `root` with the cotangent r of `value`, (rows.size(), shape of root...).
template <class Scalar>
struct Seed {
    Variable<Scalar> root;
    PoolVector<Index> rows;
    Tensor<Scalar> value;
};
template <class Scalar>
using Seeds = PoolVector<Seed<Scalar>>;

/// Everything below the roots that requires a gradient, newest first.
template <class Scalar>
class Traversal {
public:
    using NodePtr = std::shared_ptr<Node<Scalar>>;

    /// @throws StateError for a graph that was freed, or that a value of has changed since it was recorded.
    Traversal(const char* operation, const Seeds<Scalar>& seeds) {
        // What a node was computed from is older than the node. So the newest of all that is known to lie below the roots
        // is reached from nowhere else any more, and what was found twice comes out side by side.
        PoolVector<NodePtr> found;
        for (const auto& seed : seeds)
            find(seed.root.node(), found);
        while (!found.empty()) {
            std::pop_heap(found.begin(), found.end(), older);
            NodePtr node = std::move(found.back());
            found.pop_back();
            if (!slots_.empty() && slots_.back().node == node)
                continue;
            check(operation, *node);
            for (const auto& input : node->inputs)
                find(input.node, found);
            slots_.push_back({node->sequence, std::move(node)});
        }
    }

    [[nodiscard]] PoolVector<Slot<Scalar>>& slots() noexcept { return slots_; }

    /// The slot of a node, null if it does not lie below the roots or requires no gradient.
    [[nodiscard]] Slot<Scalar>* slot_of(const Node<Scalar>& node) noexcept {
        const auto slot = std::lower_bound(slots_.begin(), slots_.end(), node.sequence,
                                           [](const Slot<Scalar>& s, std::uint64_t sequence) { return s.sequence > sequence; });
        return slot != slots_.end() && slot->node.get() == &node ? &*slot : nullptr;
    }

    /// Runs all backward functions; `finish(slot)` is called once for each leaf.
    template <class Finish>
    void run(Seeds<Scalar> seeds, bool retain_graph, const Finish& finish) {
        for (auto& seed : seeds)
            if (seed.root.requires_grad())
                slot_of(*seed.root.node())->gather(seed.rows, std::move(seed.value));
        for (Slot<Scalar>& slot : slots_) {
            Node<Scalar>& node = *slot.node;
            if (node.backward) {
                if (!slot.rows.empty()) {
                    Gradients<Scalar> gradients{*this, slot};
                    (*node.backward)(gradients);
                }
                if (!retain_graph) {  // activations are freed as the traversal passes them
                    node.backward.reset();
                    node.inputs.clear();
                    node.freed = true;
                }
            } else {
                finish(slot);
            }
            slot.gathered = {};
            slot.node.reset();
        }
    }

private:
    [[nodiscard]] static bool older(const NodePtr& a, const NodePtr& b) noexcept { return a->sequence < b->sequence; }
    ESPALIER_NOINLINE static void find(const NodePtr& node, PoolVector<NodePtr>& found) {
        if (!node->requires_grad)
            return;
        found.push_back(node);
        std::push_heap(found.begin(), found.end(), older);
    }

    [[noreturn]] ESPALIER_COLD static void refuse(const char* operation, const Node<Scalar>& node) {
        if (node.freed)
            fail<StateError>(operation, "expected a graph to run backward, got one that an earlier backward pass freed at ",
                             node.operation, ' ', node.value.shape(), ": pass retain_graph to the earlier one");
        fail<StateError>(operation, "expected the values that the graph was recorded with, got ", node.description(),
                         " changed since, as by an optimizer's step or mutable_value(): run forward again");
    }

    static void check(const char* operation, const Node<Scalar>& node) {
        if (node.freed)
            refuse(operation, node);
        const auto require_version = [&](const Node<Scalar>& changed, std::uint64_t version) {
            if (changed.version != version)
                refuse(operation, changed);
        };
        if (node.is_leaf())
            return;
        require_version(node, 0);
        for (const auto& input : node.inputs)
            require_version(*input.node, input.version);
    }

    PoolVector<Slot<Scalar>> slots_;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
