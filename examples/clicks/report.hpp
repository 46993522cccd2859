// SPDX-License-Identifier: MIT
/// @file How far what a net says of all impressions is from what is true of them.
#pragma once

#include "log.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/metrics/auroc.hpp>
#include <espalier/mtl/multi_task_net.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace clicks {

/// What a net, or a simulation, gives for each impression, (N, 1): the purchase is the one after a click.
struct Rates {
    Tensor<float> click, purchase, both;
};

[[nodiscard]] inline Rates predict(const mtl::MultiTaskNet<>& net, const data::Inputs<>& inputs) {
    const auto logits = net.predict(inputs, 4096);
    const auto rate = [&](const std::string& task) {
        auto result = logits.at(task);
        for (float& value : result)
            value = 1 / (1 + std::exp(-value));
        return result;
    };
    Rates rates{rate("click"), {}, rate("both")};
    if (logits.contains("purchase")) {
        rates.purchase = rate("purchase");
    } else {  // a net that says how probable both are
        rates.purchase = rates.both;
        for (Index i = 0; i < rates.both.numel(); ++i)
            rates.purchase[i] = std::min(1.0F, rates.both[i] / std::max(rates.click[i], 1e-9F));
    }
    return rates;
}

[[nodiscard]] inline Rates true_rates(std::span<const Impression> rows) {
    const Shape shape{static_cast<Index>(rows.size()), 1};
    Rates rates{Tensor<float>{shape}, Tensor<float>{shape}, Tensor<float>{shape}};
    for (Index i = 0; i < shape[0]; ++i) {
        const Impression& row = rows[static_cast<std::size_t>(i)];
        rates.click[i] = row.click_rate;
        rates.purchase[i] = row.purchase_rate;
        rates.both[i] = row.click_rate * row.purchase_rate;
    }
    return rates;
}

/// The mean rate of purchases of all impressions, and of those that were clicked and were not.
struct Means {
    double all, clicked, others;
};

struct Result {
    std::string name;
    Means means;
    double error;  ///< mean distance of the purchase's rate from the true one
    double click_area, purchase_area, both_area;
    Rates rates;
    Index parameters = 0;
};

/// Of a log that is not simulated what was bought is known of what was clicked alone: the area is of that, and there is no error.
[[nodiscard]] inline Result measure(const std::string& name, Rates rates, const Log& log) {
    const std::span<const Impression> rows{log.test};
    const auto area = [&](const char* what, const Tensor<float>& scores, const auto& outcome, const auto& counts) {
        Tensor<float> truth{scores.shape()};
        Tensor<bool> mask{scores.shape()};
        for (Index i = 0; i < scores.numel(); ++i) {
            truth[i] = outcome(rows[static_cast<std::size_t>(i)]) ? 1.0F : 0.0F;
            mask[i] = counts(rows[static_cast<std::size_t>(i)]);
        }
        metrics::AUROC<> result;
        result.update(scores, {std::move(truth), std::move(mask)});
        try {
            return result.value();
        } catch (Error& error) {
            error.append(concat(" to whether there is a ", what, " in the part of the log that is for the test"));
            throw;
        }
    };
    Moments all, clicked, others, error;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto rate = static_cast<double>(rates.purchase[static_cast<Index>(i)]);
        all.add(rate);
        (rows[i].clicked ? clicked : others).add(rate);
        error.add(std::abs(rate - static_cast<double>(rows[i].purchase_rate)));
    }
    const auto every = [](const Impression&) { return true; };
    Result result{.name = name,
                  .means = {all.mean(), clicked.mean(), others.mean()},
                  .error = error.mean(),
                  .click_area = area(
                      "click", rates.click, [](const Impression& row) { return row.clicked; }, every),
                  .purchase_area = area(
                      "purchase", rates.purchase, [](const Impression& row) { return row.bought; },
                      [&](const Impression& row) { return log.simulated || row.clicked; }),
                  .both_area = area(
                      "click and a purchase", rates.both, [](const Impression& row) { return row.clicked && row.bought; }, every),
                  .rates = {}};
    result.rates = std::move(rates);
    return result;
}

/// A table of all nets, and beneath it of the true rates, if they are known.
inline void print_table(const std::vector<Result>& results, const std::optional<Result>& truth) {
    std::printf("\n%-11s  %29s  %24s\n%-11s  %5s %7s %7s %7s  %7s %9s %7s\n", "", "mean rate of purchases", "area under the ROC curve",
                "net", "all", "clicked", "others", truth ? "error" : "", "click", "purchase", "both");
    const auto print = [&](const Result& result, bool with_error) {
        std::printf("%-11s  %5.3f %7.3f %7.3f ", result.name.c_str(), result.means.all, result.means.clicked, result.means.others);
        if (with_error)
            std::printf("%7.4f", result.error);
        else
            std::printf("%7s", "");
        std::printf("  %7.4f %9.4f %7.4f\n", result.click_area, result.purchase_area, result.both_area);
    };
    for (const Result& result : results)
        print(result, truth.has_value());
    if (truth)
        print(*truth, false);
}

/// The items that a visitor will most probably click and buy.
inline void print_choices(const mtl::MultiTaskNet<>& net, const Log& log) {
    for (const Visitor& visitor : log.visitors) {
        const auto said = predict(net, inputs_of(log.catalogue, visitor.choices));
        std::vector<std::size_t> order(visitor.choices.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            order[i] = i;
        const auto both = [&](std::size_t i) { return said.both[static_cast<Index>(i)]; };
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return both(a) > both(b); });
        order.resize(std::min<std::size_t>(order.size(), 5));
        std::printf("\n%-40s  %5s %8s %6s%s\n", visitor.name.c_str(), "click", "purchase", "both", log.simulated ? "   true" : "");
        for (const std::size_t i : order) {
            const auto at = static_cast<Index>(i);
            const Impression& row = visitor.choices[i];
            std::printf("  %-38s  %5.3f %8.3f %6.3f", log.catalogue.item_names[static_cast<std::size_t>(row.item)].substr(0, 38).c_str(),
                        static_cast<double>(said.click[at]), static_cast<double>(said.purchase[at]), static_cast<double>(said.both[at]));
            if (log.simulated)
                std::printf("  %5.3f", static_cast<double>(row.click_rate * row.purchase_rate));
            std::printf("\n");
        }
    }
}

}  // namespace clicks
