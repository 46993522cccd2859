// SPDX-License-Identifier: MIT
// What a consumer project builds: a trunk with two heads and two different losses, trained for some steps.
#include <espalier/espalier.hpp>

#include <iostream>
#include <utility>

using namespace espalier;

int main() {
    manual_seed(1);
    nn::Sequential trunk{nn::Linear{4, 8}, nn::ReLU{}};
    mtl::MultiTaskNet net{std::move(trunk), {{"class", nn::Linear{8, 3}}, {"value", nn::Linear{8, 1}}}};
    mtl::MultiTaskLoss criterion{{"class", losses::CrossEntropy{}}, {"value", losses::MSE{}}};
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.05, .momentum = 0.9}};

    Random random{2};
    const auto input = Tensor<float>::normal({6, 4}, random);
    const losses::Targets<> targets{{"class", Tensor<Index>{{6}, {0, 1, 2, 0, 1, 2}}}, {"value", Tensor<float>::normal({6, 1}, random)}};
    float first = 0;
    float last = 0;
    for (int step = 0; step < 20; ++step) {
        auto loss = criterion(net(input), targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
        last = loss.item();
        if (step == 0)
            first = last;
    }
    std::cout << build_info().text() << "\nloss " << first << " -> " << last << '\n';
    return last < first ? 0 : 1;
}
