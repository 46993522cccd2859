// SPDX-License-Identifier: MIT
/// @file Whole training steps, each timed: forward, the losses of two tasks, backward, SGD with momentum.
///
/// `pytorch/training_step.py` and `dlib/training_step.cpp` do the same; `compare` runs all of them in turns.

#include "steps.hpp"

#include <espalier/espalier.hpp>

#include <iostream>

using namespace espalier;

namespace {

/// Three convolutions of 32, 64 and 128 filters, each halving the image, and 1,024 shared features.
mtl::MultiTaskNet<> reference_network(Index side) {
    const Index last = side / 8;
    nn::Sequential trunk{nn::Conv2d{1, 32, 3, {.padding = 1}},   nn::ReLU{}, nn::MaxPool2d{2},
                         nn::Conv2d{32, 64, 3, {.padding = 1}},  nn::ReLU{}, nn::MaxPool2d{2},
                         nn::Conv2d{64, 128, 3, {.padding = 1}}, nn::ReLU{}, nn::MaxPool2d{2},
                         nn::Flatten{}, nn::Linear{128 * last * last, 1024}, nn::ReLU{}};
    return {std::move(trunk), {{"left", nn::Linear{1024, 10}}, {"right", nn::Linear{1024, 10}}}};
}

/// MultiLeNet (Sener and Koltun, NeurIPS 2018) without its dropout masks: 27,450 parameters for 28 x 28.
mtl::MultiTaskNet<> lenet(Index side) {
    const Index last = ((side - 4) / 2 - 4) / 2;
    nn::Sequential trunk{nn::Conv2d{1, 10, 5},  nn::MaxPool2d{2}, nn::ReLU{},
                         nn::Conv2d{10, 20, 5}, nn::MaxPool2d{2}, nn::ReLU{},
                         nn::Flatten{}, nn::Linear{20 * last * last, 50}, nn::ReLU{}};
    return {std::move(trunk), {{"left", nn::Sequential{nn::Linear{50, 50}, nn::ReLU{}, nn::Linear{50, 10}}},
                               {"right", nn::Sequential{nn::Linear{50, 50}, nn::ReLU{}, nn::Linear{50, 10}}}}};
}

/// A 3x3 convolution of each channel, then a 1x1 convolution of all (MobileNet; Howard et al., 2017).
void add_separable(nn::Sequential<>& layers, Index in, Index out, Index stride) {
    layers.add(nn::Conv2d{in, in, 3, {.stride = stride, .padding = 1, .groups = in, .bias = false}});
    layers.add(nn::BatchNorm{in});
    layers.add(nn::ReLU{});
    layers.add(nn::Conv2d{in, out, 1, {.bias = false}});
    layers.add(nn::BatchNorm{out});
    layers.add(nn::ReLU{});
}

/// Separable convolutions with batch normalisation, and heads that classify each of (side / 4)^2 pixels.
mtl::MultiTaskNet<> separable_network() {
    nn::Sequential trunk{nn::Conv2d{1, 32, 3, {.padding = 1, .bias = false}}, nn::BatchNorm{32}, nn::ReLU{},
                         nn::MaxPool2d{3, {.stride = 2, .padding = 1}}};
    add_separable(trunk, 32, 64, 1);
    add_separable(trunk, 64, 128, 2);
    add_separable(trunk, 128, 128, 1);
    return {std::move(trunk), {{"left", nn::Conv2d{128, 10, 1}}, {"right", nn::Conv2d{128, 10, 1}}}};
}

mtl::MultiTaskNet<> make_network(const benchmarks::StepOptions& options) {
    return options.net == "lenet"       ? lenet(options.side)
           : options.net == "separable" ? separable_network()
                                        : reference_network(options.side);
}

Tensor<Index> random_labels(const benchmarks::StepOptions& options, Random& random) {
    const Index pixels = (options.side + 3) / 4;
    Tensor<Index> labels{options.net == "separable" ? Shape{options.batch, pixels, pixels} : Shape{options.batch}};
    for (Index& label : labels)
        label = random.below(10);
    return labels;
}

int run(const benchmarks::StepOptions& options) {
    set_num_threads(options.threads);
    manual_seed(1);
    Random random{2};
    const auto images = Tensor<float>::uniform({options.batch, options.side, options.side, 1}, random);
    const losses::Targets<> targets{{"left", random_labels(options, random)}, {"right", random_labels(options, random)}};

    auto net = make_network(options);
    const mtl::MultiTaskLoss criterion{{"left", losses::CrossEntropy{}}, {"right", losses::CrossEntropy{}}};
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.001, .momentum = 0.9}};
    const auto times = benchmarks::time_steps(options, [&] {
        const auto loss = criterion(net(images), targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
    });
    return benchmarks::report(options, times, build_info().text());
}

}  // namespace

int main(int argc, char* argv[]) {
    benchmarks::StepOptions options;
    CLI::App app{"Times training steps of a network with two tasks."};
    benchmarks::add_options(app, options, {"reference", "lenet", "separable"});
    CLI11_PARSE(app, argc, argv);
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::cerr << "training_step: " << error.what() << '\n';
        return 1;
    }
}
