// SPDX-License-Identifier: MIT
// Prints a number for all the bits of the weights after twenty steps of a network with awkward extents.
#include <espalier/espalier.hpp>

#include <cstdint>
#include <cstdio>
#include <cstring>

using namespace espalier;

int main() {
    manual_seed(1);
    nn::Sequential trunk{nn::Conv2d{1, 10, 5},
                         nn::MaxPool2d{2},
                         nn::ReLU{},
                         nn::Conv2d{10, 20, 5},
                         nn::ReLU{},
                         nn::Conv2d{20, 33, 3, {.stride = 2, .padding = 1}},
                         nn::BatchNorm{33},
                         nn::ReLU{},
                         nn::Conv2d{33, 33, 3, {.padding = 1, .groups = 33}},
                         nn::MaxPool2d{3, {.stride = 1, .padding = 1}},
                         nn::Conv2d{33, 90, 3, {.padding = 1}},
                         nn::BatchNorm{90},
                         nn::AvgPool2d{3, {.stride = 1, .padding = 1}},
                         nn::ReLU{},
                         nn::MaxPool2d{2},
                         nn::Flatten{},
                         nn::Linear{90 * 2 * 2, 77},
                         nn::ReLU{}};
    mtl::MultiTaskNet net{std::move(trunk), {{"left", nn::Linear{77, 10}}, {"right", nn::Linear{77, 3}}}};
    const mtl::MultiTaskLoss criterion{{"left", losses::CrossEntropy{}}, {"right", losses::MSE{}}};
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 1e-4}};
    Random random{2};
    const auto images = Tensor<float>::uniform({70, 28, 28, 1}, random);
    Tensor<Index> labels{Shape{70}};
    for (Index& label : labels)
        label = random.below(10);
    const auto values = Tensor<float>::uniform({70, 3}, random);
    for (int step = 0; step < 20; ++step) {
        const auto loss = criterion(net(images), {{"left", labels}, {"right", values}});
        sgd.zero_grad();
        loss.backward();
        sgd.step();
    }
    std::uint64_t hash = 1469598103934665603U;
    for (const auto& parameter : net.parameters())
        for (const float weight : parameter.value()) {
            std::uint32_t bits = 0;
            std::memcpy(&bits, &weight, sizeof bits);
            hash = (hash ^ bits) * 1099511628211U;
        }
    std::printf("%016llx\n", static_cast<unsigned long long>(hash));
}
