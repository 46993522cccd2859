// SPDX-License-Identifier: MIT
/// @file A tensor that remembers how it was computed: the handle users hold, and the graph node behind it.
///
/// A node is owned by the variables that need it, so a forward pass whose result is dropped leaves nothing behind.
/// Nodes are numbered as they are made; that number is the order of the tape, and backward runs it in reverse.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

template <class Scalar>
class Gradients;
template <class Scalar>
class Variable;

namespace detail {

template <class Scalar>
struct BackwardFunction : Pooled {
    virtual ~BackwardFunction() = default;
    virtual void operator()(Gradients<Scalar>& gradients) = 0;
};

/// Where cotangents of one node gather during a traversal: `value` is (rows.size(), shape of the node...), and row r
/// belongs to the task `rows[r]`. A head is reached by its own task alone, so it carries one row and not T.
template <class Scalar>
struct Pending {
    PoolVector<Index> rows;
    Tensor<Scalar> value;
};

/// A place to write a leaf's gradient without a copy: row r starts at `data + r * stride`.
template <class Scalar>
struct Destination {
    Scalar* data = nullptr;
    Index stride = 0;
    bool accumulate = false;  ///< add to what is there, instead of overwriting it
};

template <class Scalar>
struct Node {
    Tensor<Scalar> value;
    const char* operation = "leaf";
    bool requires_grad = false;
    std::uint64_t sequence = 0;
    PoolVector<std::shared_ptr<Node>> inputs;
    std::unique_ptr<BackwardFunction<Scalar>> backward;  ///< null for a leaf, and after the graph was freed
    bool freed = false;

    Tensor<Scalar> gradient;  ///< of a leaf; meaningful while `has_gradient`
    bool has_gradient = false;

    // The state of one traversal; empty between traversals.
    Pending<Scalar> pending;
    Destination<Scalar> destination;
    std::shared_ptr<Node> held;  ///< itself: keeps it until the traversal has passed it
    bool wanted = false;  ///< a leaf whose gradient goes to a row of a Jacobian instead of `gradient`

    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Iterative: a chain of 100,000 nodes would overflow the stack if each destroyed its input.
    ~Node() {
        PoolVector<std::shared_ptr<Node>> orphans = std::move(inputs);
        while (!orphans.empty()) {
            const std::shared_ptr<Node> node = std::move(orphans.back());
            orphans.pop_back();
            if (node.use_count() == 1) {
                for (auto& input : node->inputs)
                    orphans.push_back(std::move(input));
                node->inputs.clear();
            }
        }
    }

    [[nodiscard]] bool is_leaf() const noexcept { return !backward && !freed; }
};

[[nodiscard]] inline std::uint64_t next_sequence() noexcept {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed);
}

[[nodiscard]] inline bool& recording() noexcept {
    static thread_local bool enabled = true;
    return enabled;
}

}  // namespace detail

/// A handle to a tensor in a graph; copies refer to the same tensor, as in PyTorch.
///
/// Constants convert from `Tensor` implicitly; leaves with `requires_grad` collect a gradient; results of operations
/// on them remember their inputs.
template <class Scalar = float>
class Variable {
public:
    using value_type = Scalar;

    /// An empty constant.
    Variable() : Variable{Tensor<Scalar>{}} {}
    Variable(Tensor<Scalar> value, bool requires_grad = false)
        : node_{std::allocate_shared<detail::Node<Scalar>>(PoolAllocator<detail::Node<Scalar>>{})} {
        node_->value = std::move(value);
        node_->requires_grad = requires_grad;
        node_->sequence = detail::next_sequence();
    }
    ESPALIER_NOINLINE Variable(const Variable& other) noexcept : node_{other.node_} {}
    Variable(Variable&& other) noexcept : node_{std::move(other.node_)} {}
    Variable& operator=(Variable other) noexcept {
        node_.swap(other.node_);
        return *this;
    }
    ESPALIER_NOINLINE ~Variable() = default;

    [[nodiscard]] const Tensor<Scalar>& value() const noexcept { return node_->value; }
    /// For initialisers and optimizers, which change parameters in place. A graph that was recorded before the change
    /// and is run backward after it sees the new value.
    [[nodiscard]] Tensor<Scalar>& mutable_value() noexcept { return node_->value; }
    [[nodiscard]] const Shape& shape() const noexcept { return node_->value.shape(); }
    [[nodiscard]] Index rank() const noexcept { return node_->value.rank(); }
    [[nodiscard]] Index size(Index axis) const { return node_->value.size(axis); }
    [[nodiscard]] Index numel() const noexcept { return node_->value.numel(); }
    /// The only element. @throws ShapeError if there is more than one.
    [[nodiscard]] Scalar item() const { return node_->value.item(); }

    [[nodiscard]] bool requires_grad() const noexcept { return node_->requires_grad; }
    [[nodiscard]] bool is_leaf() const noexcept { return node_->is_leaf(); }
    /// The operation that made it, `leaf` for none.
    [[nodiscard]] const char* operation() const noexcept { return node_->operation; }

    /// The gradient that backward passes have accumulated, of the shape of the value.
    /// @throws StateError if there has been none since it was made or zeroed.
    [[nodiscard]] const Tensor<Scalar>& grad() const {
        require<StateError>(node_->has_gradient, "grad", "expected a gradient of ", node_->operation, ' ', shape(),
                            ", got none: no backward pass has reached it");
        return node_->gradient;
    }
    [[nodiscard]] Tensor<Scalar>& mutable_grad() { return const_cast<Tensor<Scalar>&>(grad()); }
    [[nodiscard]] bool has_grad() const noexcept { return node_->has_gradient; }
    /// Forgets the gradient; the next backward pass overwrites it.
    void zero_grad() noexcept { node_->has_gradient = false; }

    /// The same value as a constant: no gradient flows through it.
    [[nodiscard]] Variable detach() const { return Variable{Tensor<Scalar>{value()}}; }

    /// Gradients of this scalar with respect to all leaves below it, added to theirs. Frees the graph unless
    /// `retain_graph`. @throws ShapeError unless it has one element; StateError if nothing requires a gradient or the
    /// graph was freed.
    void backward(bool retain_graph = false) const;

    [[nodiscard]] const std::shared_ptr<detail::Node<Scalar>>& node() const noexcept { return node_; }

private:
    std::shared_ptr<detail::Node<Scalar>> node_;
};

/// While one lives, operations of this thread record nothing: for inference and for updating parameters.
class NoGrad {
public:
    NoGrad() noexcept : before_{std::exchange(detail::recording(), false)} {}
    NoGrad(const NoGrad&) = delete;
    NoGrad& operator=(const NoGrad&) = delete;
    ~NoGrad() { detail::recording() = before_; }

private:
    bool before_;
};

/// `no_grad([&] { return net(x); })`: the result of a call that records nothing.
template <std::invocable F>
decltype(auto) no_grad(F&& f) {
    const NoGrad guard;
    return std::forward<F>(f)();
}

}  // namespace espalier::inline ESPALIER_ABI::autograd

namespace espalier::inline ESPALIER_ABI {
using autograd::NoGrad;
using autograd::no_grad;
using autograd::Variable;
}  // namespace espalier::inline ESPALIER_ABI
