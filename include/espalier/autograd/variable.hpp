// SPDX-License-Identifier: MIT
/// @file A tensor that remembers how it was computed: the handle users hold, and the graph node behind it.
///
/// A node is owned by the variables that need it, so a forward pass whose result is dropped leaves nothing behind.
/// Nodes are numbered as they are made; that number is the order of the tape, and backward runs it in reverse.
#pragma once

#include <espalier/autograd/leaf_state.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

template <class Scalar>
class Gradients;

/// What a backward pass may be told.
struct BackwardOptions {
    bool retain_graph = false;  ///< keep the graph for another pass
    double scale = 1;           ///< of all gradients: 1 / k when the batches of k passes are to count as one
};

namespace detail {

[[nodiscard]] inline std::uint64_t next_sequence() noexcept {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed);
}

template <class Scalar>
struct BackwardFunction : Pooled {
    virtual ~BackwardFunction() = default;
    virtual void operator()(Gradients<Scalar>& gradients) = 0;
};

template <class Scalar>
struct Node;

/// What a node was computed from: another node, and the version that its value had then.
template <class Scalar>
struct Input {
    std::shared_ptr<Node<Scalar>> node;
    std::uint64_t version = 0;

    [[nodiscard]] Node<Scalar>* operator->() const noexcept { return node.get(); }
};

/// A step of a large model makes thousands of them, so they are small, and what a traversal looks at in every one comes first:
/// it shares a cache line with the counts of the node's owners.
template <class Scalar>
struct Node {
    std::uint64_t sequence = next_sequence();
    std::uint64_t version = 0;  ///< raised by every change of the value
    PoolVector<Input<Scalar>> inputs;
    bool requires_grad = false;
    bool result = false;        ///< of an operation, and so no leaf
    bool freed = false;         ///< a backward pass went through it and took inputs and backward with it
    bool has_gradient = false;  ///< `gradient()` means something
    bool parameter = false;     ///< a leaf that belongs to a layer
    bool orphaned = false;      ///< a leaf that belonged to a layer that is gone
    bool features = false;      ///< what a model's shared part gives to its heads
    std::atomic<bool> shown{false};                      ///< a model has it, under the name `name()`
    std::unique_ptr<BackwardFunction<Scalar>> backward;  ///< null for a leaf, and after the graph was freed
    std::unique_ptr<LeafState<Scalar>> leaf;             ///< made when the first gradient is required, or asked for
    const char* operation = "leaf";
    Tensor<Scalar> value;

    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Iterative: a chain of 100,000 nodes would overflow the stack if each destroyed its input.
    ~Node() {
        PoolVector<Input<Scalar>> orphans = std::move(inputs);
        while (!orphans.empty()) {
            const std::shared_ptr<Node> node = std::move(orphans.back().node);
            orphans.pop_back();
            if (node.use_count() == 1) {
                for (auto& input : node->inputs)
                    orphans.push_back(std::move(input));
                node->inputs.clear();
            }
        }
    }

