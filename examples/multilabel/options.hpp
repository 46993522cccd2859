// SPDX-License-Identifier: MIT
/// @file The command line of the example.
#pragma once

#include "../program.hpp"
#include "network.hpp"

#include <espalier/mtl/balancing/by_name.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace multilabel {

struct Options {
    std::filesystem::path data, weights, predict, json, out = ".";
    LabelChoice labels;
    std::vector<std::string> chosen = nets;
    bool single = false;
    std::string rule = "Sum";
    int epochs = 30, seeds = 1;
    Index batch = 64;
    double learning_rate = 0.002, test = 0.3;
    int threads = 0;
};

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{
        "Learns many labels of 0 and 1 in a table, of which any number may hold at once: by one layer for all, by a head for each on\n"
        "what they share, or by a network for each. Without --data it is the functions of genes of yeast. Prints a table of scores,\n"
        "draws the F1 of every label, and keeps the best network; or, with --predict, labels the rows of another table."};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type);
    };
    using examples::within;
    auto* const table = add("--data", options.data, "FILE", "a CSV, plain or .gz, whose first row names the columns");
    auto* const names = add("--labels", options.labels.names, "NAMES", "the columns of labels, parted by commas");
    names->delimiter(',')->needs(table);
    auto* const prefix = add("--label-prefix", options.labels.prefix, "TEXT", "or what the names of these columns begin with");
    prefix->needs(table)->excludes(names);
    add("--last", options.labels.last, "N", "or how many columns at the end they are")
        ->check(within(1, 1'000'000))
        ->needs(table)
        ->excludes(names)
        ->excludes(prefix);
    auto* const chosen = add("--nets", options.chosen, "NAMES", "of networks");
    chosen->delimiter(',')->capture_default_str()->check(CLI::IsMember(nets).description(""));
    app.add_flag("--single", options.single, "the network for each label alone")->excludes(chosen);
    add("--rule", options.rule, "NAME", "what balances the labels of heads and MMoE, as Sum, UW or UPGrad")
        ->check(CLI::IsMember(mtl::rule_names()).description(""))
        ->capture_default_str();
    add("--epochs", options.epochs, "N", "passes over the rows")->check(within(1, 100'000))->capture_default_str();
    add("--batch", options.batch, "N", "rows a step")->check(within(1, 1'000'000))->capture_default_str();
    add("--learning-rate", options.learning_rate, "X", "of Adam, from which it falls to 0")->check(within(0.0, 1e3))->capture_default_str();
    add("--test", options.test, "X", "share of the rows that is held out")->check(within(0.01, 0.9))->capture_default_str();
    add("--seeds", options.seeds, "N", "runs of each, by which first weights and rows held out differ")
        ->check(within(1, 1000))
        ->capture_default_str();
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--json", options.json, "FILE", "for all figures, and the rows held out");
    add("--out", options.out, "FOLDER", "for what is written");
    auto* const predict = add("--predict", options.predict, "FILE", "a table to label; nothing is trained")->excludes(table);
    predict->needs(add("--weights", options.weights, "FILE", "multilabel.safetensors of a training")->needs(predict));
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    if (options.single)
        options.chosen = {"single"};
    if (options.data.empty()) {
        options.data = std::filesystem::path{ESPALIER_DATA_DIR} / "yeast" / "yeast.csv.gz";
        options.labels.prefix = "Class";
    }
    return options;
}

}  // namespace multilabel
