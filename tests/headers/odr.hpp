// SPDX-License-Identifier: MIT
/// @file What both translation units of the test do: train a small net and return its last loss.
#pragma once

#include <espalier/espalier.hpp>

#include <utility>

inline namespace {  // each translation unit has its own, as it has its own instruction set

float train() {
    using namespace espalier;
    nn::Sequential trunk{nn::Conv2d{1, 4, 3, {.padding = 1}}, nn::ReLU{}, nn::Flatten{}};
    mtl::MultiTaskNet net{std::move(trunk), {{"a", nn::Linear{64, 2}}, {"b", nn::Linear{64, 3}}}};
    for (auto parameter : net.parameters())
        parameter.mutable_value().fill(0.01f);
    mtl::MultiTaskLoss criterion{{"a", losses::CrossEntropy{}}, {"b", losses::CrossEntropy{}}};
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.1}};
    const auto input = Tensor<float>::arange(32).reshape({2, 4, 4, 1});
    const losses::Targets<> targets{{"a", Tensor<Index>{{2}, {0, 1}}}, {"b", Tensor<Index>{{2}, {2, 1}}}};
    float last = 0;
    for (int step = 0; step < 3; ++step) {
        auto loss = criterion(net(input), targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
        last = loss.item();
    }
    return last;
}

}  // namespace
