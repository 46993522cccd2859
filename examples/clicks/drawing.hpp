// SPDX-License-Identifier: MIT
/// @file Whether what is said of purchases is true: a reliability diagram of all nets as an SVG file that any browser shows.
#pragma once

#include "../multi_fashion/progress.hpp"
#include "report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace clicks {

/// What a net says of a tenth of the impressions in the mean, and what is true of them.
struct Tenth {
    double said, truth;
};

/// The tenths of all impressions in the order of what is said; of those that were clicked where no true rate is known.
[[nodiscard]] inline std::vector<Tenth> tenths(const Tensor<float>& said, const Log& log) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < log.test.size(); ++i)
        if (log.simulated || log.test[i].clicked)
            order.push_back(i);
    const auto rate = [&](std::size_t i) { return said[static_cast<Index>(i)]; };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rate(a) < rate(b); });
    constexpr std::size_t parts = 10;
    std::vector<Tenth> result;
    for (std::size_t part = 0; part < parts; ++part) {
        Moments of_net, of_truth;
        for (std::size_t k = part * order.size() / parts; k < (part + 1) * order.size() / parts; ++k) {
            const Impression& row = log.test[order[k]];
            of_net.add(static_cast<double>(rate(order[k])));
            of_truth.add(log.simulated ? static_cast<double>(row.purchase_rate) : row.bought ? 1.0 : 0.0);
        }
        if (of_net.count() > 0)
            result.push_back({of_net.mean(), of_truth.mean()});
    }
    return result;
}

/// Both axes are logarithmic, from 0.01 to 1: on the diagonal what is said is true, below it there is too much of it.
[[nodiscard]] inline std::string draw(const std::vector<Result>& results, const Log& log) {
    using multi_fashion::text;
    constexpr std::array colours{"#b3261e", "#1b6ca8", "#2a8a4a", "#8a3fa0", "#c2570c"};
    constexpr double least = 0.01;
    constexpr int side = 420, left = 84, top = 96, legend = 190, bottom = 72, width = left + side + legend, height = top + side + bottom;
    const auto along = [&](double rate) { return side * (1 - std::log(std::clamp(rate, least, 1.0)) / std::log(least)); };
    std::string svg = text(
        "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' font-family='Helvetica, Arial, "
        "\"DejaVu Sans\", sans-serif' font-size='13' fill='#1b1f26'>\n<rect width='100%%' height='100%%' fill='#fff'/>\n"
        "<text x='24' y='38' font-size='20' font-weight='bold'>Purchases after a click: said and true</text>\n"
        "<text x='24' y='62' font-size='12' fill='#636b78'>tenths of %s, by what the net says of them</text>\n",
        width, height, width, height, log.simulated ? "all test impressions, clicked or not" : "the test impressions that were clicked");
    for (const double rate : {0.01, 0.03, 0.1, 0.3, 1.0})
        svg += text(
            "<path d='M%.1f %dV%dM%d %.1fH%d' stroke='#dfe2e7'/><text x='%.1f' y='%d' text-anchor='middle' fill='#636b78'>%g</text>"
            "<text x='%d' y='%.1f' text-anchor='end' fill='#636b78'>%g</text>\n",
            left + along(rate), top, top + side, left, top + side - along(rate), left + side, left + along(rate), top + side + 20, rate,
            left - 10, top + side - along(rate) + 4.5, rate);
    svg += text(
        "<path d='M%d %dL%d %d' stroke='#9aa1ad' stroke-dasharray='4 4'/>\n<text x='%d' y='%d' text-anchor='middle'>said</text>\n"
        "<text transform='translate(26 %d) rotate(-90)' text-anchor='middle'>true</text>\n",
        left, top + side, left + side, top, left + side / 2, top + side + 48, top + side / 2);
    for (std::size_t i = 0; i < results.size(); ++i) {
        const char* const colour = colours[i % colours.size()];
        std::string path, marks;
        for (const Tenth& tenth : tenths(results[i].rates.purchase, log)) {
            const double x = left + along(tenth.said), y = top + side - along(tenth.truth);
            path += text("%c%.1f %.1f", path.empty() ? 'M' : 'L', x, y);
            marks += text("<circle cx='%.1f' cy='%.1f' r='3.4' fill='%s'/>", x, y, colour);
        }
        const int row = top + 14 + 26 * static_cast<int>(i);
        svg += text(
            "<path d='%s' fill='none' stroke='%s' stroke-width='1.6'/>%s\n<circle cx='%d' cy='%d' r='4' fill='%s'/>"
            "<text x='%d' y='%.1f'>%s</text>\n",
            path.c_str(), colour, marks.c_str(), left + side + 28, row, colour, left + side + 42, row + 4.5, results[i].name.c_str());
    }
    return svg + "</svg>\n";
}

}  // namespace clicks
