// SPDX-License-Identifier: MIT
/// @file What kind of package is it? From names and one-line descriptions one network learns what Debian's archive tells of its packages.
///
///     apt-cache dumpavail | packages --input -
///
/// All have a section and a size, half of them tags, and few tags of every kind: a task that a package does not tell of is masked.
/// `packages/` holds what is particular to this example: stanzas, tasks, features and network, the training, the report.

#include "packages/exchange.hpp"
#include "packages/training.hpp"
#include "places.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/io/gzip.hpp>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

using namespace espalier;
using namespace packages;

namespace {

std::vector<Package> read(const std::filesystem::path& path) {
    if (path == "-")
        return read_packages(std::cin);
    std::istringstream file{io::read_bytes(path)};
    return read_packages(file);
}

void label_lines(const std::filesystem::path& weights) {
    const Recipe recipe = load_recipe(weights);
    auto net = make_net(recipe);
    io::load(net, weights);
    std::printf("Type a name and a description, or nothing to end.\n> ");
    std::fflush(stdout);
    while (const auto typed_line = examples::typed_line()) {
        const std::string line = text::encode_utf8(text::decode_utf8(*typed_line, text::InvalidUtf8::replace));
        const auto blank = std::min(line.find_first_of(" \t"), line.size());
        const std::vector<Package> typed{{.name = line.substr(0, blank), .description = line.substr(blank)}};
        std::printf("%s\n> ", line_of(recipe.tasks, net.predict(inputs_of(typed, recipe.buckets)), 0).c_str());
        std::fflush(stdout);
    }
    std::printf("\n");
}

void run_training(const Options& options) {
    std::vector<Package> known, held_out;
    for (Package& package : read(options.input))  // by the source: packages that are built together are known together
        (examples::hash(package.source) % 10 == 0 ? held_out : known).push_back(std::move(package));
    require<ValueError>(!known.empty() && !held_out.empty(), "packages", "expected packages to learn from and packages to hold out, got ",
                        known.size(), " and ", held_out.size());
    const Recipe recipe{options.buckets, options.width, learn_tasks(known)};
    require<ValueError>(!recipe.tasks.empty(), "packages", "expected packages that tell of a task, got ", known.size(), " that do not");
    const auto train_set = make_set(recipe, known), test = make_set(recipe, held_out);
    if (!options.export_to.empty())
        return export_sets(options.export_to, recipe, train_set, test);
    const auto weights = examples::output_folder(options.out) / "packages.safetensors";
    examples::require_output_file(options.json);
    std::printf("%zu packages to learn from, %zu held out; %d epochs\n%s\n", known.size(), held_out.size(), options.epochs,
                build_info().text().c_str());
    std::fflush(stdout);
    const auto net = packages::train(recipe, train_set, options);
    packages::save(net, recipe, weights);  // before anything else can go wrong
    Figures figures{score_guesses(recipe.tasks, train_set.targets(), test.targets()),
                    score(recipe.tasks, net.predict(test.named_inputs()), test.targets())};
    for (const Task& task : recipe.tasks)
        if (options.baselines) {
            const auto net_of_one = packages::train({recipe.buckets, recipe.width, {task}}, train_set, options);
            for (const auto& [name, value] : score({task}, net_of_one.predict(test.named_inputs()), test.targets()))
                figures.alone.insert(name, value);
        }
    print_report(recipe.tasks, train_set.targets(), test.targets(), figures);
    if (!options.json.empty())
        write_json(options, net.parameter_count(), figures);
    std::printf("\nweights  %s\n", weights.c_str());
    if (options.prompt)
        label_lines(weights);
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    if (options.input.empty())
        label_lines(options.weights);
    else
        run_training(options);
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "packages", [&] { return packages::parse(argc, argv); }, run);
}
