// SPDX-License-Identifier: MIT
/// @file What every layer offers through one function, `visit`: names of parameters, modes, state.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/nn/parameter.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// Walks a model. A layer shows its members to it, children included, and needs no other bookkeeping:
/// @code
/// void visit(nn::Visitor<Scalar>& v) { v("weight", weight_); v("running_mean", buffer_); v("child", child_); v.mode(training_); }
/// @endcode
template <class Scalar>
class Visitor {
public:
    Visitor() = default;
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;
    virtual ~Visitor() = default;

    void operator()(std::string_view name, Parameter<Scalar>& parameter) { on_parameter(path(name), parameter); }
    /// A buffer: part of the state, but not trained.
    void operator()(std::string_view name, Tensor<Scalar>& buffer) { on_buffer(path(name), buffer); }
    template <class Child>
        requires requires(Child& child, Visitor& visitor) { child.visit(visitor); }
    void operator()(std::string_view name, Child& child) {
        const std::size_t length = prefix_.size();
        prefix_ += std::string{name} + ".";
        child.visit(*this);
        prefix_.resize(length);
    }
    /// A flag that is true in training and false in evaluation.
    void mode(bool& training) { on_mode(training); }

private:
    [[nodiscard]] std::string path(std::string_view name) const { return prefix_ + std::string{name}; }
    virtual void on_parameter(const std::string&, Parameter<Scalar>&) {}
    virtual void on_buffer(const std::string&, Tensor<Scalar>&) {}
    virtual void on_mode(bool&) {}

    std::string prefix_;
};

namespace detail {

template <class Scalar>
struct CollectTensors final : Visitor<Scalar> {
    struct Entry {
        Parameter<Scalar>* parameter;  ///< null for a buffer
        Tensor<Scalar>* tensor;
    };
    Named<Entry> entries;

private:
    void on_parameter(const std::string& path, Parameter<Scalar>& parameter) override {
        entries.insert(path, {&parameter, &parameter.mutable_value()});
    }
    void on_buffer(const std::string& path, Tensor<Scalar>& buffer) override { entries.insert(path, {nullptr, &buffer}); }
};

template <class Scalar>
struct CollectModes final : Visitor<Scalar> {
    std::vector<bool*> modes;

private:
    void on_mode(bool& training) override { modes.push_back(&training); }
};

/// All tensors of a model by their dotted paths. A visit changes nothing by itself, hence the cast.
template <class Scalar, class Model>
[[nodiscard]] Named<typename CollectTensors<Scalar>::Entry> tensors_of(const Model& model) {
    CollectTensors<Scalar> collect;
    const_cast<Model&>(model).visit(collect);
    return std::move(collect.entries);
}

}  // namespace detail

/// Puts all layers of a model into evaluation mode and, at the end of the scope, back into the mode each was in.
template <class Scalar>
class EvalScope {
public:
    template <class Model>
    explicit EvalScope(Model& model) {
        detail::CollectModes<Scalar> collect;
        model.visit(collect);
        for (bool* mode : collect.modes)
            before_.emplace_back(mode, std::exchange(*mode, false));
    }
    EvalScope(const EvalScope&) = delete;
    EvalScope& operator=(const EvalScope&) = delete;
    ~EvalScope() {
        for (const auto& [mode, value] : before_)
            *mode = value;
    }

private:
    std::vector<std::pair<bool*, bool>> before_;
};

/// Base that gives a layer, from its `visit`, the functions that PyTorch's modules have.
template <class Derived, class Scalar>
class Module {
public:
    using value_type = Scalar;

    /// Handles to all parameters by dotted path: `trunk.0.weight`.
    [[nodiscard]] Named<Variable<Scalar>> named_parameters() const {
        Named<Variable<Scalar>> result;
        for (const auto& [path, entry] : detail::tensors_of<Scalar>(self()))
            if (entry.parameter)
                result.insert(path, entry.parameter->variable());
        return result;
    }
    [[nodiscard]] std::vector<Variable<Scalar>> parameters() const {
        std::vector<Variable<Scalar>> result;
        for (const auto& [path, entry] : detail::tensors_of<Scalar>(self()))
            if (entry.parameter)
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

    /// Copies of all parameters and buffers by dotted path.
    [[nodiscard]] Named<Tensor<Scalar>> state() const {
        Named<Tensor<Scalar>> result;
        for (const auto& [path, entry] : detail::tensors_of<Scalar>(self()))
            result.insert(path, *entry.tensor);
        return result;
    }
    /// Overwrites all parameters and buffers in place, so that optimizers keep their grip. @throws StateError that lists
    /// every tensor that is missing, unexpected or of another shape; the model is then unchanged.
    void load_state(const Named<Tensor<Scalar>>& state) {
        const auto own = detail::tensors_of<Scalar>(self());
        std::string problems;
        for (const auto& [path, entry] : own)
            if (!state.contains(path))
                problems += concat("; missing ", path);
            else if (state.at(path).shape() != entry.tensor->shape())
                problems += concat("; ", path, " of shape ", entry.tensor->shape(), " came as ", state.at(path).shape());
        for (const auto& [path, tensor] : state)
            if (!own.contains(path))
                problems += concat("; unexpected ", path);
        require<StateError>(problems.empty(), "load_state", "expected the tensors of this model, got others",
                            problems);
        for (const auto& [path, entry] : own)
            std::copy(state.at(path).begin(), state.at(path).end(), entry.tensor->begin());
    }

    /// Training mode: dropout drops, batch normalisation uses the batch. Layers are made in it.
    void train(bool on = true) {
        detail::CollectModes<Scalar> collect;
        self().visit(collect);
        for (bool* mode : collect.modes)
            *mode = on;
    }
    void eval() { train(false); }

private:
    [[nodiscard]] Derived& self() noexcept { return static_cast<Derived&>(*this); }
    [[nodiscard]] const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
};

}  // namespace espalier::inline ESPALIER_ABI::nn
