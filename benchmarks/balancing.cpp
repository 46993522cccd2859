// SPDX-License-Identifier: MIT
/// @file Training steps of many tasks under a balancing rule, each timed; `pytorch/balancing.py` does the same, and `compare` runs both.
///
/// Without --rule it is the plain sum, the measure of what a rule costs. The tasks' heads are alike.

#include "networks.hpp"
#include "peak.hpp"
#include "steps.hpp"

#include <espalier/mtl/balancing/by_name.hpp>

#include <iostream>

namespace {

using namespace espalier;

struct Options : benchmarks::StepOptions {
    std::ptrdiff_t tasks = 2;
    std::string rule = {};
    std::string scope = "whole";
};

/// The trunk of a network of benchmarks/networks.hpp with so many heads; or, as `wide`, 100-100 units and heads of one.
mtl::MultiTaskNet<> make_network(const Options& options) {
    const Shape input{std::span<const Index>{options.input}};
    std::vector<mtl::Head<>> heads;
    const auto name = [](Index t) { return "task" + std::to_string(t); };
    if (options.net == "wide") {
        for (Index t = 0; t < options.tasks; ++t)
            heads.push_back({name(t), nn::Linear{100, 1}});
        return {nn::Sequential{nn::Linear{input[0], 100}, nn::ReLU{}, nn::Linear{100, 100}, nn::ReLU{}}, std::move(heads)};
    }
    auto net = benchmarks::networks.at(options.net)(input);
    const auto head = net.head(net.tasks().front());
    for (Index t = 0; t < options.tasks; ++t)
        heads.push_back({name(t), head});
    return {std::move(net).trunk(), std::move(heads)};
}

/// What a step needs: cross-entropy of ten classes, or of the `wide` one the mean squared error.
struct Training {
    mtl::MultiTaskNet<> net;
    Tensor<float> input;
    losses::Targets<> targets;
    mtl::MultiTaskLoss<> criterion;
    optim::SGD<> sgd;

    Training(const Options& options, Random random)
        : net{make_network(options)},
          input{Tensor<float>::uniform(Shape{std::span<const Index>{options.input}}.prepended(options.batch), random)},
          targets{random_targets(options, net, random)},
          criterion{losses_of(options, net)},
          sgd{net.parameters(), {.learning_rate = 0.001, .momentum = 0.9}} {
        if (!options.rule.empty() && options.rule != "sequential")
            mtl::balance_by_name(criterion, options.rule,
                                 {.scope = options.scope == "features" ? mtl::Scope::features : mtl::Scope::whole});
    }

    void step() {
        const auto loss = criterion(net(input), targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
        criterion.after_step([this] { return net(input); }, targets);
    }
    /// A traversal for each task, as is done without this library's: nothing but the passes.
    void sequential_step() {
        const auto loss = criterion(net(input), targets);
        for (const auto& [task, value] : loss.tasks()) {
            sgd.zero_grad();
            value.backward(true);
        }
        sgd.step();
    }

private:
    static losses::Targets<> random_targets(const Options& options, const mtl::MultiTaskNet<>& net, Random& random) {
        losses::Targets<> targets;
        for (const std::string& task : net.tasks()) {
            if (options.net == "wide") {
                targets.insert(task, Tensor<float>::normal({options.batch, 1}, random));
                continue;
            }
            Tensor<Index> labels{Shape{options.batch}};
            for (Index& label : labels)
                label = random.below(10);
            targets.insert(task, std::move(labels));
        }
        return targets;
    }
    static mtl::MultiTaskLoss<> losses_of(const Options& options, const mtl::MultiTaskNet<>& net) {
        std::vector<mtl::TaskLoss<>> losses;
        for (const std::string& task : net.tasks())
            losses.push_back({task, options.net == "wide" ? losses::Loss<>{losses::MSE{}} : losses::Loss<>{losses::CrossEntropy{}}});
        return mtl::MultiTaskLoss<>{std::move(losses)};
    }
};

int run(const Options& options) {
    const double start_mb = benchmarks::resident_megabytes();
    set_num_threads(options.threads);
    manual_seed(1);
    Training training{options, Random{2}};
    const double peak_before = benchmarks::peak_gflops(options.threads);
    const bool sequential = options.rule == "sequential";
    const auto times = benchmarks::time_steps(options, [&] { sequential ? training.sequential_step() : training.step(); });
    return benchmarks::report(options, {.times = times,
                                        .text = build_info().text(),
                                        .start_mb = start_mb,
                                        .peak_gflops = std::max(peak_before, benchmarks::peak_gflops(options.threads))});
}

}  // namespace

int main(int argc, char* argv[]) {
    Options options;
    CLI::App app{"Times training steps under a balancing rule."};
    benchmarks::add_options(app, options, {"lenet", "reference", "resnet20", "separable", "mlp", "odd", "wide"});
    app.add_option("--tasks", options.tasks, "tasks")->check(CLI::Range(1, 100'000))->capture_default_str();
    app.add_option("--rule", options.rule, "a rule's name, or 'sequential' for a pass for each task and no rule; without it, the sum");
    app.add_option("--scope", options.scope, "what the rule looks at")->check(CLI::IsMember({"whole", "features"}))->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::cerr << "balancing: " << error.what() << '\n';
        return 1;
    }
}
