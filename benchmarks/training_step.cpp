// SPDX-License-Identifier: MIT
/// @file Whole training steps, each timed: forward, the losses of all tasks, backward, SGD with momentum.
///
/// `pytorch/training_step.py` and `dlib/training_step.cpp` do the same; `compare` runs all of them in turns. With --check it does
/// the steps of a file that `pytorch/training_step.py --export` wrote, and fails unless it comes to the same losses.

#include "networks.hpp"
#include "peak.hpp"
#include "steps.hpp"

#include <espalier/io/layout.hpp>
#include <espalier/io/pytorch.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <vector>

namespace {

using namespace espalier;

/// What a step needs.
struct Training {
    mtl::MultiTaskNet<> net;
    Tensor<float> input;
    losses::Targets<> targets;
    mtl::MultiTaskLoss<> criterion;
    optim::SGD<> sgd;

    Training(const std::string& name, mtl::MultiTaskNet<> network, Tensor<float> batch, losses::Targets<> labels, double learning_rate)
        : net{std::move(network)},
          input{std::move(batch)},
          targets{std::move(labels)},
          criterion{benchmarks::make_criterion(name, net.tasks())},
          sgd{net.parameters(), {.learning_rate = learning_rate, .momentum = name.starts_with("esmm") ? 0 : 0.9}} {}

