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

Tensor<Index> random_labels(Index count, Random& random) {
    Tensor<Index> labels{Shape{count}};
    for (Index& label : labels)
        label = random.below(10);
    return labels;
}

int run(const benchmarks::StepOptions& options) {
    set_num_threads(options.threads);
    manual_seed(1);
    Random random{2};
    const auto images = Tensor<float>::uniform({options.batch, options.side, options.side, 1}, random);
    const losses::Targets<> targets{{"left", random_labels(options.batch, random)},
                                    {"right", random_labels(options.batch, random)}};

    auto net = options.net == "lenet" ? lenet(options.side) : reference_network(options.side);
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
    benchmarks::add_options(app, options, {"reference", "lenet"});
    CLI11_PARSE(app, argc, argv);
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::cerr << "training_step: " << error.what() << '\n';
        return 1;
    }
}
