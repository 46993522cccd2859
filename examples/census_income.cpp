// SPDX-License-Identifier: MIT
/// @file Experts and gates on a table: who earns more than 50,000 dollars and who has never married, learned from a census by several
/// ways of sharing, as in Ma et al. (KDD 2018) and Tang et al. (RecSys 2020).
///
/// Categories are one-hot, numbers standardised. Each way learns with Adam, the sum of both tasks' binary cross-entropies its loss; of
/// its epochs the one counts whose mean AUC on the validation rows is best.

#include "census_income/dataset.hpp"
#include "census_income/ways.hpp"
#include "program.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/io/file.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/metrics/auroc.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/train/early_stopping.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

using namespace espalier;
using namespace census_income;

namespace {

struct Options {
    std::filesystem::path data, shared, runs;
    std::vector<std::string> chosen = ways;
    int seeds = 5, epochs = 20;
    Index known = 80'000, batch = 512;
    double learning_rate = 1e-3;
    bool household = true;
    int threads = 0;
};

struct Run {
    Index parameters = 0, best_epoch = 0;
    Named<double> validation, test;
};

Named<double> areas(const mtl::MultiTaskNet<>& net, const data::Dataset<>& rows) {
    return net.predict(rows.inputs()).map([&](const std::string& task, const Tensor<float>& output) {
        metrics::AUROC<> area;
        area.update(output, rows.target(task));
        return area.value();
    });
}

double mean(const Named<double>& of_tasks) {
    Moments moments;
    for (const auto& [task, value] : of_tasks)
        moments.add(value);
    return moments.mean();
}

Run train(const std::string& way, std::uint64_t seed, const Data& data, const Options& options) {
    manual_seed(seed);
    auto net = make_net(way, data.train.inputs().size(1));
    mtl::MultiTaskLoss<> criterion{{"income", losses::BCEWithLogits{}}, {"never married", losses::BCEWithLogits{}}};
    optim::Adam<> adam{net.parameters(), {.learning_rate = options.learning_rate}};
    data::DataLoader loader{data.train, {.batch_size = options.batch, .seed = seed}};
    train::EarlyStopping best{{.patience = options.epochs, .mode = train::Mode::max}};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
        }
        best.update(mean(areas(net, data.validation)), net);
    }
    best.restore(net);
    return {net.parameter_count(), best.best_epoch() + 1, areas(net, data.validation), areas(net, data.test)};
}

/// What another program needs to do the same, and what came of it.
std::string csv_lines(const std::string& way, int seed, const Run& run, const Options& options) {
    std::string lines;
    for (const std::string& task : tasks) {
        char values[64];
        std::snprintf(values, sizeof values, "%.6f,%.6f", run.validation.at(task), run.test.at(task));
        lines += concat(way, ',', seed, ',', options.epochs, ',', options.batch, ',', options.learning_rate, ',', run.parameters, ',',
                        run.best_epoch, ',', task, ',', values, '\n');
    }
    return lines;
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    const Data data = load(options.data, options.known, options.household);
    if (!options.shared.empty()) {
        export_data(options.shared, data);
        return;
    }
    std::printf(
        "Area under the ROC curve on %td rows, %td features; %td rows to learn from and %td for validation,\n"
        "the best of %d epochs, batches of %td, Adam at %g, %d seeds\n\n%-14s %10s %7s",
        data.test.size(), data.test.inputs().size(1), data.train.size(), data.validation.size(), options.epochs, options.batch,
        options.learning_rate, options.seeds, "", "parameters", "epoch");
    for (const std::string& task : tasks)
        std::printf("  %17s", task.c_str());
    std::printf("\n");
    std::string lines = "way,seed,epochs,batch,learning_rate,parameters,best_epoch,task,validation,test\n";
    for (const std::string& way : options.chosen) {
        Named<Moments> reached;
        for (const std::string& task : tasks)
            reached.insert(task, {});
        Moments epoch;
        Index parameters = 0;
        for (int seed = 1; seed <= options.seeds; ++seed) {
            const Run done = train(way, static_cast<std::uint64_t>(seed), data, options);
            for (auto& [task, moments] : reached)
                moments.add(done.test.at(task));
            epoch.add(static_cast<double>(done.best_epoch));
            parameters = done.parameters;
            lines += csv_lines(way, seed, done, options);
            if (!options.runs.empty())
                io::write_file(options.runs, lines);
        }
        std::printf("%-14s %10td %7.1f", way.c_str(), parameters, epoch.mean());
        for (const auto& [task, moments] : reached)
            std::printf("  %8.4f ± %6.4f", moments.mean(), moments.sample_deviation());
        std::printf("\n");
        std::fflush(stdout);
    }
}

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    bool no_household = false;
    CLI::App app{
        "Learns who earns more than 50,000 dollars and who has never married from UCI's Census-Income (KDD), a file of lines of 42\n"
        "values without a header (https://archive.ics.uci.edu/dataset/117), by several ways of sharing, and prints the areas\n"
        "under their ROC curves."};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const char* what) {
        return app.add_option(name, value, what)->type_name(type);
    };
    const auto within = [](auto low, auto high) { return CLI::Range(low, high).description(""); };  // kept out of the help
    add("--data", options.data, "FILE", "census-income.data or .test, plain or .gz")->required();
    add("--ways", options.chosen, "NAMES", "of sharing")->delimiter(',')->capture_default_str()->check(CLI::IsMember(ways).description(""));
    add("--seeds", options.seeds, "N", "runs of each, by which first weights and batches differ")
        ->check(within(1, 1000))
        ->capture_default_str();
    add("--epochs", options.epochs, "N", "passes over the rows")->check(within(1, 100'000))->capture_default_str();
    add("--train", options.known, "N", "rows, a tenth of them for validation; the rest is for the test")->capture_default_str();
    add("--batch", options.batch, "N", "rows a step")->check(within(1, 1'000'000))->capture_default_str();
    add("--learning-rate", options.learning_rate, "X", "of Adam")->check(within(0.0, 1e3))->capture_default_str();
    app.add_flag("--no-household", no_household, "without the three columns of tax and household that nearly tell who is married");
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--runs", options.runs, "FILE", "for the result of every run, as CSV");
    add("--export", options.shared, "FILE", "write features and answers as safetensors, and stop");
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    options.household = !no_household;
    return options;
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "census_income", [&] { return parse(argc, argv); }, run);
}
