// SPDX-License-Identifier: MIT
/// @file When do tasks want experts and gates instead of one trunk? Two synthetic regressions that are less and less alike, learned by
/// several ways of sharing: the study of Ma et al. (KDD 2018).
///
/// All networks have nearly as many parameters: as many units, be it of one layer, of 8 experts, or of 2 networks that share nothing.

#include "program.hpp"
#include "task_correlation/problem.hpp"

#include <espalier/espalier.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

using namespace espalier;
using namespace task_correlation;

namespace {

struct Options {
    std::vector<double> correlations = {0, 0.25, 0.5, 0.75, 1};
    int seeds = 5, epochs = 60;
    Index samples = 10'000, units = 128;
    double length = 0.3, learning_rate = 1e-3;
    int threads = 0;
};

nn::Sequential<> units(Index count) { return {nn::Linear{inputs, count}, nn::ReLU{}}; }
nn::Sequential<> tower(Index features) { return {nn::Linear{features, 8}, nn::ReLU{}, nn::Linear{8, 1}}; }

mtl::MultiTaskNet<> make_net(const std::string& way, Index all) {
    constexpr Index count = 8;  // of experts
    const auto net = [](mtl::Sharing<> sharing, Index features) {
        return mtl::MultiTaskNet<>{std::move(sharing), {{"first", tower(features)}, {"second", tower(features)}}};
    };
    const auto experts = [all] { return mtl::repeat(count, [all] { return units(all / count); }); };
    const auto gates = [](std::size_t tasks) { return mtl::repeat(tasks, [] { return nn::Linear{inputs, count, {.bias = false}}; }); };
    if (way == "shared bottom")
        return net(mtl::HardSharing<>{units(all)}, all);
    if (way == "OMoE")
        return net(mtl::MMoE<>{experts(), gates(1)}, all / count);
    if (way == "MMoE")
        return net(mtl::MMoE<>{experts(), gates(2)}, all / count);
    return net(mtl::Separate<>{mtl::repeat(2, [all] { return units(all / 2); })}, all / 2);
}

/// The mean squared error of both tasks on new samples.
double train(const std::string& way, const Problem& problem, std::uint64_t seed, const Options& options) {
    manual_seed(seed);
    auto net = make_net(way, options.units);
    mtl::MultiTaskLoss<> criterion{{"first", losses::MSE{}}, {"second", losses::MSE{}}};
    optim::Adam<> adam{net.parameters(), {.learning_rate = options.learning_rate}};
    data::DataLoader loader{problem.train, {.batch_size = 64, .seed = seed}};
    for (int epoch = 0; epoch < options.epochs; ++epoch)
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
        }
    const auto loss = criterion(net.predict(problem.test.inputs()), problem.test.targets());
    return static_cast<double>(loss.item()) / 2;
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    const std::vector<std::string> ways{"shared bottom", "OMoE", "MMoE", "separate"};
    std::printf("Mean squared error of two tasks, %lld samples, %d epochs, %d seeds; the noise alone is %.2f\n\ncosine",
                static_cast<long long>(options.samples), options.epochs, options.seeds, noise * noise);
    for (const auto& way : ways)
        std::printf("  %17s", way.c_str());
    std::printf("\n");
    for (const double correlation : options.correlations) {
        std::map<std::string, Moments> errors;
        for (int seed = 1; seed <= options.seeds; ++seed) {
            const auto number = static_cast<std::uint64_t>(seed);
            const Problem problem = draw_problem(correlation, options.length, number, options.samples, 2000);
            for (const auto& way : ways)
                errors[way].add(train(way, problem, number, options));
        }
        std::printf("%6.2f", correlation);
        for (const auto& way : ways)
            std::printf("  %8.4f ± %6.4f", errors[way].mean(), errors[way].sample_deviation());
        std::printf("\n");
        std::fflush(stdout);
    }
}

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{"Learns two regressions, whose weights have a given cosine, by several ways of sharing, and prints their errors."};
    app.get_formatter()->column_width(36);
    using examples::within;
    app.add_option("--cosines", options.correlations, "of the tasks' weights")->type_name("X,X")->delimiter(',')->check(within(-1.0, 1.0));
    app.add_option("--length", options.length, "of each task's weights: the longer, the more often its sines turn")
        ->type_name("X")
        ->check(within(0.0, 1e3))
        ->capture_default_str();
    app.add_option("--seeds", options.seeds, "problems and first weights")->type_name("N")->check(within(1, 1000))->capture_default_str();
    app.add_option("--epochs", options.epochs, "passes over the samples")->type_name("N")->check(within(1, 100'000))->capture_default_str();
    app.add_option("--samples", options.samples, "to train on")->type_name("N")->check(within(1, 10'000'000))->capture_default_str();
    app.add_option("--units", options.units, "below the towers, in all; a multiple of 8")
        ->type_name("N")
        ->check(within(8, 100'000))
        ->capture_default_str();
    app.add_option("--learning-rate", options.learning_rate, "of Adam")->type_name("X")->check(within(0.0, 1e3))->capture_default_str();
    app.add_option("--threads", options.threads, "0 for as many as there are processors")->type_name("N")->check(within(0, 1024));
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    require<ValueError>(options.units % 8 == 0, "--units", "expected a multiple of 8, got ", options.units);
    return options;
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "task_correlation", [&] { return parse(argc, argv); }, run);
}
