// SPDX-License-Identifier: MIT
/// @file The comparison as a table, for a terminal, as markdown and as CSV, and as a chart.
#pragma once

#include "../multi_fashion/progress.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/espalier.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace balance_rules {

using espalier::concat, espalier::Index, espalier::Moments, espalier::Named, multi_fashion::text;

/// What one rule on one way of sharing reached on the test pairs with the learning rate that was best on validation, in percent over its
/// seeds.
struct Result {
    std::string rule;
    std::string way;  ///< of sharing
    Named<Moments> accuracy = {};
    double learning_rate = 0;
    Index diverged = 0;  ///< of the runs that count
    double drop = 0;     ///< Δm against the baselines, in percent: lower is better
    double rank = 0;     ///< mean over the tasks
    double step_ms = 0;
    double relative_step = 0;  ///< to that of the sum on hard sharing
    double step_mb = 0;        ///< the most that is in use at once, parameters and the optimizer's moments included
    Index parameters = 0;

    [[nodiscard]] double mean() const {
        double sum = 0;
        for (const auto& [task, moments] : accuracy)
            sum += moments.mean();
        return sum / static_cast<double>(accuracy.size());
    }
};

using Cells = std::vector<std::string>;

/// With `ways` results tell their way of sharing and what it takes.
[[nodiscard]] inline Cells header(const std::vector<std::string>& tasks, bool ways) {
    Cells cells{ways ? "way, rule" : "rule"};
    for (const std::string& task : tasks)
        cells.push_back(task + " %");
    for (const char* column : {"Δm %", "mean rank", "rate", "step ms", "x Sum"})
        cells.emplace_back(column);
    if (ways)
        cells.insert(cells.end(), {"step MB", "params"});
    return cells;
}

[[nodiscard]] inline std::string label(const Result& result, bool ways) { return (ways ? result.way + ", " : "") + result.rule; }

[[nodiscard]] inline Cells cells(const Result& result, bool ways) {
    Cells cells{label(result, ways) + (result.diverged > 0 ? text(" (%td diverged)", result.diverged) : "")};
    for (const auto& [task, moments] : result.accuracy)
        cells.push_back(text("%.2f ± %.2f", moments.mean(), moments.sample_deviation()));
    cells.push_back(text("%+.2f", result.drop));
    cells.push_back(result.rank > 0 ? text("%.1f", result.rank) : "");
    cells.push_back(text("%g", result.learning_rate));
    cells.push_back(text("%.2f", result.step_ms));
    cells.push_back(text("%.2f", result.relative_step));
    if (ways) {
        cells.push_back(text("%.1f", result.step_mb));
        cells.push_back(text("%td", result.parameters));
    }
    return cells;
}

/// The first column to the left, the others to the right, by columns on the screen and not by bytes.
[[nodiscard]] inline std::string line(const Cells& cells) {
    std::string result;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto shown = std::count_if(cells[i].begin(), cells[i].end(), [](char c) { return (c & 0xC0) != 0x80; });
        const std::string space(static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, (i == 0 ? 28 : i < 3 ? 14 : 9) - shown)), ' ');
        result += i == 0 ? cells[i] + space : "  " + space + cells[i];
    }
    return result;
}

[[nodiscard]] inline std::string markdown(const std::vector<Result>& results, const std::vector<std::string>& tasks, bool ways,
                                          const std::string& caption) {
    const auto row = [](const Cells& cells) {
        std::string result = "|";
        for (const std::string& cell : cells)
            result += " " + cell + " |";
        return result + "\n";
    };
    const Cells head = header(tasks, ways);
    std::string result = caption + "\n\n" + row(head) + "|---|";
    for (std::size_t i = 1; i < head.size(); ++i)
        result += "---:|";
    result += "\n";
    for (const Result& each : results)
        result += row(cells(each, ways));
    return result;
}

[[nodiscard]] inline std::string csv(const std::vector<Result>& results, const std::vector<std::string>& tasks) {
    std::string result = "rule,learning_rate,seeds,diverged";
    for (const std::string& task : tasks)
        result += "," + task + "_mean," + task + "_deviation";
    result += ",delta_m_drop,mean_rank,step_ms,step_relative_to_sum,way,step_mb,parameters\n";
    for (const Result& each : results) {
        result += concat(each.rule, text(",%g", each.learning_rate), ',', each.accuracy.begin()->second.count(), ',', each.diverged);
        for (const auto& [task, moments] : each.accuracy)
            result += text(",%.4f,%.4f", moments.mean(), moments.sample_deviation());
        result += text(",%.4f,%.3f,%.4f,%.4f,%s,%.3f,%td\n", each.drop, each.rank, each.step_ms, each.relative_step, each.way.c_str(),
                       each.step_mb, each.parameters);
    }
    return result;
}

/// What all accuracies of a chart lie in, whole steps of which there are about six.
struct Axis {
    double low, high, step;

