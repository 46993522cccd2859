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
#include <vector>

#ifndef ESPALIER_DATA_DIR
#define ESPALIER_DATA_DIR "examples/data"
#endif

namespace pronounce {

struct Options {
    std::string net = "gru";
    Index width = 128;
    std::string rule = "Sum";
    int epochs = 20;
    Index batch = 64;
    double learning_rate = 0.003;
    bool baselines = false;
    std::uint64_t seed = 1;
    int threads = 0;
    std::vector<std::string> words{"espalier", "pronounce", "photographer", "knightsbridge", "queueing", "xylophone"};
    bool prompt = false;
    std::filesystem::path data = ESPALIER_DATA_DIR "/cmudict/cmudict-20000.dict.gz", weights, json, out = ".";
};

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{
        "Trains one network on the letters of words: how many syllables one has, which of them has the main stress, the first\n"
        "and the last phone, and the whole pronunciation. Writes the weights and a picture of which letters each phone looks at;\n"
        "says words that it never saw. With --weights nothing is trained."};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type)->capture_default_str();
    };
    using examples::within;
    add("--net", options.net, "NAME", "what reads letters: 'conv', 'gru' or 'transformer'")->check(CLI::IsMember(nets).description(""));
    add("--width", options.width, "N", "features of a letter, a multiple of 8")->check(within(8, 4096));
    add("--rule", options.rule, "NAME", "what balances the tasks, as Sum, UW or UPGrad")
        ->check(CLI::IsMember(espalier::mtl::rule_names()).description(""));
    add("--epochs", options.epochs, "N", "passes over the words")->check(within(1, 1'000'000));
    add("--batch", options.batch, "N", "words a step")->check(within(1, 100'000));
    add("--learning-rate", options.learning_rate, "X", "of Adam, to which it rises, and from which it falls to 0")->check(within(0.0, 1e3));
    auto* const baselines = app.add_flag("--baselines", options.baselines,
                                         "train a network of each task alone as well, under the same recipe");
    add("--seed", options.seed, "N", "of the first weights and of the order of the words");
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--data", options.data, "FILE", "a dictionary as CMUdict has it, plain or .gz");
    add("--words", options.words, "WORDS", "to say at the end, parted by commas")->delimiter(',');
    app.add_flag("--prompt", options.prompt, "say the words that one types, a line each");
    auto* const weights = add("--weights", options.weights, "FILE", "pronounce.safetensors of a training; says words and trains nothing");
    weights->excludes(baselines);
    add("--out", options.out, "FOLDER", "for pronounce.safetensors and pronounce.svg");
    add("--json", options.json, "FILE", "for the figures")->excludes(weights);
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    espalier::require<espalier::ValueError>(options.width % 8 == 0, "pronounce", "expected a --width that is a multiple of 8, got ",
                                            options.width);
    for (const std::string& word : options.words)
        espalier::require<espalier::ValueError>(!word.empty(), "pronounce", "expected --words of at least one letter, got an empty one");
    return options;
}

}  // namespace pronounce
