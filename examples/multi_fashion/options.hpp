// SPDX-License-Identifier: MIT
/// @file The command line of the example.
#pragma once

#include "../program.hpp"
#include "dataset.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#ifndef ESPALIER_DATA_DIR
#define ESPALIER_DATA_DIR "examples/data"
#endif

namespace multi_fashion {

struct Options {
    std::string net = "reference";
    int epochs = 5;
    Index batch = 64;
    double learning_rate = 0.02;
    double momentum = 0.9;
    std::uint64_t seed = 1;
    std::uint64_t data_seed = 1;
    int threads = 0;
    Index pairs = 40'000;
    bool fixed = false;
    Index canvas = pair_side;
    double validation = 0;
    std::filesystem::path data = ESPALIER_DATA_DIR "/fashion-mnist";
    std::filesystem::path out = ".";
    std::filesystem::path json;
    std::filesystem::path export_to;
};

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{
        "Trains one network with two heads on pairs of garments that overlap on one canvas: the task 'left' names\n"
        "the one at the upper left, the task 'right' the other. Writes the weights and a drawing of predictions."};
    app.get_formatter()->column_width(40);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type)->capture_default_str();
    };
    using examples::within;
    add("--net", options.net, "NAME", "'reference' or 'lenet'")->check(CLI::IsMember({"reference", "lenet"}).description(""));
    add("--epochs", options.epochs, "N", "passes over the training pairs")->check(within(1, 1'000'000));
    add("--batch", options.batch, "N", "pairs a step")->check(within(1, 1'000'000));
    add("--learning-rate", options.learning_rate, "X", "of SGD")->check(within(0.0, 1e6));
    add("--momentum", options.momentum, "X", "of SGD, below 1")->check(within(0.0, 1.0));
    add("--seed", options.seed, "N", "of the first weights, the order of batches and new pairs");
    add("--data-seed", options.data_seed, "N", "of the pairs that stay: for tests, validation and --fixed");
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--pairs", options.pairs, "N", "training pairs an epoch, 0 for one an image")->check(within(0, 100'000'000));
    app.add_flag("--fixed", options.fixed, "the same pairs in every epoch; otherwise each epoch draws new ones");
    add("--canvas", options.canvas, "N", "pixels a side, 36 or more")->check(within(static_cast<int>(pair_side), 4096));
    add("--validation", options.validation, "X", "share of the garments kept back, to validate each epoch")->check(within(0.0, 0.9));
    add("--data", options.data, "FOLDER", "the four IDX files of Fashion-MNIST, plain or .gz");
    add("--out", options.out, "FOLDER", "for multi_fashion.safetensors and predictions.svg");
    add("--json", options.json, "FILE", "for the figures");
    add("--export", options.export_to, "FILE", "write the test pairs and those of --fixed there as safetensors, and end");
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    return options;
}

}  // namespace multi_fashion