    [[nodiscard]] bool is_leaf() const noexcept { return !result; }
    /// At a quiet time: what threads may do with parameters at once finds the state of the leaf made.
    void set_requires_grad(bool on) {
        requires_grad = on;
        if (on)
            (void)leaf_state();
    }
    [[nodiscard]] Tensor<Scalar>& gradient() { return leaf_state().gradient; }
    [[nodiscard]] SparseGradient<Scalar>& sparse_gradient() { return leaf_state().sparse_gradient; }
    [[nodiscard]] bool has_sparse_gradient() const noexcept { return has_gradient && leaf && leaf->sparse; }
    [[nodiscard]] bool has_dense_gradient() const noexcept { return has_gradient && !has_sparse_gradient(); }
    /// All elements of the gradient that may differ from 0.
    [[nodiscard]] Tensor<Scalar>& gradient_elements() { return has_sparse_gradient() ? sparse_gradient().values : gradient(); }
    /// From here on the gradient is a whole one, and this its place, which is made if there is none.
    [[nodiscard]] Tensor<Scalar>& whole_gradient() {
        Tensor<Scalar>& whole = gradient();
        if (has_sparse_gradient())
            make_dense(sparse_gradient(), value.shape(), whole);
        else if (whole.shape() != value.shape() || !whole.data())  // that of nothing may have no place
            whole = Tensor<Scalar>::empty(value.shape());
        leaf_state().sparse = false;
        return whole;
    }
    void add_sparse_gradient(SparseGradient<Scalar>&& more) {
        if (has_dense_gradient()) {
            add_to_rows(more.rows, value.shape().product(1, value.rank()), more.values.data(), gradient().data());
        } else {
            sparse_gradient() = has_gradient ? sum(sparse_gradient(), more, value.shape()) : std::move(more);
            leaf_state().sparse = has_gradient = true;
        }
    }
    [[nodiscard]] std::string& name() { return leaf_state().name; }

    /// For errors: `parameter trunk.0.weight (32, 3, 3, 1)`, `relu (8, 4)`.
    [[nodiscard]] std::string description() const {
        return parameter && shown ? concat("parameter ", leaf ? leaf->name : "", ' ', value.shape())
                                  : concat(parameter ? "parameter" : operation, ' ', value.shape());
    }

private:
    [[nodiscard]] LeafState<Scalar>& leaf_state() {
        if (!leaf)
            leaf = std::make_unique<LeafState<Scalar>>();
        return *leaf;
    }
};

[[nodiscard]] inline bool& recording() noexcept {
    static thread_local bool enabled = true;
    return enabled;
}

