// SPDX-License-Identifier: MIT
/// @file Three questions to a census: who earns more than 50,000 dollars, who has never married, who went to which school? They are
/// learned by several ways of sharing, as in Ma et al. (KDD 2018) and Tang et al. (RecSys 2020), and by a net for each.
///
/// A part of UCI's Census-Income (KDD) lies beside the program; --data takes the whole. `census/` holds what is particular to this example:
/// the columns, the rows, the networks, the command line, the training, the report and the picture.

#include "census/drawing.hpp"
#include "places.hpp"

#include <espalier/core/threads.hpp>
#include <espalier/io/file.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace espalier;
using namespace census;

namespace {

/// Where what a training gives goes to.
struct Files {
    std::filesystem::path weights, predictions, picture;

    explicit Files(const std::filesystem::path& folder) {
        const auto out = examples::output_folder(folder);
        weights = out / "census.safetensors";
        predictions = out / "predictions.csv";
        picture = out / "census.svg";
    }
};

/// Predicts again from what was saved, as another program would. @throws IoError should that give something else
void check_saved(const std::filesystem::path& path, const Tensor<float>& features, const Named<Tensor<float>>& said) {
    auto net = make_net(load_recipe(path));
    io::load(net, path);
    const auto again = net.predict(features);
    for (const auto& [task, output] : said)
        require<IoError>(again.at(task) == output, "census", "expected of ", path, " the same answers to '", task,
                         "' as of the net that was saved, got others");
}

void run_training(const Options& options, const Data& data) {
    const Files files{options.out};
    examples::require_output_file(options.runs);
    static_cast<void>(data.encoder.to_json());  // names that cannot be written down are refused here, and not after the training
    std::printf(
        "%td rows to learn from, %td features; %td for validation, of %d epochs the best one there counts; %td held out\n"
        "batches of %td, Adam at %g, rule %s, %d seed%s\n\n",
        data.train.size(), data.encoder.width(), data.validation.size(), options.epochs, data.test.size(), options.batch,
        options.learning_rate, options.rule.c_str(), options.seeds, options.seeds == 1 ? "" : "s");
    print_heading(options.tasks);
    std::vector<Result> results;
    const auto single = [&] { return results[0].way == "single-task" ? results.data() : nullptr; };
    std::string lines = runs_heading, best;
    double best_mean = -1;
    for (const std::string& way : options.ways) {
        const Recipe recipe{way, options.tasks, data.encoder};
        Result& result = results.emplace_back(Result{way});
        for (int seed = 1; seed <= options.seeds; ++seed) {
            const Run run = census::train(recipe, data, options, static_cast<std::uint64_t>(seed));
            result.parameters = run.net.parameter_count();
            result.epoch.add(run.epoch);
            result.runs.push_back(run.test);
            lines += csv_lines(way, seed, run, options);
            if (!options.runs.empty())
                io::write_file(options.runs, lines);
            if (const double reached = mean(run.validation); reached > best_mean) {
                best_mean = reached;
                best = concat(way, ", seed ", seed);
                const auto said = run.net.predict(data.test.inputs());
                census::save(run.net, recipe, files.weights);
                check_saved(files.weights, data.test.inputs(), said);
                io::write_file(files.predictions, predictions_csv(said, data.test_rows));
            }
        }
        print_result(result, options.tasks, &result == single() ? nullptr : single());
    }
    io::write_file(files.picture, draw(options.tasks, results, single()));
    std::printf(
        "\nweights      %s (%s, the best on the validation rows)\npredictions  %s (its held-out rows)\n"
        "picture      %s\n",
        files.weights.c_str(), best.c_str(), files.predictions.c_str(), files.picture.c_str());
}

void run_prediction(const Options& options) {
    const Recipe recipe = load_recipe(options.weights);
    auto net = make_net(recipe);
    io::load(net, options.weights);
    const auto features = recipe.encoder.features(load_table(options.predict));
    const Files files{options.out};
    io::write_file(files.predictions, predictions_csv(net.predict(features)));
    std::printf("%td rows\npredictions  %s\n", features.size(0), files.predictions.c_str());
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    if (!options.predict.empty())
        return run_prediction(options);
    const auto table = load_table(options.data);
    const auto data = split(table, options.tasks, options.known > 0 ? options.known : table.rows() * 4 / 5, options.household);
    if (options.shared.empty())
        run_training(options, data);
    else
        export_data(options.shared, data);
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "census", [&] { return census::parse(argc, argv); }, run);
}
