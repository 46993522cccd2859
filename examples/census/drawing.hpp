// SPDX-License-Identifier: MIT
/// @file What each way reaches at each task, as dots with their standard errors in an SVG file that any browser shows.
#pragma once

#include "../multi_fashion/progress.hpp"
#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace census {

namespace detail {

/// A step of an axis, 1, 2 or 5 times a power of ten, that parts a length into five at most.
[[nodiscard]] inline double step_of(double length) {
    const double power = std::pow(10.0, std::floor(std::log10(length / 5)));
    const double least = length / 5 / power;
    return power * (least <= 1 ? 1 : least <= 2 ? 2 : least <= 5 ? 5 : 10);
}

}  // namespace detail

/// A panel for each task, on a scale of its own, and in it a row for each way. A broken line stands at a net for each task, where that is
/// known.
[[nodiscard]] inline std::string draw(const std::vector<std::string>& tasks, const std::vector<Result>& results, const Result* single) {
    using multi_fashion::text;
    constexpr int left = 140, top = 112, side = 250, gap = 36, row = 28;
    const int rows = static_cast<int>(results.size()), bottom = top + row * rows;
    const int width = left + (side + gap) * static_cast<int>(tasks.size()), height = bottom + 52;
    std::string svg = text(
        "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' font-family='Helvetica, Arial, "
        "\"DejaVu Sans\", sans-serif' font-size='13' fill='#1b1f26'>\n<rect width='100%%' height='100%%' fill='#fff'/>\n"
        "<text x='24' y='38' font-size='20' font-weight='bold'>Ways of sharing on rows held out</text>\n"
        "<text x='24' y='62' font-size='12' fill='#636b78'>mean and standard error of %zu run%s; to the right is better</text>\n",
        width, height, width, height, results[0].runs.size(), results[0].runs.size() == 1 ? "" : "s");
    for (int i = 0; i < rows; ++i)
        svg += text("<text x='%d' y='%d' text-anchor='end'>%s</text>\n", left - 14, top + row * i + row / 2 + 4,
                    results[static_cast<std::size_t>(i)].way.c_str());
    int x = left;
    for (const std::string& task : tasks) {
        double low = 1, high = 0;
        for (const Result& result : results) {
            const Moments moments = result.of(task);
            low = std::min(low, moments.mean() - standard_error(moments));
            high = std::max(high, moments.mean() + standard_error(moments));
        }
        const double room = std::max(0.1 * (high - low), 0.0005);
        low -= room;
        high += room;
        const auto at = [&](double value) { return x + side * (value - low) / (high - low); };
        svg += text("<text x='%d' y='%d' font-weight='bold'>%s, %s</text>\n", x, top - 14, task.c_str(), task_of(task).measure());
        const double step = detail::step_of(high - low);
        for (double value = std::ceil(low / step) * step; value <= high; value += step)
            svg += text(
                "<path d='M%.1f %dV%d' stroke='#dfe2e7'/><text x='%.1f' y='%d' text-anchor='middle' font-size='11' fill='#636b78'>%.*f"
                "</text>\n",
                at(value), top, bottom, at(value), bottom + 18, static_cast<int>(std::max(0.0, -std::floor(std::log10(step)))), value);
        if (single)
            svg += text("<path d='M%.1f %dV%d' stroke='#b8430b' stroke-dasharray='4 3'/>\n", at(single->of(task).mean()), top, bottom);
        for (int i = 0; i < rows; ++i) {
            const Moments moments = results[static_cast<std::size_t>(i)].of(task);
            const double error = standard_error(moments);
            svg += text("<path d='M%.1f %dH%.1f' stroke='#0b6e8f' stroke-width='2'/><circle cx='%.1f' cy='%d' r='4.5' fill='#0b6e8f'/>\n",
                        at(moments.mean() - error), top + row * i + row / 2, at(moments.mean() + error), at(moments.mean()),
                        top + row * i + row / 2);
        }
        x += side + gap;
    }
    return svg + "</svg>\n";
}

}  // namespace census
