// SPDX-License-Identifier: MIT
/// @file What `describe` tells of a net, as a table that a person can read and as a drawing.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/tensor/shape.hpp>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// The parts of a net, and which task needs which.
struct Description {
    /// Parameters whose paths begin alike and that the same tasks need.
    struct Part {
        std::string path;        ///< `trunk.0`, `heads.left`
        Index parameters = 0;    ///< elements
        Index multiply_adds = 0; ///< for one sample
        std::vector<bool> tasks; ///< whether each task's output is made with it
        bool frozen = false;     ///< gets no gradient
    };
    /// What a task's output is made of, shared or not.
    struct Task {
        std::string name;
        Index parameters = 0;
        Index multiply_adds = 0;
    };

    std::vector<Part> parts;
    std::vector<Task> tasks;
    Index parameters = 0;     ///< of the net
    Index multiply_adds = 0;  ///< of all outputs together

    /// A line for each part, with an `x` under each task that needs it, and the sums.
    [[nodiscard]] std::string text() const;
    /// A drawing with a column for each task: a part is as wide as the tasks that share it.
    [[nodiscard]] std::string svg() const;

    friend std::ostream& operator<<(std::ostream& out, const Description& description) { return out << description.text(); }
};

namespace detail {

/// `1,605,776`
[[nodiscard]] inline std::string with_commas(Index number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;)
        text.insert(at -= 3, 1, ',');
    return text;
}

/// `1.61 M`, as it fits into a drawing.
[[nodiscard]] inline std::string shortened(Index number) {
    static constexpr std::string_view suffixes[] = {"", " k", " M", " G", " T", " P", " E"};
    std::size_t suffix = 0;
    Index unit = 1;
    while (number / unit >= 1000 && suffix + 1 < std::size(suffixes)) {
        unit *= 1000;
        ++suffix;
    }
    const Index whole = number / unit;
    std::string text = std::to_string(whole);
    if (unit > 1 && whole < 100) {
        const Index hundredths = number % unit / (unit / 100 > 0 ? unit / 100 : 1);
        const std::string digits = std::to_string(100 + hundredths).substr(1);
        text += '.' + digits.substr(0, whole < 10 ? 2 : 1);
    }
    return text.append(suffixes[suffix]);
}

/// For text and attributes of XML.
[[nodiscard]] inline std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text)
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '\'': result += "&#39;"; break;
            case '"': result += "&quot;"; break;
            default: result += c;
        }
    return result;
}

/// Tasks [first, last) that lie side by side and need a part.
struct TaskRun {
    std::size_t first;
    std::size_t last;
};
[[nodiscard]] inline std::vector<TaskRun> runs_of(const std::vector<bool>& tasks) {
    std::vector<TaskRun> runs;
    for (std::size_t t = 0; t < tasks.size(); ++t)
        if (tasks[t]) {
            if (runs.empty() || runs.back().last != t)
                runs.push_back({t, t});
            runs.back().last = t + 1;
        }
    return runs;
}

}  // namespace detail

inline std::string Description::text() const {
    std::vector<std::vector<std::string>> rows(1, {"part", "parameters", "multiply-adds"});
    for (const Task& task : tasks)
        rows.front().push_back(task.name);
    for (const Part& part : parts) {
        rows.push_back({part.path + (part.frozen ? " (frozen)" : ""), detail::with_commas(part.parameters),
                        detail::with_commas(part.multiply_adds)});
        for (const bool needed : part.tasks)
            rows.back().emplace_back(needed ? "x" : "");
    }
    for (const Task& task : tasks)
        rows.push_back({"for " + task.name, detail::with_commas(task.parameters), detail::with_commas(task.multiply_adds)});
    rows.push_back({"in all", detail::with_commas(parameters), detail::with_commas(multiply_adds)});

    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows)
        for (std::size_t c = 0; c < row.size(); ++c)
            widths[c] = std::max(widths[c], row[c].size());
    std::string result;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string filling(widths[c] - row[c].size(), ' ');
            const bool number = c == 1 || c == 2;
            line += (c > 0 ? "  " : "") + (number ? filling + row[c] : row[c] + filling);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        result += line + '\n';
    }
    return result;
}

inline std::string Description::svg() const {
    constexpr std::size_t column = 190, row = 38, gap = 8, margin = 16, letter = 9;
    const auto left = [](std::size_t task) { return margin + task * (column + gap); };
    const auto top = [](std::size_t line) { return margin + line * (row + gap); };
    const std::size_t width = left(std::max<std::size_t>(tasks.size(), 1)) - gap + margin;
    const std::size_t height = top(parts.size() + 2) - gap + margin;
    const auto line_of_text = [&](std::size_t x, std::size_t y, std::string text, std::size_t room, std::string_view kind) {
        if (text.size() * letter > room)
            text = text.substr(0, std::max<std::size_t>(room / letter, 4) - 3) + "...";
        return concat("<text class='", kind, "' x='", x, "' y='", y, "'>", detail::escaped(text), "</text>\n");
    };
    std::string svg = concat("<svg xmlns='http://www.w3.org/2000/svg' width='", width, "' height='", height, "' viewBox='0 0 ", width, ' ',
                             height,
                             "' font-family='sans-serif' text-anchor='middle'>\n<style>.name{font-size:14px;font-weight:600}"
                             ".count{font-size:11px;fill:#444}.all{fill:#cfe2f3}.some{fill:#d9ead3}.own{fill:#fce5cd}"
                             "rect{stroke:#777}.frozen{stroke-dasharray:5 3}</style>\n<rect width='100%' height='100%' fill='white' "
                             "stroke='none'/>\n");
    for (std::size_t t = 0; t < tasks.size(); ++t) {
        const std::size_t middle = left(t) + column / 2;
        svg += line_of_text(middle, top(0) + row / 2 + 5, tasks[t].name, column, "name");
        svg += line_of_text(middle, top(parts.size() + 1) + 14, concat(detail::shortened(tasks[t].parameters), " parameters"), column,
                            "count");
        svg += line_of_text(middle, top(parts.size() + 1) + 29, concat(detail::shortened(tasks[t].multiply_adds), " multiply-adds"), column,
                            "count");
    }
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const Part& part = parts[p];
        const auto needed = std::count(part.tasks.begin(), part.tasks.end(), true);
        const char* const kind = needed <= 1 ? "own" : static_cast<std::size_t>(needed) == tasks.size() ? "all" : "some";
        const auto runs = detail::runs_of(part.tasks);
        const std::size_t y = top(p + 1);
        for (std::size_t r = 1; r < runs.size(); ++r)  // what lies apart belongs together
            svg += concat("<path stroke='#777' d='M", left(runs[r - 1].last) - gap, ' ', y + row / 2, 'H', left(runs[r].first), "'/>\n");
        for (const auto& run : runs) {
            const std::size_t wide = (run.last - run.first) * (column + gap) - gap;
            const std::size_t middle = left(run.first) + wide / 2;
            svg += concat("<rect class='", kind, part.frozen ? " frozen" : "", "' x='", left(run.first), "' y='", y, "' width='", wide,
                          "' height='", row, "' rx='6'/>\n");
            svg += line_of_text(middle, y + 17, part.path, wide, "name");
            svg += line_of_text(middle, y + 32,
                                concat(detail::shortened(part.parameters), ", ", detail::shortened(part.multiply_adds), " multiply-adds"),
                                wide, "count");
        }
    }
    return svg + "</svg>\n";
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
