// SPDX-License-Identifier: MIT
/// @file How good answers are, as a table to read and as figures in JSON.
#pragma once

#include "training.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/metrics/average_precision.hpp>
#include <espalier/metrics/label_ranking.hpp>
#include <espalier/metrics/multilabel.hpp>
#include <espalier/mtl/comparison.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace multilabel {

struct Measure {
    const char* key;    ///< in the JSON
    const char* title;  ///< in the table
};
constexpr std::array<Measure, 6> measures{{{"micro_f1", "micro F1"},
                                           {"macro_f1", "macro F1"},
                                           {"hamming_loss", "Hamming loss"},
                                           {"ranking_average_precision", "ranking AP"},
                                           {"exact_match", "exact match"},
                                           {"mean_average_precision", "mean AP"}}};

struct Scores {
    std::array<double, measures.size()> values;  ///< in the order of `measures`
    Tensor<double> f1, average_precision;        ///< of each label, the latter NaN for one that never holds
};

/// Of logits (N, labels).
[[nodiscard]] inline Scores score(const Tensor<float>& logits, const Target& target) {
    using namespace espalier::metrics;
    const auto of = [&](auto metric) {
        metric.update(logits, target);
        return metric.value();
    };
    MultilabelF1Score<> f1;
    f1.update(logits, target);
    MultilabelAveragePrecision<> average_precision;
    average_precision.update(logits, target);
    return {{of(MultilabelF1Score<>{{.average = Average::micro}}), f1.value(), of(HammingLoss<>{}),
             of(MultilabelRankingAveragePrecision<>{}), of(ExactMatch<>{}), average_precision.value()},
            f1.by_label(),
            average_precision.by_label()};
}

/// The best logits that look at no input: of how often each label holds.
[[nodiscard]] inline Tensor<float> guess(const Target& known, Index rows) {
    const Index labels = known.shape()[1];
    auto logits = Tensor<float>::empty({rows, labels});
    for (Index label = 0; label < labels; ++label) {
        double holds = 0.5, does_not = 0.5;
        for (Index row = 0; row < known.size(); ++row)
            if (const Index at = row * labels + label; known.counts(at))
                ++(known.values()[at] > 0 ? holds : does_not);
        for (Index row = 0; row < rows; ++row)
            logits[row * labels + label] = static_cast<float>(std::log(holds / does_not));
    }
    return logits;
}

/// What the runs of one network reached.
struct Result {
    std::string net;
    Index parameters = 0;
    std::vector<Scores> runs = {};
};

inline void print_heading() {
    std::printf("%-10s %10s", "", "parameters");
    for (const Measure& measure : measures)
        std::printf("  %15s", measure.title);
    std::printf("\n");
}

/// One line; with several runs mean and standard error.
inline void print_result(const Result& result) {
    std::printf("%-10s %10s", result.net.c_str(), result.parameters ? std::to_string(result.parameters).c_str() : "");
    for (std::size_t i = 0; i < measures.size(); ++i) {
        espalier::Moments moments;
        for (const Scores& run : result.runs)
            moments.add(run.values[i]);
        if (result.runs.size() > 1)
            std::printf("  %6.4f ± %6.4f", moments.mean(), moments.sample_deviation() / std::sqrt(static_cast<double>(moments.count())));
        else
            std::printf("  %15.4f", moments.mean());
    }
    std::printf("\n");
    std::fflush(stdout);
}

/// How much better than the networks for each label alone every other one ranks the rows, in the mean over the labels: of the average
/// precision of each, means over the runs. Nothing without such networks.
inline void print_comparison(const std::vector<Result>& results) {
    const auto mean = [](const Result& result, Index label) {
        espalier::Moments moments;
        for (const Scores& run : result.runs)
            if (const double value = run.average_precision[label]; std::isfinite(value))
                moments.add(value);
        return moments.count() > 0 ? moments.mean() : 0.0;
    };
    for (const Result& alone : results)
        for (const Result& result : results) {
            if (alone.net != "single" || result.net == "single")
                continue;
            std::vector<espalier::mtl::MetricResult> compared;
            for (Index label = 0; label < alone.runs[0].average_precision.numel(); ++label)
                if (const double baseline = mean(alone, label); baseline > 0)  // of nothing there is no so-and-so much better
                    compared.push_back({mean(result, label), baseline});
            if (!compared.empty())
                std::printf("%-10s on average %+.1f %% better than single by the average precision of each label\n", result.net.c_str(),
                            espalier::mtl::delta_m_improvement(compared));
        }
}

/// What another program needs to do the same (benchmarks/pytorch/multilabel.py), and what came of it. `held_out` has the rows of each seed.
[[nodiscard]] inline std::string to_json(const Options& options, const std::vector<std::string>& labels, const std::vector<Result>& results,
                                         const std::vector<std::vector<Index>>& held_out) {
    nlohmann::ordered_json json{{"data", options.data.string()}, {"labels", labels},
                                {"rule", options.rule},          {"epochs", options.epochs},
                                {"batch", options.batch},        {"learning_rate", options.learning_rate},
                                {"held_out", held_out},          {"runs", nlohmann::ordered_json::array()}};
    for (const Result& result : results)
        for (std::size_t seed = 0; seed < result.runs.size(); ++seed) {
            nlohmann::ordered_json run{{"net", result.net}, {"seed", seed + 1}, {"parameters", result.parameters}};
            for (std::size_t i = 0; i < measures.size(); ++i)
                run[measures[i].key] = result.runs[seed].values[i];
            for (const auto& [key, of_labels] :
                 {std::pair{"f1", &result.runs[seed].f1}, std::pair{"average_precision", &result.runs[seed].average_precision}})
                run[key] = std::vector<double>(of_labels->begin(), of_labels->end());
            json["runs"].push_back(std::move(run));
        }
    return json.dump(1) + "\n";
}

/// Whether each label holds for each row, as CSV.
[[nodiscard]] inline std::string predictions_csv(const std::vector<std::string>& labels, const Tensor<float>& logits) {
    std::string csv;
    for (const std::string& label : labels) {
        std::string name = label;
        for (std::size_t at = 0; (at = name.find('"', at)) != name.npos; at += 2)
            name.insert(at, 1, '"');
        csv += (csv.empty() ? "\"" : ",\"") + name + '"';
    }
    for (Index i = 0; i < logits.numel(); ++i)
        csv += std::string(1, i % logits.size(1) ? ',' : '\n') + (logits[i] > 0 ? '1' : '0');
    return csv + "\n";
}

}  // namespace multilabel
