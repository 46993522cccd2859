// SPDX-License-Identifier: MIT
/// @file The command line of the comparison.
#pragma once

#include "../multi_fashion/options.hpp"
#include "../program.hpp"
#include "ways.hpp"

#include <espalier/espalier.hpp>
#include <espalier/mtl/balancing/by_name.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace balance_rules {

using espalier::Index;

struct Options {
    std::vector<std::string> rules = {"Sum", "UW", "PCGrad", "Nash-MTL", "UPGrad"};
    bool all = false;  ///< that there are, and so those that can be compared
    std::vector<std::string> ways = {"hard"};
    std::string trunk = "lenet";
    espalier::mtl::Scope scope = espalier::mtl::Scope::whole;
    int seeds = 3;
    int epochs = 8;
    std::vector<double> learning_rates = {1e-3, 2e-3};
    Index pairs = 20'000;
    Index batch = 64;
    double validation = 1.0 / 6;
    int threads = 0;
    std::filesystem::path data = ESPALIER_DATA_DIR "/fashion-mnist";
    std::filesystem::path output = "balance_rules";
    std::filesystem::path shared;     ///< where to write what all runs share instead of any of them
    std::filesystem::path baselines;  ///< in the folder of the output if none is given

    /// Whether ways of sharing are what is compared, perhaps beside rules.
    [[nodiscard]] bool compares_ways() const { return ways != std::vector<std::string>{"hard"}; }
};

inline const std::map<std::string, espalier::mtl::Scope> scopes{
    {"whole", espalier::mtl::Scope::whole}, {"layers", espalier::mtl::Scope::layers}, {"features", espalier::mtl::Scope::features}};

[[nodiscard]] inline std::string name_of(espalier::mtl::Scope scope) {
    return std::find_if(scopes.begin(), scopes.end(), [&](const auto& entry) { return entry.second == scope; })->first;
}

[[nodiscard]] inline std::string listed(const std::vector<std::string>& names) {
    std::string result;
    for (const std::string& name : names)
        result += (result.empty() ? "" : ", ") + name;
    return result;
}

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    const std::vector<std::string> known = espalier::mtl::rule_names();
    std::string scope = "whole";
    CLI::App app{
        "Trains Lin's LeNet on MultiFashion, two garments on one canvas, under one balancing rule or several, and compares them\n"
        "with each other and with networks of one task alone: also ways of sharing, each under each rule, and another trunk.\n"
        "Validation pairs come from garments kept back from training; the epoch and the learning rate are chosen on them, and the\n"
        "test pairs are looked at once. What is done is kept in the folder of the output: a run that was interrupted goes on where\n"
        "it was when it is started again with the same options. Steps are timed at the end, each time anew."};
    app.get_formatter()->column_width(40);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type)->capture_default_str();
    };
    using examples::within;
    const std::string names = listed(known), ways = listed(known_ways);
    add("--rule", options.rules, "NAMES", "'all', or some of " + names)->delimiter(',')->check([&](const std::string& name) {
        const bool there = name == "all" || std::find(known.begin(), known.end(), name) != known.end();
        return there ? "" : "expected 'all' or names of rules, got '" + name + "': there are " + names;
    });
    add("--way", options.ways, "NAMES", "of sharing, some of " + ways)->delimiter(',')->check([&](const std::string& name) {
        const bool there = std::find(known_ways.begin(), known_ways.end(), name) != known_ways.end();
        return there ? "" : "expected names of ways, got '" + name + "': there are " + ways;
    });
    add("--trunk", options.trunk, "NAME", "'lenet' or 'reference'")->check(CLI::IsMember({"lenet", "reference"}).description(""));
    add("--scope", scope, "NAME", "'whole', 'layers' or 'features': where rules that see gradients look")
        ->check(CLI::IsMember({"whole", "layers", "features"}).description(""));
    add("--seeds", options.seeds, "N", "runs of each rule, by which first weights, batches and pairs differ")->check(within(1, 1000));
    add("--epochs", options.epochs, "N", "passes over the training pairs")->check(within(1, 1'000'000));
    add("--learning-rates", options.learning_rates, "X,X", "of Adam, all tried for each rule")->delimiter(',')->check(within(1e-12, 1e6));
    add("--pairs", options.pairs, "N", "training pairs an epoch, drawn anew for each")->check(within(1, 100'000'000));
    add("--batch", options.batch, "N", "pairs a step")->check(within(1, 1'000'000));
    add("--validation", options.validation, "X", "share of the garments kept back for validation")->check(within(0.01, 0.9));
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--data", options.data, "FOLDER", "the four IDX files of Fashion-MNIST, plain or .gz");
    add("--baselines", options.baselines, "FILE", "of networks of one task; made if it is not there, else OUTPUT/baselines.json");
    add("--export", options.shared, "FILE", "write what all runs share, garments and pairs, as safetensors, and stop");
    add("--output", options.output, "FOLDER", "for results, tables and the drawing");
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    options.scope = scopes.at(scope);
    options.all = std::find(options.rules.begin(), options.rules.end(), "all") != options.rules.end();
    if (options.all)
        options.rules = known;
    if (options.baselines.empty())
        options.baselines = options.output / "baselines.json";
    return options;
}

}  // namespace balance_rules
