// SPDX-License-Identifier: MIT
/// @file A layer against what PyTorch made of the same inputs and parameters.
#pragma once

#include <espalier/io/safetensors.hpp>

#include "nn/testing.hpp"

#include <string>
#include <type_traits>
#include <vector>

namespace testing {

/// `call(layer, inputs)` gives what `<file>.safetensors` has of a case, and its gradients.
template <class T, class Layer, class Call>
void same_as_golden(const std::string& file, const std::string& key, Layer layer, const Call& call) {
    CAPTURE(key);
    const auto golden = espalier::io::load_safetensors(std::string{ESPALIER_GOLDEN_DIR "/"} + file + ".safetensors");
    const double tolerance = std::is_same_v<T, double> ? 1e-10 : 1e-4;
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
