// SPDX-License-Identifier: MIT
/// @file What two translation units do, one of them compiled with other flags: refuse numbers that are none, and train.
#pragma once

#include <espalier/espalier.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

inline namespace {  // each translation unit has its own, as it has its own flags

/// NaN or infinity that no compiler knows of.
template <class S>
S hidden(const char* text) {
    return static_cast<S>(std::strtod(text, nullptr));
}

template <class Error, class Call>
bool throws(const Call& call) {
    try {
        call();
    } catch (const Error&) {
        return true;
    }
    return false;
}

/// Names of the checks that let something pass, nothing if all is well.
template <class S>
std::string let_pass(const char* number) {
    using namespace espalier;
    const S bad = hidden<S>(number);
    const auto wide = static_cast<double>(bad);
    std::string passed;
    const auto refused = [&](const char* what, const auto& call) {
        if (!throws<ValueError>(call))
            passed += std::string{what} + ' ';
    };
    if (is_finite(bad) || is_finite(wide) || !is_finite(S{1}))
        passed += "is_finite ";
    if (is_nan(bad) != (number[0] == 'n'))
        passed += "is_nan ";

    nn::Linear<S> layer{2, 1};
    mtl::MultiTaskNet<S> net{nn::Sequential<S>{layer}, {{"a", nn::Linear<S>{1, 1}}}};
    mtl::MultiTaskLoss<S> criterion{{"a", losses::MSE<S>{}}};
    refused("loss", [&] {
        auto loss = criterion(net(Tensor<S>{{2, 2}, {1, bad, 1, 1}}), {{"a", Tensor<S>{{2, 1}}}});
        loss.backward();
    });
    refused("weight", [&] { criterion.set_weight("a", bad); });
    refused("rate", [&] { optim::SGD<S>{net.parameters(), {.learning_rate = wide}}; });
    refused("momentum", [&] { optim::SGD<S>{net.parameters(), {.learning_rate = 0.1, .momentum = wide}}; });
    refused("beta", [&] { optim::Adam<S>{net.parameters(), {.beta1 = wide}}; });
    refused("delta", [&] { (void)losses::Huber{{.delta = wide}}; });
    refused("smoothing", [&] { losses::CrossEntropy<S>{{.label_smoothing = wide}}; });
    refused("dropout", [&] { (void)nn::Dropout{wide}; });
    refused("gradients", [&] {
        auto loss = criterion(net(Tensor<S>{{2, 2}}), {{"a", Tensor<S>{{2, 1}}}});
        loss.backward();
        auto parameters = net.parameters();
        for (auto& parameter : parameters)
            parameter.mutable_grad().fill(bad);
        (void)optim::clip_grad_norm(parameters, 1.0);
    });
    refused("statistics", [&] { (void)nn::BatchNorm<S>{1}(Variable<S>{Tensor<S>{{2, 1}, {bad, 1}}}); });
    return passed;
}

/// A number for all the bits of the weights after some steps, with products of all kinds in `S`.
template <class S>
std::uint64_t train() {
    using namespace espalier;
    manual_seed(1);
    nn::Sequential<S> trunk{
        nn::Conv2d<S>{1, 5, 3, {.padding = 1}}, nn::BatchNorm<S>{5}, nn::ReLU{}, nn::Flatten{}, nn::Linear<S>{5 * 36, 33}, nn::Tanh{}};
    mtl::MultiTaskNet<S> net{std::move(trunk), {{"a", nn::Linear<S>{33, 7}}, {"b", nn::Linear<S>{33, 1}}}};
    mtl::MultiTaskLoss<S> criterion{{"a", losses::CrossEntropy<S>{}}, {"b", losses::MSE<S>{}}};
    optim::Adam<S> adam{net.parameters()};
    Random random{2};
    const auto input = Tensor<S>::normal({10, 6, 6, 1}, random);
    const losses::Targets<S> targets{{"a", Tensor<Index>{{10}, {0, 1, 2, 3, 4, 5, 6, 0, 1, 2}}}, {"b", Tensor<S>::normal({10, 1}, random)}};
    for (int step = 0; step < 5; ++step) {
        auto loss = criterion(net(input), targets);
        adam.zero_grad();
        loss.backward();
        adam.step();
    }
    std::uint64_t hash = 1469598103934665603U;
    for (const auto& parameter : net.parameters())
        for (const S weight : parameter.value()) {
            std::uint64_t bits = 0;
            std::memcpy(&bits, &weight, sizeof weight);
            hash = (hash ^ bits) * 1099511628211U;
        }
    return hash;
}

}  // namespace
