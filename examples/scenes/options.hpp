// SPDX-License-Identifier: MIT
/// @file The command line of the example.
#pragma once

#include "../program.hpp"
#include "ways.hpp"

#include <espalier/mtl/balancing/by_name.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#ifndef ESPALIER_DATA_DIR
#define ESPALIER_DATA_DIR "examples/data"
#endif

namespace scenes {

struct Options {
    std::string trunk = "unet";
    std::string way = "hard";
    std::string rule = "Sum";
    int epochs = 10;
    Index scenes = 2'000;
    Index batch = 4;
    double learning_rate = 0.003;
    double labels = 1;
    bool baselines = false;
    Index test_scenes = 300;
    std::uint64_t seed = 1;
    int threads = 0;
    std::filesystem::path data = ESPALIER_DATA_DIR "/fashion-mnist";
    std::filesystem::path out = ".";
    std::filesystem::path predict;
    std::filesystem::path weights;
    std::filesystem::path json;
    std::filesystem::path export_to;
};

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{
        "Trains one network with four heads on scenes of garments: which garment each pixel shows, where one ends, how far\n"
        "away it is, and a box around each. Writes the weights and a picture of predictions; or, with --predict, labels images."};
    app.get_formatter()->column_width(38);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type)->capture_default_str();
    };
    using examples::within;
    add("--trunk", options.trunk, "NAME", "'unet' or 'hardnet'")->check(CLI::IsMember(trunks).description(""));
    add("--way", options.way, "NAME", "how the tasks share: 'hard', 'mtan' or 'cross-stitch'")->check(CLI::IsMember(ways).description(""));
    add("--rule", options.rule, "NAME", "what balances the tasks, as Sum, UW or UPGrad")
        ->check(CLI::IsMember(mtl::rule_names()).description(""));
    add("--epochs", options.epochs, "N", "passes, each over scenes of its own")->check(within(1, 1'000'000));
    add("--scenes", options.scenes, "N", "scenes an epoch")->check(within(1, 100'000'000));
    add("--batch", options.batch, "N", "scenes a step")->check(within(1, 100'000));
    add("--learning-rate", options.learning_rate, "X", "of Adam, from which it falls to 0")->check(within(0.0, 1e3));
    add("--labels", options.labels, "X", "share of the scenes of which a task has labels")->check(within(0.01, 1.0));
    auto* const baselines = app.add_flag("--baselines", options.baselines,
                                         "train a network of each task alone as well, under the same recipe");
    add("--test-scenes", options.test_scenes, "N", "of garments that are never trained on")->check(within(12, 1'000'000));
    add("--seed", options.seed, "N", "of the first weights and of all scenes but those of the test");
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--data", options.data, "FOLDER", "the four IDX files of Fashion-MNIST, plain or .gz");
    add("--out", options.out, "FOLDER", "for scenes.safetensors and scenes.svg, or the labelled images");
    auto* const predict = add("--predict", options.predict, "FOLDER", "of PNG or JPEG images, which --weights label; nothing is trained");
    auto* const weights = add("--weights", options.weights, "FILE",
                              "of a training with the same --trunk and --way, or of PyTorch; scored, unless --predict");
    auto* const json = add("--json", options.json, "FILE", "for the figures");
    auto* const exported = add("--export", options.export_to, "FOLDER", "write the scenes of each epoch there as safetensors, and end");
    for (auto* const option : {baselines, exported})  // nothing is trained
        option->excludes(weights);
    exported->excludes(baselines)->excludes(json);
    json->excludes(predict);
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    return options;
}

}  // namespace scenes