    [[nodiscard]] static Axis around(double low, double high) {
        const double rough = std::max(high - low, 0.5) / 6;
        const double power = std::pow(10, std::floor(std::log10(rough)));
        const double step = power * (rough < 2 * power ? 2 : rough < 5 * power ? 5 : 10);
        return {std::floor(low / step) * step, std::ceil(high / step) * step, step};
    }
};

/// A row for each result, in the order given: a mark and a bar of one deviation to either side for each task, told apart by shape and
/// colour, and a dashed line for a network of that task alone. Two tasks.
[[nodiscard]] inline std::string draw_accuracies(const std::vector<Result>& results, const Named<double>& alone, bool ways,
                                                 const std::string& caption) {
    constexpr int left = 170, right = 120, top = 118, row = 26, plot = 640, bottom = 62;
    constexpr const char* colours[] = {"#0b6e8f", "#b8430b"};
    const auto height = top + row * static_cast<int>(results.size()) + bottom;
    const int width = left + plot + right;
    double low = 100, high = 0;
    const auto include = [&](double from, double to) {
        low = std::min(low, from);
        high = std::max(high, to);
    };
    for (const auto& [task, accuracy] : alone)
        include(accuracy, accuracy);
    for (const Result& result : results)
        for (const auto& [task, moments] : result.accuracy)
            include(moments.mean() - moments.sample_deviation(), moments.mean() + moments.sample_deviation());
    const Axis axis = Axis::around(low, high);
    const auto x = [&](double accuracy) { return left + plot * (accuracy - axis.low) / (axis.high - axis.low); };
    const auto mark = [&](std::size_t task, double at, double y) {
        return task == 0 ? text("<circle cx='%.1f' cy='%.1f' r='4.5' fill='%s'/>", at, y, colours[0])
                         : text("<path d='M%.1f %.1fl5 5-5 5-5-5z' fill='#fff' stroke='%s' stroke-width='2'/>", at, y - 5, colours[1]);
    };
    const int end = height - bottom;
    std::string svg = concat("<svg xmlns='http://www.w3.org/2000/svg' width='", width, "' height='", height, "' viewBox='0 0 ", width, ' ',
                             height, "' font-family='Helvetica, Arial, \"DejaVu Sans\", sans-serif' font-size='13' fill='#1b1f26'>\n",
                             "<rect width='100%' height='100%' fill='#fff'/>\n<text x='24' y='36' font-size='20' font-weight='bold'>",
                             "Test accuracy of each task under each rule", ways ? " and way of sharing" : "",
                             "</text>\n<text x='24' y='58' font-size='12' fill='#636b78'>", caption, "</text>\n");
    for (double tick = axis.low; tick <= axis.high + axis.step / 2; tick += axis.step)
        svg += text("<path d='M%.1f %dV%d' stroke='#dfe2e7'/><text x='%.1f' y='%d' text-anchor='middle' fill='#636b78'>%g</text>\n",
                    x(tick), top, end, x(tick), end + 18, std::round(tick * 1000) / 1000);
    svg += text("<text x='%d' y='%d' text-anchor='middle' fill='#636b78'>accuracy in %%, mean ± standard deviation over the seeds</text>\n",
                left + plot / 2, end + 40);
    svg += text("<text x='%d' y='%d' text-anchor='end' font-weight='bold'>Δm, lower is better</text>\n", width - 16, top - 8);
    std::size_t task_number = 0;
    for (const auto& [task, accuracy] : alone) {
        const int at = left + static_cast<int>(task_number) * 260;
        svg += mark(task_number, at, 82) + text("<text x='%d' y='86'>%s</text>", at + 12, task.c_str());
        svg += text("<path d='M%d 82h26M%.1f %dV%d' stroke='%s' stroke-dasharray='5 4'/><text x='%d' y='86'>trained alone</text>\n",
                    at + 70, x(accuracy), top, end, colours[task_number], at + 104);
        ++task_number;
    }
    double y = top + row / 2.0;
    for (const Result& result : results) {
        svg += text("<text x='%d' y='%.1f' text-anchor='end'>%s</text>", left - 14, y + 4.5, label(result, ways).c_str());
        task_number = 0;
        for (const auto& [task, moments] : result.accuracy) {
            const double at = y + (task_number == 0 ? -4 : 4);
            svg += text("<path d='M%.1f %.1fH%.1f' stroke='%s' stroke-width='2'/>", x(moments.mean() - moments.sample_deviation()), at,
                        x(moments.mean() + moments.sample_deviation()), colours[task_number]);
            svg += mark(task_number++, x(moments.mean()), at);
        }
        svg += text("<text x='%d' y='%.1f' text-anchor='end'>%+.2f %%</text>\n", width - 16, y + 4.5, result.drop);
        y += row;
    }
    return svg + "</svg>\n";
}

}  // namespace balance_rules
