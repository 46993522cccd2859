// SPDX-License-Identifier: MIT
/// @file Many labels at once: a table with columns of 0 and 1 is learnt by one layer for all labels, by a head for each on a shared trunk
/// or a mixture of experts, and by a network for each.
///
/// Any CSV will do; without one it is the functions of genes of yeast (Elisseeff and Weston, 2001). `multilabel/` holds what is particular
/// to this example: the command line, the columns, the networks, the training, the report and the picture.

#include "multilabel/drawing.hpp"
#include "places.hpp"

#include <espalier/core/threads.hpp>
#include <espalier/io/file.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace espalier;
using namespace multilabel;

namespace {

/// Predicts again from what was saved, as another program would. @throws IoError should that give something else
void check_saved(const std::filesystem::path& path, const Tensor<float>& features, const Tensor<float>& said) {
    auto net = make_net(load_recipe(path));
    io::load(net, path);
    require<IoError>(multilabel::predict(net, features) == said, "multilabel", "expected of ", path,
                     " the same answers as of the network that was saved, got others");
}

void run_training(const Options& options) {
    const auto table = load_table(options.data);
    const auto labels = label_columns(table, options.labels);
    const auto out = examples::output_folder(options.out);
    examples::require_output_file(options.json);
    const auto weights = out / "multilabel.safetensors";
    std::vector<Data> parts;
    for (int seed = 1; seed <= options.seeds; ++seed)
        parts.push_back(split(table, labels, options.test, static_cast<std::uint64_t>(seed)));
    static_cast<void>(examples::recipe_text("multilabel", to_json({{}, labels, parts.front().encoder})));
    std::printf("%zu labels; %td rows to learn from, %td features; %td rows held out; %d epochs, rule %s, %d seed%s\n\n", labels.size(),
                parts[0].train.size(), parts[0].encoder.width(), parts[0].test.size(), options.epochs, options.rule.c_str(), options.seeds,
                options.seeds == 1 ? "" : "s");
    print_heading();
    std::vector<Result> results{{"guessing"}};
    std::vector<std::vector<Index>> held_out;
    for (const Data& part : parts) {
        const Target truth = side_by_side(part.test.targets());
        results[0].runs.push_back(score(guess(side_by_side(part.train.targets()), part.test.size()), truth));
        held_out.push_back(part.test_rows);
    }
    print_result(results[0]);
    std::string best;
    double best_precision = -1;
    for (const std::string& name : options.chosen) {
        Result& result = results.emplace_back(Result{name});
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const Recipe recipe{name, labels, parts[i].encoder};
            const auto net = multilabel::train(recipe, parts[i].train, options, i + 1);
            const auto said = multilabel::predict(net, parts[i].test.inputs());
            result.parameters = net.parameter_count();
            result.runs.push_back(score(said, side_by_side(parts[i].test.targets())));
            if (const double precision = result.runs.back().values.back(); i == 0 && precision > best_precision) {
                best_precision = precision;
                best = name;
                multilabel::save(net, recipe, weights);
                check_saved(weights, parts[i].test.inputs(), said);
                io::write_file(out / "predictions.csv", predictions_csv(labels, said));
            }
        }
        print_result(result);
    }
    print_comparison(results);
    io::write_file(out / "multilabel.svg", draw(labels, results));
    if (!options.json.empty())
        io::write_file(options.json, to_json(options, labels, results, held_out));
    std::printf(
        "\nweights      %s (%s, the largest mean AP of the first seed)\npredictions  %s (its held-out rows)\n"
        "picture      %s\n",
        weights.c_str(), best.c_str(), (out / "predictions.csv").c_str(), (out / "multilabel.svg").c_str());
}

void run_labelling(const Options& options) {
    const Recipe recipe = load_recipe(options.weights);
    auto net = make_net(recipe);
    io::load(net, options.weights);
    const auto features = recipe.encoder.features(load_table(options.predict));
    const auto file = examples::output_folder(options.out) / "predictions.csv";
    io::write_file(file, predictions_csv(recipe.labels, multilabel::predict(net, features)));
    std::printf("%td rows\npredictions  %s\n", features.size(0), file.c_str());
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    if (options.predict.empty())
        run_training(options);
    else
        run_labelling(options);
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "multilabel", [&] { return multilabel::parse(argc, argv); }, run);
}
