// SPDX-License-Identifier: MIT
/// @file One walk over the tape from the roots to the leaves, and all that it knows of the nodes on its way.
///
/// Nothing of it is kept in the nodes: several threads may walk graphs that share leaves, and one that throws leaves no
/// traces.
#pragma once

#include <espalier/autograd/cotangents.hpp>
#include <espalier/autograd/variable.hpp>
#include <espalier/kernels/target.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// Writes or adds a row of a gradient to its place in the target.
template <class Scalar>
void write_row(const kernels::Target<Scalar>& to, Index row, Index numel, const Scalar* source) {
    if (to.accumulate)
        kernels::accumulate(numel, source, to.row(row));
    else
        std::copy_n(source, numel, to.row(row));
}

template <class Scalar>
struct Deferred;

/// The place of a leaf's gradient, which is made if there is none.
template <class Scalar>
[[nodiscard]] kernels::Target<Scalar> gradient_of(Node<Scalar>& leaf) {
    Tensor<Scalar>& gradient = leaf.whole_gradient();
    return {gradient.data(), gradient.numel(), leaf.has_gradient};
}

/// What a traversal knows of one node. There are as many as nodes, so what few have at a time lies elsewhere.
template <class Scalar>
struct Slot {
    std::shared_ptr<Node<Scalar>> node;
    std::size_t first_input = 0;  ///< of the traversal's list of where inputs are
    std::unique_ptr<Cotangents<Scalar>> gathered = nullptr;
    kernels::Target<Scalar> direct = {};  ///< where cotangents of the traversal's direct rows go instead
    std::unique_ptr<SparseGradient<Scalar>> sparse = nullptr;  ///< what of these lists rows, for a leaf's gradient

    ESPALIER_NOINLINE void gather(const Rows& rows, Tensor<Scalar>&& from) { gatherer().add(rows, std::move(from)); }
    ESPALIER_NOINLINE void gather(Product<Scalar>&& product) { gatherer().add(std::move(product)); }

    void gather(SparseGradient<Scalar>&& more) {
        if (sparse)
            *sparse = sum(*sparse, more, node->value.shape());
        else
            sparse = std::make_unique<SparseGradient<Scalar>>(std::move(more));
    }

    /// Makes the gradient of a leaf what has come for it.
    void finish_gradient(const Rows& of) {
        settle(of);
        if (direct.wanted())
            node->has_gradient = direct.accumulate;
        if (sparse)
            node->add_sparse_gradient(std::move(*sparse));
        sparse.reset();
    }

    /// Adds to the direct place, of the rows `of`, what has gathered beside it: row by row, or all rows into one if there are none.
    void settle(const Rows& of) {
        if (!gathered)
            return;
        const Index numel = node->value.numel();
        const Scalar* source = gathered->value().data();
        for (const Index task : gathered->rows()) {
            write_row(direct, of.empty() ? 0 : of.place(task), numel, source);
            direct.accumulate = direct.accumulate || of.empty();
            source += numel;
        }
    }

    /// Lets the sum of the rows be written straight to the leaf's gradient.
    void aim_at_gradient() { direct = gradient_of(*node); }

private:
    [[nodiscard]] Cotangents<Scalar>& gatherer() {
        if (!gathered)
            gathered = std::make_unique<Cotangents<Scalar>>();
        return *gathered;
    }
};

/// Row `rows[r]` of the traversal starts at `root` with the cotangent r of `value`, (rows.size(), shape of root...).
template <class Scalar>
struct Seed {
    Variable<Scalar> root;
    Rows rows;
    Tensor<Scalar> value;
};
template <class Scalar>
using Seeds = PoolVector<Seed<Scalar>>;

/// Everything below the roots that requires a gradient: results of operations, newest first, and then leaves.
template <class Scalar>
class Traversal {
public:
    using NodePtr = std::shared_ptr<Node<Scalar>>;

    /// `direct` are the rows that the direct places of leaves are for; with `into_gradients` these are their gradients.
    /// @throws StateError for a graph that was freed, or that a value of has changed since it was recorded.
    Traversal(const char* operation, const Seeds<Scalar>& seeds, Rows direct, bool into_gradients)
        : direct_{std::move(direct)}, into_gradients_{into_gradients} {
        // What a node was computed from is older than the node. So the newest of all that is known to lie below the roots
        // is reached from nowhere else any more, and what was found twice comes out side by side.
        Frontier frontier;
        for (const auto& seed : seeds)
            find(seed.root.node(), frontier);
        while (!frontier.results.empty()) {
            std::pop_heap(frontier.results.begin(), frontier.results.end());
            const Found newest = frontier.results.back();
            frontier.results.pop_back();
            if (add(newest)) {
                const Node<Scalar>& node = **newest.node;
                check(operation, node);
                for (const auto& input : node.inputs)
                    find(input.node, frontier);
            }
        }
        first_leaf_ = slots_.size();
        std::sort(frontier.leaves.begin(), frontier.leaves.end());
        for (const Found& leaf : frontier.leaves)
            add(leaf);
    }

