// SPDX-License-Identifier: MIT
/// @file Held-out images, what is true of them and what the network says, in an SVG file that any browser shows.
#pragma once

#include "../base64.hpp"
#include "report.hpp"

#include <espalier/io/png.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace folder {

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

/// What is true of image i, as `say` says it. Nothing without a label.
[[nodiscard]] inline std::string truth_of(const Column& column, const Target& target, Index i) {
    const Index width = target.sample_numel();
    if (!target.counts(i * width))
        return "";
    if (column.kind == ColumnKind::classes)
        return column.labels[static_cast<std::size_t>(target.labels()[i])];
    auto row = Tensor<float>::empty({1, width});
    for (Index k = 0; k < width; ++k)
        row[k] = target.values()[i * width + k];
    return say(column, row, 0);
}

/// The first images of a set, a card each.
[[nodiscard]] inline std::string draw(const Data& data, const Named<Tensor<float>>& said, Index most = 12) {
    using espalier::concat;
    constexpr Index across = 3, side = 96, width = 440, top = 60;
    const Index count = std::min(most, data.test.size()), size = data.test.options().size.height;
    const Index height = std::max<Index>(side, 20 + 18 * static_cast<Index>(data.columns.size())) + 36;
    std::string svg = concat(
        "<svg xmlns='http://www.w3.org/2000/svg' width='", across * width + 24, "' height='",
        top + (count + across - 1) / across * height + 12, "' font-family='Helvetica, Arial, \"DejaVu Sans\", ",
        R"(sans-serif' font-size='12'><style>.card{fill:#fff;stroke:#dfe2e7}.head{fill:#4a515c}.right{fill:#0a7a3c}.wrong{fill:#b3261e}</style>
<rect width='100%' height='100%' fill='#f4f5f7'/><text x='24' y='38' font-size='22' font-weight='bold'>Held-out images</text>
)");
    for (Index i = 0; i < count; ++i) {
        const auto pixels = data.test.image(i);
        io::Image<std::uint8_t> image{size, size, 3, {}};
        for (const float value : pixels)
            image.samples.push_back(static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0F, 1.0F))));
        svg += concat("<g transform='translate(", 24 + i % across * width, ' ', top + i / across * height, ")'><rect class='card' width='",
                      width - 12, "' height='", height - 12, "' rx='8'/><image x='10' y='10' width='", side, "' height='", side,
                      "' href='data:image/png;base64,", examples::base64(io::encode_png(image)),
                      "'/><g class='head'><text x='118' y='22'>column</text><text x='190' y='22'>truth</text>",
                      "<text x='310' y='22'>network</text></g>\n");
        Index y = 22;
        for (const Column& column : data.columns) {
            y += 18;
            const std::string truth = truth_of(column, data.test.targets().at(column.name), i),
                              answer = say(column, said.at(column.name), i);
            const char* const paint = truth.empty() || column.kind == ColumnKind::number ? "head" : truth == answer ? "right" : "wrong";
            svg += concat("<text class='head' x='118' y='", y, "'>", page_text(column.name, 9), "</text><text x='190' y='", y, "'>",
                          page_text(truth, 16), "</text><text class='", paint, "' x='310' y='", y, "'>", page_text(answer, 16),
                          "</text>\n");
        }
        svg += "</g>\n";
    }
    return svg + "</svg>\n";
}

}  // namespace folder
