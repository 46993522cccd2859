// SPDX-License-Identifier: MIT
/// @file What a run found: tables to read and figures in JSON.
#pragma once

#include "drawing.hpp"
#include "options.hpp"
#include "progress.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace multi_fashion {

struct Epoch {
    double seconds;
    Scores train;  ///< on each batch before the step that it leads to
    std::optional<Scores> validation;
};

inline void print_scores(const Scores& scores, Index pairs) {
    std::printf("\n%-8s  %13s  %9s\n", "task", "test accuracy", "test loss");
    for (const auto& [task, score] : scores)
        std::printf("%-8s  %11.2f %%  %9.4f\n", task.c_str(), 100 * score.accuracy, score.loss);
    std::printf("on %td test pairs\n\n", pairs);
}

/// One line for each of the first `count` pairs.
inline void print_predictions(const std::vector<DrawnTask>& tasks, Index count) {
    std::printf("test pair");
    for (const DrawnTask& task : tasks)
        std::printf("  %-30s", task.title.c_str());
    std::printf("\n");
    const auto name = [](Index label) { return std::string{class_names[static_cast<std::size_t>(label)]}; };
    for (Index i = 0; i < count; ++i) {
        std::printf("%9td", i);
        for (const DrawnTask& task : tasks) {
            const Index given = answer(task.scores, i).label;
            const Index truth = task.labels.at(i);
            std::printf("  %-30s", (name(given) + (given == truth ? ", right" : ", wrong: " + name(truth))).c_str());
        }
        std::printf("\n");
    }
    std::printf("\n");
}

namespace detail {

/// `{"left": {"loss": [...], "accuracy": [...]}, ...}` over the epochs.
[[nodiscard]] inline nlohmann::ordered_json curves(const std::vector<Scores>& epochs) {
    nlohmann::ordered_json json;
    for (const Scores& scores : epochs)
        for (const auto& [task, score] : scores) {
            json[task]["loss"].push_back(score.loss);
            json[task]["accuracy"].push_back(score.accuracy);
        }
    return json;
}

}  // namespace detail

/// All figures of a run. `benchmarks/pytorch/multi_fashion.py` writes the same keys.
inline void write_json(const std::filesystem::path& path, const Options& options, const std::vector<Epoch>& epochs, const Scores& test,
                       Index train_pairs, Index test_pairs, Index parameters) {
    std::vector<Scores> train, validation;
    double seconds = 0;
    for (const Epoch& epoch : epochs) {
        seconds += epoch.seconds;
        train.push_back(epoch.train);
        if (epoch.validation)
            validation.push_back(*epoch.validation);
    }
    const espalier::BuildInfo build = espalier::build_info();
    nlohmann::ordered_json json{{"net", options.net},
                                {"data", options.data.string()},
                                {"canvas", options.canvas},
                                {"epochs", options.epochs},
                                {"batch", options.batch},
                                {"learning_rate", options.learning_rate},
                                {"momentum", options.momentum},
                                {"seed", options.seed},
                                {"data_seed", options.data_seed},
                                {"threads", espalier::num_threads()},
                                {"train_pairs", train_pairs},
                                {"fixed", options.fixed},
                                {"test_pairs", test_pairs},
                                {"parameters", parameters},
                                {"train", detail::curves(train)}};
    if (!validation.empty())
        json["validation"] = detail::curves(validation);
    for (const auto& [task, score] : test) {
        json["test_accuracy"][task] = score.accuracy;
        json["test_loss"][task] = score.loss;
    }
    json["seconds_per_epoch"] = seconds / static_cast<double>(epochs.size());
    json["build"] = {{"version", build.version}, {"eigen", build.eigen},         {"compiler", build.compiler},
                     {"isa", build.isa},         {"optimized", build.optimized}, {"text", build.text()}};
    espalier::io::write_file(path, json.dump(2) + "\n");
}

}  // namespace multi_fashion
