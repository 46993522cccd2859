// SPDX-License-Identifier: MIT
/// @file Canvases beside the predictions for them, as an SVG file that any browser shows.
#pragma once

#include "dataset.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

namespace multi_fashion {

/// The class that a row of scores puts first, and its probability.
struct Answer {
    Index label;
    double probability;
};

/// @throws espalier::ShapeError unless the scores are (N, classes) and 0 <= row < N
[[nodiscard]] inline Answer answer(const Tensor<float>& scores, Index row) {
    const Tensor<float> one = scores.slice(row, row + 1);
    const auto best = std::max_element(one.begin(), one.end());
    double sum = 0;
    for (const float score : one)
        sum += std::exp(static_cast<double>(score) - *best);
    return {best - one.begin(), 1 / sum};
}

namespace detail {

/// Runs of one grey level as strokes, one path a level: a few kilobytes a canvas, and sharp at every size.
[[nodiscard]] inline std::string draw_canvas(const Tensor<float>& canvases, Index number) {
    constexpr int levels = 32;
    const Index side = canvases.size(1);
    std::array<std::string, levels> paths;
    for (Index y = 0; y < side; ++y) {
        const auto level = [&](Index x) { return static_cast<std::size_t>(std::lround(canvases.at(number, y, x, 0) * (levels - 1))); };
        for (Index x = 0, end; x < side; x = end) {
            for (end = x + 1; end < side && level(end) == level(x);)
                ++end;
            if (level(x) > 0)
                paths[level(x)] += espalier::concat('M', x, ' ', y, ".5h", end - x);
        }
    }
    std::string result = espalier::concat("<rect width='", side, "' height='", side, "'/>");
    for (std::size_t level = 1; level < levels; ++level)
        if (!paths[level].empty()) {
            const std::size_t grey = level * 255 / (levels - 1);
            result += espalier::concat("<path stroke='rgb(", grey, ',', grey, ',', grey, ")' d='", paths[level], "'/>");
        }
    return result;
}

/// A filled disc with a tick, or a ring with a cross: told apart without colour.
[[nodiscard]] inline std::string draw_mark(bool right) {
    return right ? "<g class='right'><circle r='9'/><path d='M-4.2 .4 L-1.2 3.6 L4.4 -3.2'/></g>"
                 : "<g class='wrong'><circle r='8'/><path d='M-3.4 -3.4 L3.4 3.4 M3.4 -3.4 L-3.4 3.4'/></g>";
}

}  // namespace detail

/// What was asked and what was answered for one task.
struct DrawnTask {
    std::string title;
    const Tensor<Index>& labels;
    const Tensor<float>& scores;
};

/// The first `count` canvases in three columns, each with the predicted class of every task and, where that is wrong, the
/// true one. @throws espalier::ShapeError if there are fewer
[[nodiscard]] inline std::string draw_predictions(const Tensor<float>& canvases, const std::vector<DrawnTask>& tasks, Index count,
                                                  const std::string& subtitle) {
    using espalier::concat;
    constexpr Index columns = 3, card_width = 344, card_height = 176, image = 144, top = 92, edge = 24;
    const Index width = columns * card_width + 2 * edge - 16;
    const Index height = top + (count + columns - 1) / columns * card_height + edge - 8;
    std::string svg = concat("<svg xmlns='http://www.w3.org/2000/svg' width='", width, "' height='", height, "' viewBox='0 0 ", width, ' ',
                             height, "' font-family='Helvetica, Arial, \"DejaVu Sans\", sans-serif'>\n", R"(<style>
.page{fill:#f4f5f7}.card{fill:#fff;stroke:#dfe2e7}.title{font-size:22px;font-weight:bold;fill:#1b1f26}
.small{font-size:12px;fill:#636b78}.name{font-size:17px;font-weight:bold}.truth{font-size:13px;fill:#1b1f26}
.pixels{stroke-width:1;fill:#000;shape-rendering:crispEdges}
.right circle{fill:#0b6e8f}.right path{stroke:#fff;stroke-width:2.2;fill:none}.is-right{fill:#0b6e8f}
.wrong circle{fill:#fff;stroke:#b8430b;stroke-width:2}.wrong path{stroke:#b8430b;stroke-width:2.2}
.is-wrong{fill:#b8430b;text-decoration:line-through}
</style>
)");
    svg += concat("<rect class='page' width='", width, "' height='", height, "'/>\n<text class='title' x='", edge,
                  "' y='42'>MultiFashion: two garments on one canvas, one network for both</text>\n<text class='small' x='", edge,
                  "' y='66'>", subtitle, "</text>\n");
    for (Index i = 0; i < count; ++i) {
        svg += concat("<g transform='translate(", edge + i % columns * card_width, ' ', top + i / columns * card_height,
                      ")'>\n<rect class='card' width='", card_width - 16, "' height='", card_height - 16,
                      "' rx='8'/>\n<svg class='pixels' x='8' y='8' width='", image, "' height='", image, "' viewBox='0 0 ",
                      canvases.size(1), ' ', canvases.size(2), "'>", detail::draw_canvas(canvases, i), "</svg>\n");
        Index y = 28;
        for (const DrawnTask& task : tasks) {
            const Index truth = task.labels.at(i);
            const Answer given = answer(task.scores, i);
            const bool right = given.label == truth;
            const auto name = [](Index label) { return class_names[static_cast<std::size_t>(label)]; };
            svg += concat("<text class='small' x='166' y='", y, "'>", task.title, ", ", std::lround(100 * given.probability),
                          " % sure</text>\n<g transform='translate(176 ", y + 19, ")'>", detail::draw_mark(right),
                          "</g>\n<text class='name ", right ? "is-right" : "is-wrong", "' x='192' y='", y + 25, "'>", name(given.label),
                          "</text>\n");
            if (!right)
                svg += concat("<text class='truth' x='192' y='", y + 44, "'>is: ", name(truth), "</text>\n");
            y += 74;
        }
        svg += "</g>\n";
    }
    return svg + "</svg>\n";
}

}  // namespace multi_fashion
