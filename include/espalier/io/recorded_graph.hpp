// SPDX-License-Identifier: MIT
/// @file What a model does with a sample, as a list: one run in evaluation mode, and the tape that it leaves.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/data/inputs.hpp>
#include <espalier/nn/mode.hpp>
#include <espalier/nn/module.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// How many samples a run has: two, so that the axis of the batch is not one of those that broadcast.
inline constexpr Index recorded_samples = 2;

/// One value of a run: an input, a parameter, a constant, or what an operation made of values before it.
struct GraphStep {
    static constexpr auto none = static_cast<std::size_t>(-1);

    const char* operation = "leaf";
    Shape shape;
    std::vector<std::size_t> inputs;  ///< of the operation, as positions in the list
    std::size_t tensor = none;        ///< position of a parameter in the model's list of tensors
    bool is_input = false;

    [[nodiscard]] bool is_conv1d() const { return operation == std::string_view{"conv1d"}; }
    [[nodiscard]] bool is_computed() const noexcept { return !inputs.empty(); }
    [[nodiscard]] bool is_parameter() const noexcept { return tensor != none; }
    /// A constant with a batch axis: made of the input behind the tape's back, by `detach` or in `no_grad`.
    [[nodiscard]] bool is_cut() const {
        return !is_computed() && !is_parameter() && !is_input && shape.rank() > 1 && shape[0] == recorded_samples;
    }
    /// Anything but a constant of the user's, which lies as it lies here.
    [[nodiscard]] bool has_order() const { return is_computed() || is_parameter() || is_input || is_cut(); }
};

/// Whether a value is a sequence that PyTorch has with its channels first, as convolutions there ask for it.
[[nodiscard]] inline bool is_convolved(const std::vector<GraphStep>& steps, std::size_t i) {
    return std::any_of(steps.begin(), steps.end(),
                       [i](const GraphStep& step) { return step.is_conv1d() && step.is_computed() && step.inputs[0] == i; });
}

/// While one lives, this thread records, each layer for itself; the frozen ones among these parameters record as well, and if asked for
/// constants.
template <class Scalar>
class RecordingScope {
public:
    explicit RecordingScope(const std::vector<nn::Parameter<Scalar>*>& parameters, bool constants = false) {
        for (const nn::Parameter<Scalar>* parameter : parameters)
            if (parameter && !parameter->variable().requires_grad())
                frozen_.push_back(parameter->variable());
        for (const Variable<Scalar>& leaf : frozen_)
            leaf.node()->requires_grad = true;
        recording_ = std::exchange(autograd::detail::recording(), true);
        apart_ = std::exchange(nn::detail::layers_apart(), true);
        constants_ = std::exchange(autograd::detail::recording_constants(), constants);
    }
    RecordingScope(const RecordingScope&) = delete;
    RecordingScope& operator=(const RecordingScope&) = delete;
    ~RecordingScope() {
        for (const Variable<Scalar>& leaf : frozen_)
            leaf.node()->requires_grad = false;
        autograd::detail::recording() = recording_;
        nn::detail::layers_apart() = apart_;
        autograd::detail::recording_constants() = constants_;
    }

private:
    std::vector<Variable<Scalar>> frozen_;
    bool recording_ = true;
    bool apart_ = false;
    bool constants_ = false;
};

/// The node at input i of a node: the one place that knows how nodes hold their inputs.
template <class Scalar>
[[nodiscard]] const autograd::detail::Node<Scalar>* input_of(const autograd::detail::Node<Scalar>& node, std::size_t i) {
    return node.inputs[i].node.get();
}

/// All variables of an output: one, or named or unnamed ones of a net with heads.
template <class Scalar>
void gather_outputs(const Variable<Scalar>& output, std::vector<Variable<Scalar>>& all) {
    all.push_back(output);
}
template <class Scalar, class Range>
void gather_outputs(const Range& outputs, std::vector<Variable<Scalar>>& all) {
    for (const auto& output : outputs)
        if constexpr (requires { output.second; })
            gather_outputs(output.second, all);
        else
            gather_outputs(output, all);
}

