// SPDX-License-Identifier: MIT
/// @file What every layer offers through one function, `visit`: names of parameters, modes, state.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/nn/load_state.hpp>
#include <espalier/nn/mode.hpp>
#include <espalier/nn/parameter.hpp>

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

template <class Scalar, class Output, class Input>
class AnyLayer;

/// Walks a model. A layer shows its members to it, children included, and needs no other bookkeeping:
/// @code
/// void visit(nn::Visitor<Scalar>& v) { v("weight", weight_); v("running_mean", buffer_); v("child", child_); v.mode(mode_); }
/// @endcode
template <class Scalar>
class Visitor {
public:
    Visitor() = default;
    /// One that needs no paths and is shown everything under an empty one: nothing is allocated for them then.
    explicit Visitor(bool paths) : paths_{paths} {}
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;
    virtual ~Visitor() = default;

    void operator()(std::string_view name, Parameter<Scalar>& parameter) { on_parameter(path(name), parameter); }
    /// A buffer: part of the state, but not trained.
    void operator()(std::string_view name, Tensor<Scalar>& buffer) { on_buffer(path(name), buffer); }
    template <class Child>
        requires requires(Child& child, Visitor& visitor) { child.visit(visitor); }
    void operator()(std::string_view name, Child& child) {
        if (!paths_)
            return child.visit(*this);
        const std::size_t length = prefix_.size();
        prefix_ += std::string{name} + ".";
        child.visit(*this);
        prefix_.resize(length);
    }
    /// Whether the layer is in training or in evaluation.
    void mode(Mode& mode) { on_mode(mode); }
    void mode(bool& training) = delete;  ///< hold an `nn::Mode`: prediction overrules it and leaves the layer as it is
    /// A layer that is held as an `nn::Layer`, which shows itself before what it holds.
    void layer(AnyLayer<Scalar, Variable<Scalar>, Variable<Scalar>>& layer) { on_layer(layer); }
    /// An input by name that an encoder reads (nn/encoder.hpp).
    void input(const std::string& name) { on_input(name); }
    /// What training adds to the loss for this layer: `make()` gives a variable of one element, and is called if it is asked for.
    template <class Make>
    void penalty(const Make& make) {
        if (auto* const terms = penalties())
            terms->push_back(make());
    }

protected:
    /// The path of the layer that is being shown; empty for the model itself.
    [[nodiscard]] std::string_view place() const noexcept {
        return std::string_view{prefix_}.substr(0, prefix_.empty() ? 0 : prefix_.size() - 1);
    }

private:
    [[nodiscard]] std::string path(std::string_view name) const { return paths_ ? prefix_ + std::string{name} : std::string{}; }
    [[nodiscard]] virtual PoolVector<Variable<Scalar>>* penalties() noexcept { return nullptr; }
    virtual void on_parameter(const std::string&, Parameter<Scalar>&) {}
    virtual void on_buffer(const std::string&, Tensor<Scalar>&) {}
    virtual void on_mode(Mode&) {}
    virtual void on_layer(AnyLayer<Scalar, Variable<Scalar>, Variable<Scalar>>&) {}
    virtual void on_input(const std::string&) {}

    std::string prefix_;
    bool paths_ = true;
};

namespace detail {

/// Notes the name under which a model's parameter was asked for first. Two threads may ask at the same time.
template <class Scalar>
void show(autograd::detail::Node<Scalar>& node, const std::string& name) {
    static std::mutex mutex;
    if (node.shown.load(std::memory_order_acquire))
        return;
    const std::scoped_lock lock{mutex};
    if (!node.shown.load(std::memory_order_relaxed)) {
        node.name() = name;
        node.shown.store(true, std::memory_order_release);
    }
}

template <class Scalar>
struct CollectTensors final : Visitor<Scalar> {
    struct Entry {
        Parameter<Scalar>* parameter;  ///< null for a buffer
        Tensor<Scalar>* tensor;
        std::string same = {};  ///< another path to the same parameter, the first one; empty for the first one itself