    /// Of results of operations, newest first.
    [[nodiscard]] std::span<Slot<Scalar>> results() noexcept { return std::span{slots_}.first(first_leaf_); }
    /// Oldest first.
    [[nodiscard]] std::span<Slot<Scalar>> leaves() noexcept { return std::span{slots_}.subspan(first_leaf_); }
    /// The slot of a leaf, null if it does not lie below the roots or requires no gradient.
    [[nodiscard]] Slot<Scalar>* slot_of(const Node<Scalar>& leaf) noexcept {
        const auto all = leaves();
        const auto slot = std::lower_bound(all.begin(), all.end(), leaf.sequence,
                                           [](const Slot<Scalar>& s, std::uint64_t sequence) { return s.node->sequence < sequence; });
        return slot != all.end() && slot->node.get() == &leaf ? &*slot : nullptr;
    }
    /// Of how many nodes, and how often, each leaf is an input.
    [[nodiscard]] PoolVector<std::uint32_t> uses_of_leaves() const {
        PoolVector<std::uint32_t> uses(slots_.size() - first_leaf_);
        for (const std::size_t place : places_)
            if (place != nowhere && place >= first_leaf_)
                ++uses[place - first_leaf_];
        return uses;
    }
    /// For each node, results first: whether it is one of a model's features or lies below one.
    [[nodiscard]] PoolVector<bool> below_features() const {
        PoolVector<bool> below(slots_.size());
        for (std::size_t i = 0; i < first_leaf_; ++i) {
            const Slot<Scalar>& slot = slots_[i];
            below[i] = below[i] || slot.node->features;
            for (std::size_t k = 0; below[i] && k < slot.node->inputs.size(); ++k)
                if (const std::size_t place = places_[slot.first_input + k]; place != nowhere)
                    below[place] = true;
        }
        return below;
    }
    /// The slot of input i of a slot's node, null if it requires no gradient.
    [[nodiscard]] Slot<Scalar>* receiver(const Slot<Scalar>& slot, std::size_t i) { return receiver(slot.first_input + i); }
    /// The same for rows of a table, if they can stay a list until its gradient is made of them.
    [[nodiscard]] Slot<Scalar>* receiver_of_list(const Slot<Scalar>& slot, std::size_t i, const Rows& rows) {
        const std::size_t place = places_[slot.first_input + i];
        return into_gradients_ && rows == direct_ && place != nowhere && place >= first_leaf_ ? &slots_[place] : nullptr;
    }
    [[nodiscard]] const Rows& direct_rows() const noexcept { return direct_; }

    /// From here on the direct places of leaves are their gradients.
    void aim_at_gradients() noexcept { into_gradients_ = true; }

    /// Gives the roots their cotangents.
    void start(Seeds<Scalar> seeds) {
        for (std::size_t i = 0; i < seeds.size(); ++i)
            if (Slot<Scalar>* const root = receiver(i); root && !seeds[i].rows.empty())
                root->gather(seeds[i].rows, std::move(seeds[i].value));
    }
    /// Runs the backward function of a result that cotangents have reached.
    void pass(Slot<Scalar>& slot, Deferred<Scalar>* deferred = nullptr) {
        if (!slot.gathered)
            return;
        Gradients<Scalar> gradients{*this, slot, deferred};
        (*slot.node->backward)(gradients);
    }
    /// Activations are freed as the traversal passes them.
    static void leave(Slot<Scalar>& slot, bool retain_graph) {
        if (!retain_graph) {
            slot.node->backward.reset();
            slot.node->inputs.clear();
            slot.node->freed = true;
        }
        slot.gathered.reset();
        slot.node.reset();
    }

    /// Runs all backward functions; `finish(slot)` is called once for each leaf.
    template <class Finish>
    void run(Seeds<Scalar> seeds, bool retain_graph, const Finish& finish) {
        start(std::move(seeds));
        for (Slot<Scalar>& slot : results()) {
            pass(slot);
            leave(slot, retain_graph);
        }
        for (Slot<Scalar>& leaf : leaves()) {
            finish(leaf);
            leaf.gathered.reset();
        }
    }

private:
    static constexpr auto nowhere = static_cast<std::size_t>(-1);

    struct Found {
        std::uint64_t sequence;  ///< here too, as a look into every node that a heap compares costs a cache line
        std::size_t input;       ///< which entry of `places_` is to tell its slot
        const NodePtr* node;     ///< the root's, or an input's of a node that has a slot

        friend bool operator<(const Found& a, const Found& b) noexcept { return a.sequence < b.sequence; }
    };

    /// What is known to lie below the roots and has no slot yet.
    struct Frontier {
        PoolVector<Found> results;  ///< a heap
        PoolVector<Found> leaves;
    };

    ESPALIER_NOINLINE void find(const NodePtr& node, Frontier& frontier) {
        if (node->requires_grad) {
            const bool leaf = node->is_leaf();
            auto& found = leaf ? frontier.leaves : frontier.results;
            found.push_back({node->sequence, places_.size(), &node});
            if (!leaf)
                std::push_heap(found.begin(), found.end());
        }
        places_.push_back(nowhere);
    }

    /// Gives a node its slot unless the last one is its own already.
    bool add(const Found& found) {
        const bool fresh = slots_.empty() || slots_.back().node != *found.node;
        if (fresh)
            slots_.push_back({*found.node, places_.size()});
        places_[found.input] = slots_.size() - 1;
        return fresh;
    }

    /// The slot that an entry of `places_` tells. A leaf is aimed as it is reached, when what is asked of its node is in the cache.
    [[nodiscard]] Slot<Scalar>* receiver(std::size_t place) {
        if (places_[place] == nowhere)
            return nullptr;
        Slot<Scalar>& slot = slots_[places_[place]];
        if (into_gradients_ && !slot.direct.wanted() && slot.node->is_leaf())
            slot.aim_at_gradient();
        return &slot;
    }

    [[noreturn]] ESPALIER_COLD static void refuse(const char* operation, const Node<Scalar>& node) {
        if (node.freed)
            fail<StateError>(operation, "expected a graph to run backward, got one that an earlier backward pass freed at ", node.operation,
                             ' ', node.value.shape(), ": pass retain_graph to the earlier one");
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

    Rows direct_;
    bool into_gradients_;
    PoolVector<Slot<Scalar>> slots_;
    PoolVector<std::size_t> places_;  ///< the slots of all roots, and then of all inputs
    std::size_t first_leaf_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
