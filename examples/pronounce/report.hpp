// SPDX-License-Identifier: MIT
/// @file How right a network is on held-out words, beside who always says the same, as a table and as JSON.
#pragma once

#include "options.hpp"
#include "speech.hpp"

#include <espalier/io/file.hpp>
#include <espalier/metrics/error_rate.hpp>
#include <espalier/mtl/comparison.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace pronounce {

/// What is measured of a task.
struct Measure {
    std::string key, task, name;
    bool higher_is_better = true;
};
inline const std::vector<Measure> measures{
    {"syllables", "syllables", "accuracy"},
    {"stress", "stress", "accuracy"},
    {"first", "first", "accuracy"},
    {"last", "last", "accuracy"},
    {"phones", pronunciation, "phone error rate", false},
    {"words", pronunciation, "word error rate", false},
};

namespace detail {

[[nodiscard]] inline double share_of_right(const Tensor<Index>& said, const espalier::losses::Target<float>& truth) {
    Index right = 0;
    for (Index i = 0; i < said.numel(); ++i)
        right += truth.counts(i) && said[i] == truth.labels()[i];
    return static_cast<double>(right) / static_cast<double>(std::max<Index>(truth.counted(), 1));
}

/// The class that most have.
[[nodiscard]] inline Index most_frequent(const espalier::losses::Target<float>& known) {
    std::vector<Index> counts(64, 0);
    for (Index i = 0; i < known.size(); ++i)
        if (known.counts(i)) {
            const auto label = static_cast<std::size_t>(known.labels()[i]);
            counts.resize(std::max(counts.size(), label + 1));
            ++counts[label];
        }
    return std::max_element(counts.begin(), counts.end()) - counts.begin();
}

}  // namespace detail

/// The figures of all tasks that were said, by the keys of `measures`.
[[nodiscard]] inline Named<double> score(const Speech& said, const data::Dataset<>& test) {
    Named<double> figures;
    for (const auto& [task, classes] : said.classes)
        figures.insert(task, detail::share_of_right(classes, test.target(task)));
    if (said.phones.size() == test.size()) {
        espalier::metrics::ErrorRate rate;
        const auto& truth = data::sequences_of(test.named_inputs(), "phones");
        for (Index i = 0; i < truth.size(); ++i)
            rate.update(said.phones[i], truth[i].subspan(1, truth[i].size() - 2));  // without beginning and end
        figures.insert("phones", rate.value());
        figures.insert("words", rate.sequence_error_rate());
    }
    return figures;
}

/// Who looks at no letter, and says what most words are.
[[nodiscard]] inline Named<double> score_guesses(const data::Dataset<>& train, const data::Dataset<>& test) {
    Speech said;
    for (const std::string& task : class_tasks)
        said.classes.insert(task, Tensor<Index>::full({test.size()}, detail::most_frequent(train.target(task))));
    return score(said, test);
}

inline void print_scores(const Named<double>& guessed, const Named<double>& together, const Named<double>& alone) {
    std::printf("\n%-14s %-17s %9s %9s%s\n", "task", "", "guessing", "together", alone.empty() ? "" : "     alone");
    std::vector<espalier::mtl::MetricResult> compared;
    for (const Measure& measure : measures) {
        std::printf("%-14s %-17s ", measure.task.c_str(), measure.name.c_str());
        if (const double* const guess = guessed.find(measure.key))
            std::printf("%7.1f %%", 100 * *guess);
        else
            std::printf("%9s", "");
        std::printf(" %7.1f %%", 100 * together.at(measure.key));
        if (const double* const single = alone.find(measure.key)) {
            std::printf(" %7.1f %%", 100 * *single);
            if (*single != 0)  // of nothing there is no so-and-so much better
                compared.push_back({together.at(measure.key), *single, measure.higher_is_better,
                                    measure.task == pronunciation ? 0.5 : 1.0});
        }
        std::printf("\n");
    }
    if (!compared.empty())
        std::printf("on average %+.1f %% better together than alone\n", espalier::mtl::delta_m_improvement(compared));
}

/// A word and all that is said of it, in a line.
[[nodiscard]] inline std::string line_of(const Recipe& recipe, const std::string& word, const Speech& said, Index i) {
    std::string line = word + ":";
    if (recipe.has(pronunciation))
        line += " " + recipe.language.phones.decode(said.phones[i]) + ";";
    for (const auto& [task, classes] : said.classes)
        line += " " + task + " " + recipe.language.classes.at(task)[static_cast<std::size_t>(classes[i])] + ",";
    line.back() = '\n';
    return line;
}

inline void write_json(const std::filesystem::path& path, const Options& options, const Named<double>& together, const Named<double>& alone,
                       double seconds, double processor_seconds) {
    nlohmann::ordered_json json{{"net", options.net},       {"width", options.width}, {"rule", options.rule},
                                {"epochs", options.epochs}, {"batch", options.batch}, {"learning_rate", options.learning_rate},
                                {"seed", options.seed},     {"seconds", seconds},     {"processor_seconds", processor_seconds}};
    for (const auto& [name, figures] : {std::pair{"together", &together}, std::pair{"alone", &alone}})
        for (const auto& [key, value] : *figures)
            json[name][key] = value;
    io::write_file(path, json.dump(1) + "\n");
}

}  // namespace pronounce
