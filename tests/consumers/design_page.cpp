// SPDX-License-Identifier: MIT
// The program of the design page, section 3, as it is printed there, with a loader before it and a check behind it.
#include <espalier/espalier.hpp>
using namespace espalier;

#include <cmath>
#include <iostream>

namespace {

/// Squares of different brightness: two batches of two images of 128 x 128 and a label for each of two tasks.
data::DataLoader<> make_loader() {
    Tensor<float> images{Shape{4, 128, 128, 1}};
    for (Index n = 0; n < 4; ++n)
        for (Index y = 0; y < 64; ++y)
            for (Index x = 0; x < 64; ++x)
                images.at(n, y + 32 * (n % 2), x + 32 * (n / 2), 0) = 1;
    const Tensor<Index> left{{4}, {0, 1, 0, 1}};
    const Tensor<Index> right{{4}, {5, 5, 7, 7}};
    return data::DataLoader{data::Dataset{images, {{"left", left}, {"right", right}}}, {.batch_size = 2}};
}

}  // namespace

int main() {
    auto loader = make_loader();

    // --- from the design page ---
    nn::Sequential trunk{nn::Conv2d{1, 32, 3, {.padding = 1}},
                         nn::ReLU{},
                         nn::MaxPool2d{2},
                         nn::Conv2d{32, 64, 3, {.padding = 1}},
                         nn::ReLU{},
                         nn::MaxPool2d{2},
                         nn::Conv2d{64, 128, 3, {.padding = 1}},
                         nn::ReLU{},
                         nn::MaxPool2d{2},
                         nn::Flatten{},
                         nn::Linear{128 * 16 * 16, 1024},
                         nn::ReLU{}};
    mtl::MultiTaskNet net{std::move(trunk), {{"left", nn::Linear{1024, 10}}, {"right", nn::Linear{1024, 10}}}};
    mtl::MultiTaskLoss criterion{{"left", losses::CrossEntropy{}}, {"right", losses::CrossEntropy{}}};  // L = Σ L_Ti
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.001, .momentum = 0.9}};

    for (const auto& batch : loader) {
        auto loss = criterion(net(batch.input), batch.targets);
        sgd.zero_grad();
        loss.backward();                           // the same line for every balancing rule
        sgd.step();
    }
    // --- to here ---

    const auto batch = *loader.begin();
    const auto loss = criterion(net(batch.input), batch.targets);
    std::cout << "left " << loss.item("left") << ", right " << loss.item("right") << '\n';
    return std::isfinite(loss.item()) && loss.item() < 2 * std::log(10.0f) ? 0 : 1;
}