/// Whether operations on constants are recorded as well: for who wants to see all of a run.
[[nodiscard]] inline bool& recording_constants() noexcept {
    static thread_local bool enabled = false;
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
        node_->set_requires_grad(requires_grad);
    }
    ESPALIER_NOINLINE Variable(const Variable& other) noexcept : node_{other.node_} {}
    Variable(Variable&& other) noexcept : node_{std::move(other.node_)} {}
    Variable& operator=(Variable other) noexcept {
        node_.swap(other.node_);
        return *this;
    }
    ESPALIER_NOINLINE ~Variable() = default;

    /// A reference into the graph; of a temporary variable a tensor of its own.
    [[nodiscard]] const Tensor<Scalar>& value() const& noexcept { return node_->value; }
    [[nodiscard]] Tensor<Scalar> value() && { return node_->value; }
    /// For initialisers and optimizers, which change parameters in place. A graph that was recorded before the change
    /// refuses to run backward after it, as its gradients would be those of neither value.
    [[nodiscard]] Tensor<Scalar>& mutable_value() noexcept {
        ++node_->version;
        return node_->value;
    }
    [[nodiscard]] const Shape& shape() const& noexcept { return node_->value.shape(); }
    [[nodiscard]] Shape shape() && noexcept { return node_->value.shape(); }
    [[nodiscard]] Index rank() const noexcept { return node_->value.rank(); }
    [[nodiscard]] Index size(Index axis) const { return node_->value.size(axis); }
    [[nodiscard]] Index numel() const noexcept { return node_->value.numel(); }
    /// The only element. @throws ShapeError if there is more than one.
    [[nodiscard]] Scalar item() const { return node_->value.item(); }

    [[nodiscard]] bool requires_grad() const noexcept { return node_->requires_grad; }
    /// Whether a leaf collects a gradient from here on; one that does not forgets what it has. @throws StateError for the
    /// result of an operation.
    void set_requires_grad(bool on) {
        require<StateError>(is_leaf(), "set_requires_grad", "expected a leaf, got the result of ", operation(), ' ', node_->value.shape());
        node_->set_requires_grad(on);
        if (!on)
            zero_grad();
    }
    [[nodiscard]] bool is_leaf() const noexcept { return node_->is_leaf(); }
    /// The operation that made it, `leaf` for none.
    [[nodiscard]] const char* operation() const noexcept { return node_->operation; }

    /// The gradient that backward passes have accumulated, of the shape of the value.
    /// Of a sparse one a copy that is whole is made at each call, by one thread at a time; it stays sparse for an optimizer, unless
    /// it may be changed.
    /// @throws StateError if there has been none since it was made or zeroed.
    [[nodiscard]] const Tensor<Scalar>& grad() const& { return whole_gradient(); }
    [[nodiscard]] Tensor<Scalar> grad() && { return whole_gradient(); }
    [[nodiscard]] Tensor<Scalar>& mutable_grad() {
        require_gradient("grad");
        return node_->has_sparse_gradient() ? node_->whole_gradient() : node_->gradient();
    }
    /// Whether the gradient is one of listed rows: nothing but look-ups that were asked for it (`nn::Embedding` with `.sparse`) has
    /// added to it.
    [[nodiscard]] bool has_sparse_grad() const noexcept { return node_->has_sparse_gradient(); }
    /// @throws StateError if there is none, or a whole one
    [[nodiscard]] const SparseGradient<Scalar>& sparse_grad() const& {
        require_gradient("sparse_grad");
        require<StateError>(has_sparse_grad(), "sparse_grad", "expected a sparse gradient of ", node_->operation, ' ', shape(),
                            ", got a whole one");
        return node_->sparse_gradient();
    }
    [[nodiscard]] SparseGradient<Scalar> sparse_grad() && { return std::as_const(*this).sparse_grad(); }
    /// Adds to the gradient as a backward pass does. @throws StateError for what collects none; ShapeError unless there are as
    /// many values as elements.
    void add_grad(std::span<const Scalar> gradient) {
        require<StateError>(is_leaf() && requires_grad(), "add_grad", "expected a leaf that requires a gradient, got ", operation(), ' ',
                            node_->value.shape());
        require<ShapeError>(static_cast<Index>(gradient.size()) == numel(), "add_grad", "expected ", numel(), " values for a gradient of ",
                            node_->value.shape(), ", got ", gradient.size());
        auto& sum = node_->whole_gradient();
        if (std::exchange(node_->has_gradient, true))
            std::transform(gradient.begin(), gradient.end(), sum.begin(), sum.begin(), std::plus<>{});
        else
            std::copy(gradient.begin(), gradient.end(), sum.begin());
    }
    [[nodiscard]] bool has_grad() const noexcept { return node_->has_gradient; }
    /// Forgets the gradient; the next backward pass overwrites it.
    void zero_grad() noexcept { node_->has_gradient = false; }

    /// The same value as a constant: no gradient flows through it.
    [[nodiscard]] Variable detach() const { return Variable{Tensor<Scalar>{value()}}; }

    /// Gradients of this scalar with respect to all leaves below it, added to theirs. Frees the graph unless
    /// `retain_graph`. @throws ShapeError unless it has one element; StateError if nothing requires a gradient, the graph
    /// was freed, or a value that it was recorded with has changed.
    void backward(bool retain_graph = false) const { backward(BackwardOptions{.retain_graph = retain_graph}); }
    void backward(const BackwardOptions& options) const;

    [[nodiscard]] const std::shared_ptr<detail::Node<Scalar>>& node() const noexcept { return node_; }

private:
    void require_gradient(const char* operation) const {
        require<StateError>(node_->has_gradient, operation, "expected a gradient of ", node_->operation, ' ', shape(),
                            ", got none: no backward pass has reached it");
    }
    [[nodiscard]] Tensor<Scalar>& whole_gradient() const {
        require_gradient("grad");
        if (node_->has_sparse_gradient())
            detail::make_dense(node_->sparse_gradient(), node_->value.shape(), node_->gradient());
        return node_->gradient();
    }

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
using autograd::no_grad;
using autograd::NoGrad;
using autograd::Variable;
}  // namespace espalier::inline ESPALIER_ABI