    /// @returns the loss before it
    double step() {
        const auto loss = criterion(net(input), targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
        return loss.item();
    }
};

mtl::MultiTaskNet<> make_network(const benchmarks::StepOptions& options) {
    const Shape input{std::span<const Index>{options.input}};
    const Index rank = benchmarks::input_rank(options.net);
    require<ShapeError>(input.rank() == rank, "training_step", "expected an --input of ", rank, " extents, got ", input);
    return benchmarks::networks.at(options.net)(input);
}

/// A class for every score that a head gives.
losses::Targets<> random_targets(mtl::MultiTaskNet<>& net, const Tensor<float>& input, Random& random) {
    const NoGrad no_graph;
    losses::Targets<> targets;
    for (const auto& [task, output] : net(input)) {
        Tensor<Index> labels{output.shape().axes(0, output.rank() - 1)};
        for (Index& label : labels)
            label = random.below(output.size(-1));
        targets.insert(task, std::move(labels));
    }
    return targets;
}

/// What a scene might be, at random.
losses::Targets<> random_scenes(Index count, Random& random) {
    constexpr Index side = scenes::side;
    Tensor<Index> segments{{count, side, side}};
    for (Index& label : segments)
        label = random.below(scenes::segment_classes);
    Tensor<float> boundaries{{count, side, side, 1}};
    for (float& value : boundaries)
        value = random.uniform() < 0.1 ? 1.0F : 0.0F;
    auto depth = Tensor<float>::uniform({count, side, side, 1}, random, 1, 2);
    Tensor<bool> known{depth.shape()};
    for (bool& value : known)
        value = random.uniform() < 0.3;
    Tensor<float> objects{{count, scenes::most_garments, 5}};
    for (Index i = 0; i < objects.numel(); i += 5) {
        for (Index axis = 0; axis < 2; ++axis) {
            const float size = random.uniform(0.2F, 0.6F), corner = random.uniform(0.0F, 1 - size);
            objects[i + axis] = corner * static_cast<float>(side);
            objects[i + 2 + axis] = (corner + size) * static_cast<float>(side);
        }
        objects[i + 4] = static_cast<float>(random.below(scenes::garment_classes + 1) - 1);
    }
    return {{"segments", std::move(segments)},
            {"boundaries", std::move(boundaries)},
            {"depth", {std::move(depth), std::move(known)}},
            {"objects", std::move(objects)}};
}

/// A category for each column.
Tensor<float> random_categories(const benchmarks::StepOptions& options, Random& random) {
    const Index categories = options.net == "esmm" ? benchmarks::categories_of_esmm : benchmarks::categories_of_esmm_million;
    Tensor<float> result{{options.batch, options.input[0]}};
    for (float& value : result)
        value = static_cast<float>(random.below(categories));
    return result;
}

/// A tenth of clicks, and a tenth of purchases among these.
losses::Targets<> random_clicks(Index count, Random& random) {
    Tensor<float> click{{count, 1}}, both{{count, 1}};
    for (Index i = 0; i < count; ++i) {
        click[i] = random.uniform() < 0.1 ? 1.0F : 0.0F;
        both[i] = random.uniform() < 0.1 ? click[i] : 0.0F;
    }
    return {{"click", std::move(click)}, {"both", std::move(both)}};
}

int run(const benchmarks::StepOptions& options) {
    const double start_mb = benchmarks::resident_megabytes();
    set_num_threads(options.threads);
    manual_seed(1);
    Random random{2};
    auto net = make_network(options);
    const bool clicks = options.net.starts_with("esmm");
    auto input = clicks ? random_categories(options, random)
                        : Tensor<float>::uniform(Shape{std::span<const Index>{options.input}}.prepended(options.batch), random);
    auto targets = clicks                    ? random_clicks(options.batch, random)
                   : options.net == "scenes" ? random_scenes(options.batch, random)
                                             : random_targets(net, input, random);
    Training training{options.net, std::move(net), std::move(input), std::move(targets), 0.001};
    const double peak_before = benchmarks::peak_gflops(options.threads);
    const auto times = benchmarks::time_steps(options, [&] { (void)training.step(); });
    return benchmarks::report(options, {.times = times,
                                        .text = build_info().text(),
                                        .start_mb = start_mb,
                                        .peak_gflops = std::max(peak_before, benchmarks::peak_gflops(options.threads))});
}

/// Both sides draw masks of their own, so none are drawn.
void drop_nothing(mtl::MultiTaskNet<>& net, const benchmarks::StepOptions& options) {
    auto* const shared = net.sharing().get_if<mtl::HardSharing<>>();
    auto* const trunk = shared ? shared->trunk().get_if<nn::Sequential<>>() : nullptr;
    if (!trunk)
        return;
    for (nn::Layer<>& layer : *trunk)
        if (layer.get_if<nn::Dropout>())
            layer = nn::Dropout{0};
        else if (layer.get_if<nn::TransformerEncoder<>>())
            layer = benchmarks::transformer_encoder(options.input.back(), 0);
}

/// As `exported` of pytorch/training_step.py names them.
losses::Targets<> targets_of(const io::TensorFile& file, const std::vector<std::string>& tasks) {
    losses::Targets<> targets;
    for (const std::string& task : tasks)
        if (!file.contains("values." + task))
            targets.insert(task, file.get<Index>("labels." + task));
        else if (file.contains("known." + task))
            targets.insert(task, {file.get<float>("values." + task), file.get<Index>("known." + task).cast<bool>()});
        else
            targets.insert(task, file.get<float>("values." + task));
    return targets;
}

/// @returns the program's exit code
int check(const benchmarks::StepOptions& options, const std::string& path) {
    set_num_threads(options.threads);
    auto net = make_network(options);
    drop_nothing(net, options);
    io::load_pytorch(net, path, Shape{std::span<const Index>{options.input}}, {.prefix = "net."});
    const auto file = io::load_safetensors(path);
    auto input = file.get<float>("input");
    auto targets = targets_of(file, benchmarks::learnt(options.net, net.tasks()));
    const auto expected = file.get<double>("losses");
    const auto learning_rate = file.get<double>("learning_rate")[0];
    const double spread = file.get<double>("spread")[0];
    Training training{options.net, std::move(net), input.rank() == 4 ? io::from_nchw(input) : std::move(input), std::move(targets),
                      learning_rate};

    std::vector<double> differences;
    for (const double theirs : expected) {
        const double ours = training.step();
        std::printf("loss %.6f, PyTorch's %.6f\n", ours, theirs);
        differences.push_back(std::abs(ours - theirs) / theirs);
    }
    const double worst = *std::max_element(differences.begin(), differences.end());
    std::printf("%s network, %td parameters: losses of %td steps differ by %.1e at most, PyTorch's among each other by %.1e\n",
                options.net.c_str(), training.net.parameter_count(), expected.numel(), worst, spread);
    require<ValueError>(differences.front() < 1e-4 && worst < std::max(1e-3, 10 * spread), "training_step",
                        "expected the losses of PyTorch, got others");
    return 0;
}

}  // namespace

int main(int argc, char* argv[]) {
    benchmarks::StepOptions options;
    std::string exported;
    CLI::App app{"Times training steps of a network with several tasks."};
    std::vector<std::string> names;
    for (const auto& [name, make] : benchmarks::networks)
        names.push_back(name);
    benchmarks::add_options(app, options, names);
    app.add_option("--check", exported, "compare losses with those of this file instead")->type_name("FILE");
    CLI11_PARSE(app, argc, argv);
    try {
        return exported.empty() ? run(options) : check(options, exported);
    } catch (const std::exception& error) {
        std::cerr << "training_step: " << error.what() << '\n';
        return 1;
    }
}
