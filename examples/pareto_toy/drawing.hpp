// SPDX-License-Identifier: MIT
/// @file A panel for each rule, its trajectories over the contours of both losses, as an SVG file that any browser shows.
#pragma once

#include "problem.hpp"

#include <espalier/core/error.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace pareto_toy {

using espalier::concat;

/// Where one start led under a rule.
struct Trajectory {
    std::vector<Point> points;  ///< some of them, the first and the last one always
    bool on_front = false;
};

struct Panel {
    std::string title;
    std::vector<Trajectory> trajectories;
};

inline constexpr std::array start_colours{"#1b6ca8", "#c2570c", "#2a8a4a", "#8a3fa0", "#a8871b"};

namespace detail {

inline constexpr double extent = 11;  ///< of what a panel shows, to each side of 0
inline constexpr double side = 170;

[[nodiscard]] inline std::string number(double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.1f", value);
    return digits;
}
/// A point of the plane in a panel.
[[nodiscard]] inline std::string place(const Point& x) {
    return number((x[0] + extent) / (2 * extent) * side) + ' ' + number((extent - x[1]) / (2 * extent) * side);
}

/// The line on which a loss has one value, piece by piece through the cells of a grid: of each cell's four edges those that it crosses.
[[nodiscard]] inline std::string contour(int task, double level) {
    constexpr int cells = 66;
    constexpr double cell = 2 * extent / cells;
    const auto corner = [](int i, int j) { return Point{-extent + i * cell, -extent + j * cell}; };
    std::vector<double> values;
    for (int i = 0; i <= cells; ++i)
        for (int j = 0; j <= cells; ++j)
            values.push_back(loss(task, corner(i, j)).value - level);
    const auto value = [&](int i, int j) { return values[static_cast<std::size_t>(i * (cells + 1) + j)]; };
    constexpr int around[5][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}};
    std::string path;
    for (int i = 0; i < cells; ++i)
        for (int j = 0; j < cells; ++j) {
            bool open = false;  // two crossings make a piece, four make two
            for (int edge = 0; edge < 4; ++edge) {
                const auto [a, b] = std::array{around[edge], around[edge + 1]};
                const double from = value(i + a[0], j + a[1]), to = value(i + b[0], j + b[1]);
                if ((from < 0) == (to < 0))
                    continue;
                const double share = from / (from - to);
                const Point start = corner(i + a[0], j + a[1]), end = corner(i + b[0], j + b[1]);
                path += (open ? 'L' : 'M') + place({start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])});
                open = !open;
            }
        }
    return path;
}

/// Contours and front, drawn once and used by every panel.
[[nodiscard]] inline std::string background() {
    std::string result = concat("<defs><clipPath id='frame'><rect width='", side, "' height='", side, "'/></clipPath><g id='plane'>\n",
                                "<rect width='", side, "' height='", side, "' fill='#fff' stroke='#c9ced6'/>\n");
    for (const int task : {0, 1}) {
        result += concat("<path fill='none' stroke='", task == 0 ? "#7fb2d9" : "#e3a97f", "' stroke-width='.6' d='");
        for (const double level : {-18., -14., -10., -6., -2., 2., 5., 7.})
            result += contour(task, level);
        result += "'/>\n";
    }
    std::string front;
    for (double x = -front_end; x <= front_end; x += 1)
        front += (front.empty() ? 'M' : 'L') + place({x, front_height(x)});
    return result +
           concat("<path fill='none' stroke='#111' stroke-width='5' stroke-linecap='round' opacity='.35' d='", front, "'/>\n</g></defs>\n");
}

[[nodiscard]] inline std::string draw(const Trajectory& trajectory, const char* colour) {
    std::string path;
    for (const Point& point : trajectory.points)
        path += (path.empty() ? 'M' : 'L') + place(point);
    const std::string end = place(trajectory.points.back());
    std::string result = concat("<g stroke='", colour, "' stroke-width='1.6' fill='none'><path d='", path, "'/><g transform='translate(",
                                place(trajectory.points.front()), ")'><circle r='2.6' fill='#fff'/></g><g transform='translate(", end,
                                ")'>");
    result += trajectory.on_front ? concat("<circle class='reached' r='3.4' fill='", colour, "'/>")
                                  : "<path class='stuck' stroke-width='2.2' d='M-4-4L4 4M4-4L-4 4'/>";
    return result + "</g></g>\n";
}

}  // namespace detail

/// Panels in the order given, eight in a row or as many as there are.
[[nodiscard]] inline std::string draw_panels(const std::vector<Panel>& panels, const std::string& subtitle) {
    using detail::side;
    const std::size_t columns = std::clamp<std::size_t>(panels.size(), 4, 8);
    const double step = side + 18, top = 128, edge = 24;
    const double width = 2 * edge - 18 + static_cast<double>(columns) * step;
    const double height = top + static_cast<double>((panels.size() + columns - 1) / columns) * (step + 24) + edge;
    std::string svg = concat("<svg xmlns='http://www.w3.org/2000/svg' width='", width, "' height='", height, "' viewBox='0 0 ", width, ' ',
                             height, "' font-family='Helvetica, Arial, \"DejaVu Sans\", sans-serif' font-size='12' fill='#1b1f26'>\n",
                             "<rect width='100%' height='100%' fill='#f4f5f7'/>\n", detail::background(), "<text x='", edge,
                             "' y='38' font-size='20' font-weight='bold'>Where each rule leads from five starts</text>\n<text x='", edge,
                             "' y='60' fill='#636b78'>", subtitle, "</text>\n");
    svg += concat("<g transform='translate(", edge, " 84)' stroke-width='1.6'><circle cx='5' r='2.6' fill='#fff' stroke='#111'/>",
                  "<circle cx='75' r='3.4' fill='#111'/><path d='M206-4l8 8m0-8l-8 8' stroke='#111' stroke-width='2.2'/>",
                  "<path d='M342 0h22' stroke='#111' stroke-width='4' opacity='.35'/>",
                  "<path d='M464 0h22' stroke='#7fb2d9'/><path d='M620 0h22' stroke='#e3a97f'/></g>\n");
    const auto legend = [&](double x, const char* words) { svg += concat("<text x='", edge + x, "' y='88'>", words, "</text>\n"); };
    legend(14, "start");
    legend(86, "end on the front");
    legend(222, "end elsewhere");
    legend(372, "Pareto front");
    legend(492, "contours of loss 1");
    legend(648, "of loss 2");
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const auto& [title, trajectories] = panels[i];
        const auto reached = std::count_if(trajectories.begin(), trajectories.end(), [](const auto& t) { return t.on_front; });
        svg += concat("<g transform='translate(", edge + static_cast<double>(i % columns) * step, ' ',
                      top + static_cast<double>(i / columns) * (step + 24), ")'>\n<text y='-7' font-size='14' font-weight='bold'>", title,
                      "</text><text x='", side, "' y='-7' text-anchor='end' fill='#636b78'>", reached, " of ", trajectories.size(),
                      "</text>\n<use href='#plane'/><g clip-path='url(#frame)'>\n");
        for (std::size_t k = 0; k < trajectories.size(); ++k)
            svg += detail::draw(trajectories[k], start_colours[k % start_colours.size()]);
        svg += "</g></g>\n";
    }
    return svg + "</svg>\n";
}

}  // namespace pareto_toy
