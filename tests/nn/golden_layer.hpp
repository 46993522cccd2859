// SPDX-License-Identifier: MIT
/// @file A layer beside PyTorch's: values and gradients of inputs and parameters, from a golden file.
#pragma once

#include <espalier/io/safetensors.hpp>

#include "nn/testing.hpp"

#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace testing {

/// A file of tests/golden, read once.
inline const espalier::io::TensorFile& golden_file(const std::string& name) {
    static std::map<std::string, espalier::io::TensorFile> files;
    const auto found = files.find(name);
    return found != files.end()
               ? found->second
               : files.emplace(name, espalier::io::load_safetensors(ESPALIER_GOLDEN_DIR "/" + name + ".safetensors")).first->second;
}

/// `call(layer, inputs)` gives what PyTorch's layer of that case does, and its gradients.
template <class T, class Layer, class Call>
void same_as_pytorch(const std::string& file, const std::string& key, Layer layer, const Call& call, double of_floats = 1e-5) {
    CAPTURE(key);
    const auto& golden = golden_file(file);
    const double tolerance = std::is_same_v<T, double> ? 1e-10 : of_floats;
    auto parameters = layer.named_parameters();
    for (auto& [name, parameter] : parameters)
        parameter.mutable_value() = golden.get<T>(key + "/parameter/" + name);
    std::vector<Variable<T>> inputs;
    while (golden.contains(key + "/input" + std::to_string(inputs.size())))
        inputs.emplace_back(golden.get<T>(key + "/input" + std::to_string(inputs.size())), true);
    const Variable<T> y = call(layer, inputs);
    require_close(y.value(), golden.get<T>(key + "/output"), tolerance);
    sum(y * Variable<T>{golden.get<T>(key + "/cotangent")}).backward();
    for (std::size_t i = 0; i < inputs.size(); ++i)
        require_close(inputs[i].grad(), golden.get<T>(key + "/input_gradient" + std::to_string(i)), tolerance);
    for (auto& [name, parameter] : parameters)
        require_close(parameter.grad(), golden.get<T>(key + "/gradient/" + name), tolerance);
}

}  // namespace testing
