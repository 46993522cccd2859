// SPDX-License-Identifier: MIT
/// @file How good a network is on held-out images, beside what needs no image, and what it says as text.
#pragma once

#include "training.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/auroc.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/precision_recall.hpp>
#include <espalier/metrics/regression.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace folder {

using Measures = std::vector<std::pair<const char*, double>>;

/// The mean area under the ROC curve of all labels that some images have and some have not. NaN if there are none.
[[nodiscard]] inline double mean_area(const Tensor<float>& said, const Target& target) {
    espalier::Moments areas;
    for (Index k = 0; k < said.size(1); ++k) {
        auto scores = Tensor<float>::empty({said.size(0)}), truth = Tensor<float>::empty({said.size(0)});
        auto mask = Tensor<bool>::empty({said.size(0)});
        bool both[2] = {false, false};
        for (Index i = 0; i < said.size(0); ++i) {
            const Index at = i * said.size(1) + k;
            scores[i] = said[at];
            truth[i] = target.values()[at];
            mask[i] = target.counts(at);
            if (mask[i])
                both[truth[i] > 0] = true;
        }
        espalier::metrics::AUROC<> area;
        area.update(scores, {truth, mask});
        if (both[0] && both[1])
            areas.add(area.value());
    }
    return areas.count() ? areas.mean() : std::nan("");
}

/// What outputs are worth on images, none of them without a label.
[[nodiscard]] inline Measures measure(const Column& column, const Tensor<float>& said, const Target& target) {
    using namespace espalier;
    const auto of = [&](auto metric) {
        metric.update(said, target);
        return metric.value();
    };
    if (column.kind == ColumnKind::classes)
        return {{"accuracy", of(metrics::Accuracy<>{})}, {"macro F1", of(metrics::F1Score<>{})}};
    if (column.kind == ColumnKind::labels)
        return {{"mean AUROC", mean_area(said, target)}, {"micro F1", of(metrics::BinaryF1Score<>{})}};
    Moments truth;
    for (Index i = 0; i < said.size(0); ++i)
        if (target.counts(i))
            truth.add(static_cast<double>(target.values()[i]));
    const double error = of(metrics::RMSE<>{});
    return {{"mean error", column.deviation * of(metrics::MAE<>{})},
            {"R2", truth.deviation() > 0 ? 1 - std::pow(error / truth.deviation(), 2) : std::nan("")}};
}

/// The best outputs that look at no image: how often each class or label is, or the mean.
[[nodiscard]] inline Tensor<float> guess(const Column& column, const Target& known, Index count) {
    std::vector<float> shares(static_cast<std::size_t>(column.outputs()), 0);
    for (Index i = 0; i < known.size(); ++i)
        for (Index k = 0; k < column.outputs() && column.kind == ColumnKind::labels; ++k)
            if (const Index at = i * column.outputs() + k; known.counts(at))
                shares[static_cast<std::size_t>(k)] += known.values()[at] - 0.5F;  // above 0 for what more than half have
            else
                break;
    for (Index i = 0; i < known.size() && column.kind == ColumnKind::classes; ++i)
        if (known.counts(i))
            ++shares[static_cast<std::size_t>(known.labels()[i])];
    auto said = Tensor<float>::empty({count, column.outputs()});
    for (Index i = 0; i < said.numel(); ++i)
        said[i] = shares[static_cast<std::size_t>(i % column.outputs())];
    return said;
}

/// A table of all columns on stdout.
inline void print_report(const Data& data, const Named<Tensor<float>>& said) {
    constexpr const char* kinds[] = {"", "class", "number", "labels"};
    std::printf("\n%-16s %-7s %5s %9s   %-10s %9s %9s\n", "column", "kind", "of", "labelled", "", "guessing", "network");
    for (const Column& column : data.columns) {
        const Target &known = data.train.targets().at(column.name), &target = data.test.targets().at(column.name);
        const auto samples = [&](const Target& of) { return static_cast<double>(of.counted()) / static_cast<double>(of.sample_numel()); };
        std::string of = column.kind == ColumnKind::number ? "" : std::to_string(column.labels.size());
        std::printf("%-16s %-7s %5s %7.0f %%", column.name.c_str(), kinds[static_cast<int>(column.kind)], of.c_str(),
                    100 * (samples(known) + samples(target)) / static_cast<double>(known.size() + target.size()));
        if (target.counted() == 0) {
            std::printf("   no held-out image is labelled\n");
            continue;
        }
        const auto guessed = measure(column, guess(column, known, target.size()), target);
        const auto reached = measure(column, said.at(column.name), target);
        for (std::size_t i = 0; i < reached.size(); ++i)
            std::printf("%*s   %-10s %9.3f %9.3f\n", i == 0 ? 0 : 40, "", reached[i].first, guessed[i].second, reached[i].second);
    }
}

/// What the outputs for image i say of a column.
[[nodiscard]] inline std::string say(const Column& column, const Tensor<float>& said, Index i) {
    const float* const row = said.data() + i * column.outputs();
    if (column.kind == ColumnKind::classes)
        return column.labels[static_cast<std::size_t>(std::max_element(row, row + column.outputs()) - row)];
    if (column.kind == ColumnKind::number) {
        const double value = column.mean + column.deviation * static_cast<double>(row[0]);
        return multi_fashion::text("%.*f", std::max(0, 2 - static_cast<int>(std::floor(std::log10(column.deviation)))), value);
    }
    std::string text;
    for (Index k = 0; k < column.outputs(); ++k)
        if (row[k] > 0)
            text += (text.empty() ? "" : std::string(1, column.separator)) + column.labels[static_cast<std::size_t>(k)];
    return text;
}

/// A table of what is said of each image, as CSV; images are named from `root` on.
[[nodiscard]] inline std::string predictions_csv(const std::vector<Column>& columns, const std::vector<std::filesystem::path>& paths,
                                                 const std::filesystem::path& root, const Named<Tensor<float>>& said) {
    const auto quoted = [](const std::string& text) {
        if (text.find_first_of(",\"\r\n") == text.npos)
            return text;
        std::string result = "\"";
        for (const char c : text)
            result += c == '"' ? "\"\"" : std::string(1, c);
        return result + '"';
    };
    std::string csv = "file";
    for (const Column& column : columns)
        csv += "," + quoted(column.name);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto below = paths[i].lexically_relative(root);  // empty for a path of the table that starts elsewhere
        csv += "\n" + quoted((below.empty() ? paths[i] : below).generic_string());
        for (const Column& column : columns)
            csv += "," + quoted(say(column, said.at(column.name), static_cast<Index>(i)));
    }
    return csv + "\n";
}

}  // namespace folder
