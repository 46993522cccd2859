// SPDX-License-Identifier: MIT
/// @file The command line of the example.
#pragma once

#include "../program.hpp"
#include "network.hpp"

#include <espalier/mtl/balancing/by_name.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace census {

struct Options {
    std::filesystem::path data, weights, predict, runs, shared, out = ".";
    std::vector<std::string> tasks, ways = census::ways;
    std::string rule = "Sum";
    int seeds = 3, epochs = 20;
    Index known = 0, batch = 256;
    double learning_rate = 1e-3;
    bool household = true;
    int threads = 0;
};

namespace detail {

/// Those of `all` that are among the chosen ones, each once.
inline void put_in_order(std::vector<std::string>& chosen, const std::vector<std::string>& all) {
    std::vector<std::string> result;
    for (const std::string& name : all)
        if (std::find(chosen.begin(), chosen.end(), name) != chosen.end())
            result.push_back(name);
    chosen = std::move(result);
}

}  // namespace detail

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    std::vector<std::string> names;
    for (const Task& task : all_tasks)
        names.push_back(task.name);
    Options options;
    options.tasks = names;
    bool no_household = false;
    CLI::App app{
        "Learns from a census who earns more than 50,000 dollars, who has never married and who went to which school, by several ways of\n"
        "sharing. Without --data it is a part of UCI's Census-Income (KDD) that lies beside the program. Prints a table, draws it, and "
        "keeps\n"
        "the net that is best on the validation rows; or, with --predict, answers for the rows of another file."};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type);
    };
    using examples::within;
    auto* const table = add("--data", options.data, "FILE",
                            "census-income.data or .test (https://archive.ics.uci.edu/dataset/117), plain or .gz");
    add("--tasks", options.tasks, "NAMES", "to learn; what is not asked for is an input")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::IsMember(names).description(""));
    add("--ways", options.ways, "NAMES", "of sharing")->delimiter(',')->capture_default_str()->check(CLI::IsMember(ways).description(""));
    add("--rule", options.rule, "NAME", "what balances the tasks where they share, as Sum, UW or UPGrad")
        ->check(CLI::IsMember(mtl::rule_names()).description(""))
        ->capture_default_str();
    add("--seeds", options.seeds, "N", "runs of each, by which first weights and batches differ")
        ->check(within(1, 1000))
        ->capture_default_str();
    add("--epochs", options.epochs, "N", "passes over the rows")->check(within(1, 100'000))->capture_default_str();
    add("--train", options.known, "N", "rows, a tenth of them for validation; the rest is for the test (4 of 5)");
    add("--batch", options.batch, "N", "rows a step")->check(within(1, 1'000'000))->capture_default_str();
    add("--learning-rate", options.learning_rate, "X", "of Adam")->check(within(0.0, 1e3))->capture_default_str();
    app.add_flag("--no-household", no_household, "without the three columns of tax and household that nearly tell who is married");
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--runs", options.runs, "FILE", "for the result of every run, as CSV");
    add("--export", options.shared, "FILE", "write features and answers as safetensors, and stop");
    add("--out", options.out, "FOLDER", "for what is written");
    auto* const predict = add("--predict", options.predict, "FILE", "rows to answer for; nothing is trained")->excludes(table);
    predict->needs(add("--weights", options.weights, "FILE", "census.safetensors of a training")->needs(predict));
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    options.household = !no_household;
    detail::put_in_order(options.tasks, names);
    detail::put_in_order(options.ways, ways);
    if (options.data.empty())
        options.data = std::filesystem::path{ESPALIER_DATA_DIR} / "census" / "census-income-30000.gz";
    return options;
}

}  // namespace census
