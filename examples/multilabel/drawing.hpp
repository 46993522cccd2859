// SPDX-License-Identifier: MIT
/// @file The F1 of every label by every network, as bars in an SVG file that any browser shows.
#pragma once

#include "report.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace multilabel {

/// Text as it stands in a page, cut where it would not fit.
[[nodiscard]] inline std::string page_text(const std::string& text, std::size_t most) {
    std::size_t end = std::min(text.size(), most);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)  // not within a letter of UTF-8
        ++end;
    std::string result;
    for (const char c : text.substr(0, end))
        result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    return end < text.size() ? result + "..." : result;
}

/// A row for each label, a bar in it for each network: the mean F1 of its runs.
[[nodiscard]] inline std::string draw(const std::vector<std::string>& labels, const std::vector<Result>& results) {
    using espalier::concat;
    constexpr std::array colours{"#8a919c", "#0b6e8f", "#b8430b", "#2a8a4a", "#8a3fa0"};
    constexpr int left = 170, top = 96, length = 480, bar = 9;
    const int bars = static_cast<int>(results.size()), row = bar * bars + 12;
    const int height = top + row * static_cast<int>(labels.size()), width = left + length + 80;
    std::string svg = concat("<svg xmlns='http://www.w3.org/2000/svg' width='", width, "' height='", height + 40, "' viewBox='0 0 ", width,
                             ' ', height + 40, "' font-family='Helvetica, Arial, \"DejaVu Sans\", sans-serif' font-size='12' ",
                             "fill='#1b1f26'>\n<rect width='100%' height='100%' fill='#fff'/>\n<text x='24' y='36' font-size='20' ",
                             "font-weight='bold'>F1 of each label on held-out rows</text>\n");
    for (int i = 0; i < bars; ++i)
        svg += concat("<rect x='", 24 + 130 * i, "' y='56' width='12' height='12' fill='",
                      colours[static_cast<std::size_t>(i) % colours.size()], "'/><text x='", 42 + 130 * i, "' y='66'>",
                      page_text(results[static_cast<std::size_t>(i)].net, 14), "</text>\n");
    for (int tenth = 0; tenth <= 10; tenth += 2)
        svg += concat("<path d='M", left + length * tenth / 10, ' ', top - 4, "V", height, "' stroke='#dfe2e7'/><text x='",
                      left + length * tenth / 10, "' y='", height + 20, "' text-anchor='middle' fill='#636b78'>", tenth / 10, '.',
                      tenth % 10, "</text>\n");
    for (std::size_t label = 0; label < labels.size(); ++label) {
        const int y = top + row * static_cast<int>(label);
        svg += concat("<text x='", left - 10, "' y='", y + row / 2, "' text-anchor='end'>", page_text(labels[label], 20), "</text>");
        for (int i = 0; i < bars; ++i) {
            double f1 = 0;
            const auto& runs = results[static_cast<std::size_t>(i)].runs;
            for (const Scores& run : runs)
                f1 += run.f1[static_cast<Index>(label)] / static_cast<double>(runs.size());
            const int end = static_cast<int>(length * f1 + 0.5);
            svg += concat("<rect x='", left, "' y='", y + bar * i, "' width='", end, "' height='", bar - 1, "' fill='",
                          colours[static_cast<std::size_t>(i) % colours.size()], "'/>");
        }
        svg += '\n';
    }
    return svg + "</svg>\n";
}

}  // namespace multilabel