        /// For who changes it: graphs that a parameter was recorded in are told.
        [[nodiscard]] Tensor<Scalar>& mutable_tensor() const { return parameter ? parameter->mutable_value() : *tensor; }
    };
    Named<Entry> entries;

private:
    void on_parameter(const std::string& path, Parameter<Scalar>& parameter) override {
        auto& node = *parameter.variable().node();
        show(node, path);
        const auto [first, is_first] = first_.emplace(&node, path);
        entries.insert(path, {&parameter, &node.value, is_first ? std::string{} : first->second});
    }
    void on_buffer(const std::string& path, Tensor<Scalar>& buffer) override { entries.insert(path, {nullptr, &buffer}); }

    std::unordered_map<const void*, std::string> first_;
};

template <class Scalar>
struct CollectModes final : Visitor<Scalar> {
    std::vector<Mode*> modes;

private:
    void on_mode(Mode& mode) override { modes.push_back(&mode); }
};

/// What training adds to the loss for a model's layers.
template <class Scalar>
struct CollectPenalties final : Visitor<Scalar> {
    CollectPenalties() : Visitor<Scalar>{false} {}
    PoolVector<Variable<Scalar>> terms;

private:
    [[nodiscard]] PoolVector<Variable<Scalar>>* penalties() noexcept override { return &terms; }
};

/// All tensors of a model by their dotted paths. A visit changes nothing by itself, hence the cast.
template <class Scalar, class Model>
[[nodiscard]] Named<typename CollectTensors<Scalar>::Entry> tensors_of(const Model& model) {
    CollectTensors<Scalar> collect;
    const_cast<Model&>(model).visit(collect);
    return std::move(collect.entries);
}

}  // namespace detail

/// Base that gives a layer, from its `visit`, the functions that PyTorch's modules have.
template <class Derived, class Scalar>
class Module {
public:
    using value_type = Scalar;

    /// Handles to all parameters by dotted path: `trunk.0.weight`. One that several paths lead to comes once, by the first.
    [[nodiscard]] Named<Variable<Scalar>> named_parameters() const {
        Named<Variable<Scalar>> result;
        for (const auto& [path, entry] : detail::tensors_of<Scalar>(self()))
            if (entry.parameter && entry.same.empty())
                result.insert(path, entry.parameter->variable());
        return result;
    }
    [[nodiscard]] std::vector<Variable<Scalar>> parameters() const {
        std::vector<Variable<Scalar>> result;
        for (const auto& [path, entry] : detail::tensors_of<Scalar>(self()))
            if (entry.parameter && entry.same.empty())
                result.push_back(entry.parameter->variable());
        return result;
    }
    /// Number of trainable elements.
    [[nodiscard]] Index parameter_count() const {
        Index count = 0;
        for (const auto& parameter : parameters())
            count += parameter.numel();
        return count;
    }

    /// Copies of all parameters and buffers by dotted path, under every path that leads to them.
    [[nodiscard]] Named<Tensor<Scalar>> state_dict() const {
        Named<Tensor<Scalar>> result;
        for (const auto& [path, entry] : detail::tensors_of<Scalar>(self()))
            result.insert(path, *entry.tensor);
        return result;
    }
    /// Overwrites all parameters and buffers in place, so that optimizers keep their grip; without `.strict` those that a state has under
    /// their paths and in their shapes, for a warm start. Tells what was loaded and what did not fit.
    /// @throws StateError that lists every tensor that is missing, unexpected or of another shape, without `.strict` only if nothing
    /// fits, and one that came with different values for two paths to one parameter; the model is then unchanged.
    StateReport load_state_dict(const Named<Tensor<Scalar>>& state, const LoadStateOptions& options = {}) {
        return detail::load_state(detail::tensors_of<Scalar>(self()), state, options);
    }

    /// Training mode: dropout drops, batch normalisation uses the batch. Layers are made in it; frozen ones stay in evaluation.
    void train(bool on = true) {
        detail::CollectModes<Scalar> collect;
        self().visit(collect);
        for (Mode* mode : collect.modes)
            mode->train(on);
    }
    void eval() { train(false); }

private:
    [[nodiscard]] Derived& self() noexcept { return static_cast<Derived&>(*this); }
    [[nodiscard]] const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
};

}  // namespace espalier::inline ESPALIER_ABI::nn
