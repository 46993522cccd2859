// SPDX-License-Identifier: MIT
/// @file How right a network is on held-out packages, beside who reads nothing, and what it says as text.
#pragma once

#include "network.hpp"

#include <espalier/core/named.hpp>
#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/regression.hpp>
#include <espalier/mtl/comparison.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace packages {

using espalier::Named;

/// What outputs are worth on the packages that tell of the task.
[[nodiscard]] inline double measure(const Task& task, const Tensor<float>& said, const Target& target) {
    const auto of = [&](auto metric) {
        metric.update(said, target);
        return metric.value();
    };
    return task.kind == Kind::classes  ? of(espalier::metrics::Accuracy<>{})
           : task.kind == Kind::labels ? of(espalier::metrics::BinaryF1Score<>{})
                                       : task.deviation * of(espalier::metrics::RMSE<>{});
}

/// The best outputs for who reads nothing: the most frequent class, the labels that at least a third have, the mean.
[[nodiscard]] inline Tensor<float> guess(const Task& task, const Target& known, Index count) {
    std::vector<float> shares(static_cast<std::size_t>(task.outputs()), 0);
    for (Index i = 0; i < known.size(); ++i)
        for (Index k = 0; k < task.outputs() && task.kind != Kind::number; ++k)
            if (task.kind == Kind::classes && known.counts(i))
                shares[static_cast<std::size_t>(k)] += known.labels()[i] == k;
            else if (task.kind == Kind::labels && known.counts(i * task.outputs() + k))
                shares[static_cast<std::size_t>(k)] += known.values()[i * task.outputs() + k] - 1.0F / 3;
    auto said = Tensor<float>::empty({count, task.outputs()});
    for (Index i = 0; i < said.numel(); ++i)
        said[i] = shares[static_cast<std::size_t>(i % task.outputs())];
    return said;
}

/// Packages of which a task is known.
[[nodiscard]] inline Index known_of(const Target& target) { return target.counted() / std::max<Index>(target.sample_numel(), 1); }

/// By task, what is said of it in `said`, as far as held-out packages tell.
[[nodiscard]] inline Named<double> score(const std::vector<Task>& tasks, const Named<Tensor<float>>& said,
                                         const espalier::losses::Targets<float>& held_out) {
    Named<double> figures;
    for (const Task& task : tasks)
        if (known_of(held_out.at(task.name)) > 0)
            figures.insert(task.name, measure(task, said.at(task.name), held_out.at(task.name)));
    return figures;
}

/// Of who reads nothing, of the network of all tasks, and of one for each, if there are such.
struct Figures {
    Named<double> guessing = {}, together = {}, alone = {};
};

[[nodiscard]] inline Named<double> score_guesses(const std::vector<Task>& tasks, const espalier::losses::Targets<float>& known,
                                                 const espalier::losses::Targets<float>& held_out) {
    Named<Tensor<float>> said;
    for (const Task& task : tasks)
        said.insert(task.name, guess(task, known.at(task.name), held_out.at(task.name).size()));
    return score(tasks, said, held_out);
}

inline void print_report(const std::vector<Task>& tasks, const espalier::losses::Targets<float>& known,
                         const espalier::losses::Targets<float>& held_out, const Figures& figures) {
    constexpr const char* kinds[] = {"class", "labels", "number"};
    constexpr const char* names[] = {"accuracy", "micro F1", "RMSE, decades"};
    std::printf("\n%-16s %-7s %4s %9s   %-14s %8s %8s%s\n", "task", "kind", "of", "known", "", "guessing", "network",
                figures.alone.empty() ? "" : "    alone");
    std::vector<espalier::mtl::MetricResult> compared;
    for (const Task& task : tasks) {
        const auto kind = static_cast<std::size_t>(task.kind);
        const Target &train = known.at(task.name), &test = held_out.at(task.name);
        const double share = static_cast<double>(known_of(train) + known_of(test)) / static_cast<double>(train.size() + test.size());
        std::printf("%-16s %-7s %4s %7.0f %%   %-14s", task.name.c_str(), kinds[kind],
                    task.kind == Kind::number ? "" : std::to_string(task.outputs()).c_str(), 100 * share, names[kind]);
        const double* const together = figures.together.find(task.name);
        if (!together) {
            std::printf(" no held-out package tells\n");
            continue;
        }
        std::printf(" %8.3f %8.3f", figures.guessing.at(task.name), *together);
        if (const double* const alone = figures.alone.find(task.name)) {
            std::printf(" %8.3f", *alone);
            if (*alone != 0)  // of nothing there is no so-and-so much better
                compared.push_back({*together, *alone, task.kind != Kind::number});
        }
        std::printf("\n");
    }
    if (!compared.empty())
        std::printf("on average %+.1f %% better together than alone\n", espalier::mtl::delta_m_improvement(compared));
}

/// All that is said of the i-th package, in a line.
[[nodiscard]] inline std::string line_of(const std::vector<Task>& tasks, const Named<Tensor<float>>& said, Index i) {
    std::string line;
    for (const Task& task : tasks) {
        const float* const row = said.at(task.name).data() + i * task.outputs();
        std::string text;
        if (task.kind == Kind::number) {
            char number[32];
            std::snprintf(number, sizeof number, "%.0f KiB",
                          std::pow(10, task.mean + task.deviation * std::clamp<double>(static_cast<double>(row[0]), -6, 6)) - 1);
            text = number;
        }
        if (task.kind == Kind::classes)
            text = task.labels[static_cast<std::size_t>(std::max_element(row, row + task.outputs()) - row)];
        for (Index k = 0; task.kind == Kind::labels && k < task.outputs(); ++k)
            if (row[k] > 0)
                text += (text.empty() ? "" : ", ") + task.labels[static_cast<std::size_t>(k)];
        if (!text.empty())
            line += (line.empty() ? "" : "; ") + task.name + " " + text;
    }
    return line;
}

}  // namespace packages
