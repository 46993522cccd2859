// SPDX-License-Identifier: MIT
/// @file The command line of the example.
#pragma once

#include "../program.hpp"
#include "network.hpp"

#include <espalier/mtl/balancing/by_name.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace packages {

struct Options {
    std::filesystem::path input, weights, json, export_to, out = ".";
    int epochs = 10;
    Index batch = 256, width = 48, buckets = 32'768;
    double learning_rate = 0.01;
    std::string rule = "Sum";
    bool baselines = false, prompt = false;
    std::uint64_t seed = 1;
    int threads = 0;
};

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{
        "Learns from the names and one-line descriptions of packages what `apt-cache dumpavail` tells of them: the section, the\n"
        "tags role, implemented-in, interface and works-with, as far as a package has them, and its size.\n"
        "    apt-cache dumpavail | packages --input -"};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type)->capture_default_str();
    };
    using examples::within;
    auto* const input = add("--input", options.input, "FILE", "what `apt-cache dumpavail` printed, plain or .gz; - for the standard input");
    add("--epochs", options.epochs, "N", "passes over the packages")->check(within(1, 1'000'000));
    add("--batch", options.batch, "N", "packages a step")->check(within(1, 100'000));
    add("--width", options.width, "N", "numbers of a feature")->check(within(1, 4096));
    add("--buckets", options.buckets, "N", "that features fall into, of names and of words")->check(within(1, 100'000'000));
    add("--learning-rate", options.learning_rate, "X", "of Adam, from which it falls to 0")->check(within(0.0, 1e3));
    add("--rule", options.rule, "NAME", "what balances the tasks, as Sum, UW or UPGrad")
        ->check(CLI::IsMember(mtl::rule_names()).description(""));
    app.add_flag("--baselines", options.baselines, "train a network of each task alone as well, under the same recipe")->needs(input);
    add("--seed", options.seed, "N", "of the first weights and of the order of the packages");
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--out", options.out, "FOLDER", "for packages.safetensors");
    add("--json", options.json, "FILE", "for the figures")->needs(input);
    add("--export", options.export_to, "FILE", "write features and answers as safetensors, and end")->needs(input);
    add("--weights", options.weights, "FILE", "packages.safetensors of a training; nothing is trained")->excludes(input);
    app.add_flag("--prompt", options.prompt, "label the lines that one types: a name, and a description behind it");
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    using espalier::require;
    using espalier::ValueError;
    require<ValueError>(!options.input.empty() || (!options.weights.empty() && options.prompt), "packages",
                        "expected --input to train, or --weights and --prompt to label, got neither");
    require<ValueError>(!options.prompt || options.input != "-", "packages",
                        "expected one thing to come from the standard input, got --input - and --prompt");
    return options;
}

}  // namespace packages
