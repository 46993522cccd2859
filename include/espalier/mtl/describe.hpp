// SPDX-License-Identifier: MIT
/// @file Which task of a net uses which parameters, and how many products that takes: found out by a run, whatever the way of sharing.
#pragma once

#include <espalier/io/operation_kind.hpp>
#include <espalier/io/recorded_graph.hpp>
#include <espalier/mtl/description.hpp>
#include <espalier/mtl/multi_task_net.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// How much `describe` tells.
struct DescribeOptions {
    std::size_t depth = 2;  ///< names of a path that parts are told apart by at least: `trunk.0`; more only where tasks differ
};

namespace detail {

using io::detail::GraphStep;

/// The products of a step for one sample, 0 for all but convolutions, linear layers and matrix products. Of a convolution in one pass
/// with pooling the pixels that windows have left over are not among them.
[[nodiscard]] inline Index multiply_adds_of(const std::vector<GraphStep>& steps, const GraphStep& step) {
    using io::detail::OperationKind;
    if (step.inputs.size() < 2)
        return 0;
    const Shape& weight = steps[step.inputs[1]].shape;
    const Index results = step.shape.numel() / io::detail::recorded_samples;
    switch (io::detail::kind_of(step.operation)) {
        case OperationKind::convolution: {
            const bool pooled = std::string_view{step.operation}.find("max_pool2d") != std::string_view::npos;
            return results * (pooled ? 4 : 1) * weight.product(1, 4);
        }
        case OperationKind::linear: return results * weight[1];
        case OperationKind::matmul: return results * weight[0];
        default: return 0;
    }
}

/// Joins parameters [first, last) of one beginning into parts: those that the same tasks need, told apart by `depth` names at least.
inline void join_parts(std::span<const Description::Part> parameters, std::size_t names, std::size_t depth,
                       std::vector<Description::Part>& parts) {
    const auto beginning = [](const std::string& path, std::size_t count) {
        std::size_t end = 0;
        for (; count > 0 && end != std::string::npos; --count)
            end = path.find('.', end == 0 ? 0 : end + 1);
        return path.substr(0, end);
    };
    for (std::size_t first = 0; first < parameters.size();) {
        Description::Part part = parameters[first];
        part.path = beginning(part.path, names);
        std::size_t last = first + 1;
        bool alike = true;
        for (; last < parameters.size() && beginning(parameters[last].path, names) == part.path; ++last) {
            alike &= parameters[last].tasks == part.tasks && parameters[last].frozen == part.frozen;
            part.parameters += parameters[last].parameters;
            part.multiply_adds += parameters[last].multiply_adds;
        }
        const bool whole = last == first + 1 && part.path == parameters[first].path;
        if (whole || (alike && names >= depth))
            parts.push_back(std::move(part));
        else
            join_parts(parameters.subspan(first, last - first), names + 1, depth, parts);
        first = last;
    }
}

/// What the outputs that `run` gives were made of. The net is recorded meanwhile, frozen parts too, and as before afterwards.
template <class Scalar, class Run>
[[nodiscard]] Description describe_run(const MultiTaskNet<Scalar>& net, std::size_t depth, const Run& run) {
    std::vector<nn::Parameter<Scalar>*> leaves;
    std::vector<Description::Part> parameters;
    const std::size_t tasks = net.tasks().size();
    for (const auto& [path, entry] : nn::detail::tensors_of<Scalar>(net))
        if (entry.parameter && entry.same.empty()) {
            const auto& leaf = entry.parameter->variable();
            leaves.push_back(entry.parameter);
            parameters.push_back({path, leaf.numel(), 0, std::vector<bool>(tasks), !leaf.requires_grad()});
        }

    const io::detail::RecordingScope<Scalar> recording{leaves};
    const nn::EvalScope evaluation;
    const Outputs<Scalar> outputs = run(const_cast<MultiTaskNet<Scalar>&>(net));  // which changes nothing now, as in `predict`
    const auto made_of = [places = io::detail::places_of(leaves)](const std::vector<Variable<Scalar>>& which) {
        return io::detail::steps_to(
            which, [](const auto&) { return false; }, places);  // inputs are constants like others
    };
    Description result;
    std::vector<Variable<Scalar>> all;
    for (const auto& [task, output] : outputs) {
        const auto steps = made_of({output});
        Description::Task& of_task = result.tasks.emplace_back(Description::Task{task});
        for (const auto& step : steps) {
            of_task.multiply_adds += multiply_adds_of(steps, step);
            if (step.is_parameter()) {
                of_task.parameters += step.shape.numel();
                parameters[step.tensor].tasks[result.tasks.size() - 1] = true;
            }
        }
        all.push_back(output);
    }
    const auto steps = made_of(all);
    for (const auto& step : steps) {
        const Index count = multiply_adds_of(steps, step);
        result.multiply_adds += count;
        if (count > 0 && steps[step.inputs[1]].is_parameter())
            parameters[steps[step.inputs[1]].tensor].multiply_adds += count;
    }
    for (const auto& parameter : parameters)
        result.parameters += parameter.parameters;
    join_parts(parameters, 1, depth, result.parts);
    return result;
}

}  // namespace detail

/// What a net is made of, for samples of a shape: `std::cout << mtl::describe(net, {36, 36, 1});`
///
/// It is seen in a run on zeros in evaluation mode, and so holds for any way of sharing: a task needs a parameter if its output was made
/// with it. The net is as before afterwards. A parameter that no output was made with is told with no task.
/// @throws what a layer throws, a ShapeError with the shape of the sample
template <class Scalar>
[[nodiscard]] Description describe(const MultiTaskNet<Scalar>& net, const Shape& sample, const DescribeOptions& options = {}) {
    const Variable<Scalar> input{Tensor<Scalar>{sample.prepended(io::detail::recorded_samples)}, true};
    try {
        return detail::describe_run(net, options.depth, [&](MultiTaskNet<Scalar>& self) { return self(input); });
    } catch (ShapeError& error) {
        error.append(concat(", for samples of shape ", sample));
        throw;
    }
}

/// The same for inputs by name, of which the first sample is run. @throws as above; ValueError without a sample
template <class Scalar>
[[nodiscard]] Description describe(const MultiTaskNet<Scalar>& net, const data::Inputs<Scalar>& inputs,
                                   const DescribeOptions& options = {}) {
    require<ValueError>(data::size_of(inputs) > 0, "describe", "expected a sample, got none");
    const std::array<Index, io::detail::recorded_samples> first{};
    const auto samples = inputs.map([&](const auto&, const data::Input<Scalar>& input) { return input.gather(first); });
    return detail::describe_run(net, options.depth, [&](MultiTaskNet<Scalar>& self) { return self(samples); });
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