/// What `outputs` were made of, in the order of the tape. `tensors` are the positions of the parameters' leaves, and `is_input(node)`
/// says which of the other leaves are inputs.
template <class Scalar, class IsInput>
[[nodiscard]] std::vector<GraphStep> steps_to(const std::vector<Variable<Scalar>>& outputs, const IsInput& is_input,
                                              const std::unordered_map<const autograd::detail::Node<Scalar>*, std::size_t>& tensors) {
    using Node = autograd::detail::Node<Scalar>;
    std::unordered_map<const Node*, std::size_t> place;
    std::vector<const Node*> nodes;
    const auto reach = [&](const Node* node) {
        if (place.emplace(node, 0).second)
            nodes.push_back(node);
    };
    for (const auto& output : outputs)
        reach(output.node().get());
    for (std::size_t next = 0; next < nodes.size(); ++next)
        for (std::size_t i = 0; i < nodes[next]->inputs.size(); ++i)
            reach(input_of(*nodes[next], i));
    std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->sequence < b->sequence; });
    for (std::size_t i = 0; i < nodes.size(); ++i)
        place[nodes[i]] = i;
    std::vector<GraphStep> steps(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const Node& node = *nodes[i];
        steps[i].operation = node.operation;
        steps[i].shape = node.value.shape();
        for (std::size_t k = 0; k < node.inputs.size(); ++k)
            steps[i].inputs.push_back(place.at(input_of(node, k)));
        if (const auto tensor = tensors.find(&node); tensor != tensors.end())
            steps[i].tensor = tensor->second;
        else
            steps[i].is_input = node.inputs.empty() && is_input(node);
    }
    return steps;
}

/// The positions of a model's parameters in its list of tensors, which has a null for each buffer.
template <class Scalar>
[[nodiscard]] std::unordered_map<const autograd::detail::Node<Scalar>*, std::size_t> places_of(
    const std::vector<nn::Parameter<Scalar>*>& parameters) {
    std::unordered_map<const autograd::detail::Node<Scalar>*, std::size_t> places;
    for (std::size_t i = 0; i < parameters.size(); ++i)
        if (parameters[i])
            places.emplace(parameters[i]->variable().node().get(), i);
    return places;
}

/// The steps of a run on samples of zeros of `shape`, in evaluation mode; the model is as before afterwards. `parameters`
/// has a null for each of the model's tensors that is a buffer. @throws what a layer throws; a ShapeError tells the shape too
template <class Scalar, class Model>
[[nodiscard]] std::vector<GraphStep> recorded_run(Model& model, const std::vector<nn::Parameter<Scalar>*>& parameters, const Shape& shape) {
    const RecordingScope<Scalar> recording{parameters};
    const nn::EvalScope evaluation;
    const Variable<Scalar> input{Tensor<Scalar>{shape.prepended(recorded_samples)}, true};
    std::vector<Variable<Scalar>> outputs;
    try {
        gather_outputs<Scalar>(model(input), outputs);
    } catch (ShapeError& error) {
        error.append(concat(", for samples of shape ", shape));
        throw;
    }
    return steps_to(
        outputs, [&](const auto& node) { return &node == input.node().get(); }, places_of(parameters));
}

/// The same of a model of inputs by name, on the first of these samples. A leaf with the bytes of an input is one; those that are
/// missing, NaN, are 0 here. @throws what a layer throws
template <class Scalar, class Model>
[[nodiscard]] std::vector<GraphStep> recorded_run(Model& model, const std::vector<nn::Parameter<Scalar>*>& parameters,
                                                  const data::Inputs<Scalar>& samples) {
    const std::vector<Index> first(recorded_samples, 0);
    const auto inputs = samples.map([&](const std::string&, const data::Input<Scalar>& input) {
        if (input.kind() != data::InputKind::numbers)
            return input.gather(first);
        Tensor<Scalar> values = input.values().gather(first);
        std::replace_if(
            values.begin(), values.end(), [](Scalar value) { return is_nan(value); }, Scalar(0));
        return data::Input<Scalar>{std::move(values)};
    });
    const auto is_input = [&](const autograd::detail::Node<Scalar>& node) {
        return std::any_of(inputs.begin(), inputs.end(), [&](const auto& entry) {
            const data::Input<Scalar>& input = entry.second;
            return input.kind() == data::InputKind::numbers &&
                   std::equal(input.values().begin(), input.values().end(), node.value.begin(), node.value.end());
        });
    };
    const RecordingScope<Scalar> recording{parameters, /*constants*/ true};
    const nn::EvalScope evaluation;
    std::vector<Variable<Scalar>> outputs;
    gather_outputs<Scalar>(model(inputs), outputs);
    return steps_to(outputs, is_input, places_of(parameters));
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
