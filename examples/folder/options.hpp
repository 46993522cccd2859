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

namespace folder {

struct Options {
    std::filesystem::path images, labels, predict, weights, out = ".";
    std::string file_column, separator;
    std::vector<std::string> columns, classes, numbers, multi;
    std::string net = "resnet18";
    Index size = 64;
    int epochs = 8;
    Index batch = 32;
    double learning_rate = 0.002;
    double test = 0.2;
    std::string rule = "Sum";
    std::uint64_t seed = 1;
    int threads = 0;
};

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{
        "Trains one network on a folder of images and a CSV of their labels, a head for each column: classes, numbers, or several\n"
        "labels at once, told by the cells. Empty cells are left out. Without --labels the folders in the folder are the classes.\n"
        "Writes the weights, predictions of held-out images and a picture of some; or, with --predict, labels other images."};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type);
    };
    using examples::within;
    add("--images", options.images, "FOLDER", "of PNG or JPEG images");
    auto* const labels = add("--labels", options.labels, "FILE", "the CSV, whose first row names the columns")->needs("--images");
    add("--file-column", options.file_column, "NAME", "of the images' names; else 'file', 'filename', 'image' or the first one")
        ->needs(labels);
    add("--columns", options.columns, "NAMES", "the columns to learn, parted by commas; else all")->delimiter(',')->needs(labels);
    add("--class", options.classes, "NAMES", "columns that are classes, whatever they look like")->delimiter(',')->needs(labels);
    add("--number", options.numbers, "NAMES", "columns that are numbers")->delimiter(',')->needs(labels);
    add("--multi", options.multi, "NAMES", "columns of several labels a cell")->delimiter(',')->needs(labels);
    add("--separator", options.separator, "C", "between these labels; else '|' or ';'")
        ->check([](const std::string& text) { return text.size() == 1 ? std::string{} : "expected one character, got '" + text + "'"; })
        ->needs(labels);
    add("--size", options.size, "N", "pixels each side that images are brought to, whatever their shape")
        ->check(within(16, 1024))
        ->capture_default_str();
    add("--net", options.net, "NAME", "resnet18, resnet34, resnet50, or, smaller, resnet20")
        ->check(CLI::IsMember(nets).description(""))
        ->capture_default_str();
    add("--epochs", options.epochs, "N", "passes over the images")->check(within(1, 1'000'000))->capture_default_str();
    add("--batch", options.batch, "N", "images a step")->check(within(2, 100'000))->capture_default_str();
    add("--learning-rate", options.learning_rate, "X", "of Adam, from which it falls to 0")->check(within(0.0, 1e3))->capture_default_str();
    add("--test", options.test, "X", "share of the images that is held out")->check(within(0.01, 0.9))->capture_default_str();
    add("--rule", options.rule, "NAME", "what balances the columns, as Sum, UW or UPGrad")
        ->check(CLI::IsMember(espalier::mtl::rule_names()).description(""))
        ->capture_default_str();
    add("--seed", options.seed, "N", "of the first weights, and of which images are held out")->capture_default_str();
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--out", options.out, "FOLDER", "for what is written");
    auto* const predict = add("--predict", options.predict, "FOLDER", "of images to label; nothing is trained")->excludes("--images");
    predict->needs(add("--weights", options.weights, "FILE", "folder.safetensors of a training")->needs(predict));
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    espalier::require<espalier::ValueError>(!options.images.empty() || !options.predict.empty(), "folder",
                                            "expected --images to train, or --predict to label, got neither");
    return options;
}

}  // namespace folder
