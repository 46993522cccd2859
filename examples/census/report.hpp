// SPDX-License-Identifier: MIT
/// @file How good answers are, as a table to read and as CSV, and the answers.
#pragma once

#include "training.hpp"

#include <espalier/autograd/softmax.hpp>
#include <espalier/mtl/comparison.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace census {

using espalier::Moments;

/// What the runs of one way reached on the test rows.
struct Result {
    std::string way;
    Index parameters = 0;
    Moments epoch = {};
    std::vector<Named<double>> runs = {};

    [[nodiscard]] Moments of(const std::string& task) const {
        Moments moments;
        for (const auto& run : runs)
            moments.add(run.at(task));
        return moments;
    }
};

/// Of the mean.
[[nodiscard]] inline double standard_error(const Moments& moments) {
    return moments.sample_deviation() / std::sqrt(static_cast<double>(moments.count()));
}

/// Δm in percent, above 0 where the way is better than a net for each task: of every run against that of the same seed.
[[nodiscard]] inline Moments improvement(const Result& result, const Result& single) {
    Moments moments;
    for (std::size_t seed = 0; seed < result.runs.size(); ++seed) {
        std::vector<espalier::mtl::MetricResult> compared;
        for (const auto& [task, value] : result.runs[seed])
            compared.push_back({.value = value, .baseline = single.runs[seed].at(task)});
        moments.add(espalier::mtl::delta_m_improvement(compared));
    }
    return moments;
}

inline void print_heading(const std::vector<std::string>& tasks) {
    std::printf("%-14s %10s %6s", "", "parameters", "epoch");
    for (const std::string& task : tasks)
        std::printf("  %19s", (task + ", " + task_of(task).measure()).c_str());
    std::printf("  %16s\n", "Δm, %");
}

/// One line; with several runs mean and standard error.
inline void print_result(const Result& result, const std::vector<std::string>& tasks, const Result* single) {
    std::printf("%-14s %10td %6.1f", result.way.c_str(), result.parameters, result.epoch.mean());
    const auto print = [&](const Moments& moments, const char* alone, const char* with_error) {
        if (moments.count() > 1)
            std::printf(with_error, moments.mean(), standard_error(moments));
        else
            std::printf(alone, moments.mean());
    };
    for (const std::string& task : tasks)
        print(result.of(task), "  %19.4f", "  %10.4f ± %6.4f");
    if (single)
        print(improvement(result, *single), "  %+15.2f", "  %+8.2f ± %4.2f");
    std::printf("\n");
    std::fflush(stdout);
}

inline constexpr const char* runs_heading = "way,rule,seed,epochs,batch,learning_rate,parameters,best_epoch,task,validation,test\n";

/// What another program needs to do the same (benchmarks/pytorch/census.py), and what came of it.
[[nodiscard]] inline std::string csv_lines(const std::string& way, int seed, const Run& run, const Options& options) {
    std::string lines;
    for (const auto& [task, validation] : run.validation) {
        char values[64];
        std::snprintf(values, sizeof values, "%.6f,%.6f", validation, run.test.at(task));
        lines += espalier::concat(way, ',', way == "single-task" ? "Sum" : options.rule, ',', seed, ',', options.epochs, ',', options.batch,
                                  ',', options.learning_rate, ',', run.net.parameter_count(), ',', run.epoch, ',', task, ',', values, '\n');
    }
    return lines;
}

/// A line for each row: where it stands in its file, counted from 1, the probability of a yes, and the likeliest class. Without `rows` they
/// are those of the whole file.
[[nodiscard]] inline std::string predictions_csv(const Named<Tensor<float>>& said, const std::vector<Index>& rows = {}) {
    std::string csv = "line";
    for (const auto& [task, output] : said)
        csv += "," + task;
    const Index count = said.begin()->second.size(0);
    for (Index i = 0; i < count; ++i) {
        csv += espalier::concat('\n', (rows.empty() ? i : rows[static_cast<std::size_t>(i)]) + 1);
        for (const auto& [name, output] : said) {
            const Task& task = task_of(name);
            const float* const row = output.data() + i * task.outputs();
            char probability[16];
            std::snprintf(probability, sizeof probability, "%.3f", 1 / (1 + std::exp(-static_cast<double>(*row))));
            csv += "," +
                   (task.yes_or_no ? probability : task.texts[static_cast<std::size_t>(std::max_element(row, row + task.outputs()) - row)]);
        }
    }
    return csv + "\n";
}

}  // namespace census
