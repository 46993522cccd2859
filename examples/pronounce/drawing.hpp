// SPDX-License-Identifier: MIT
/// @file Which letters a network looks at for each phone that it says, in an SVG file that any browser shows.
#pragma once

#include "speech.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace pronounce {

namespace detail {

[[nodiscard]] inline std::string page_text(const std::string& text) {
    std::string result;
    for (const char c : text)
        result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    return result;
}

/// How much each phone of a word, and its end, looks at each letter, (phones + 1, letters).
[[nodiscard]] inline Tensor<float> looks_of(Pronouncer& net, const data::Sequences& word, const std::vector<Index>& before) {
    const espalier::NoGrad no_graph;
    const nn::EvalScope evaluation;
    const Memory memory = net.read(word);
    const auto count = static_cast<Index>(before.size());
    const auto said = net.decoder()(Tensor<Index>{{1, count}, before}, memory);
    return net.decoder().looks(said.question, memory).reshape({count, memory.states.size(1)});
}

}  // namespace detail

/// A card for each word: its letters above, the phones that are said of it at the side, and the darker a cell the more a phone looks there.
[[nodiscard]] inline std::string draw_looks(Pronouncer& net, const Recipe& recipe, const std::vector<std::string>& words) {
    using espalier::concat;
    constexpr Index cell = 22, across = 3, edge = 24, top = 92, side = 44;
    const data::Sequences letters = letters_of(recipe.language, words);
    const Speech said = say(net, recipe, letters);
    const text::Vocabulary& phones = recipe.language.phones.vocabulary();
    Index columns = 1, rows = 1;
    for (Index i = 0; i < letters.size(); ++i) {
        columns = std::max(columns, letters.lengths()[i]);
        rows = std::max(rows, said.phones.lengths()[i] + 1);
    }
    const Index width = side + columns * cell + 28, height = 48 + rows * cell + 16;
    std::string svg = concat(
        "<svg xmlns='http://www.w3.org/2000/svg' width='", std::max<Index>(560, across * width + 2 * edge - 16), "' height='",
        top + (letters.size() + across - 1) / across * height + edge - 16, "' font-family='Helvetica, Arial, \"DejaVu Sans\", ",
        R"(sans-serif' font-size='13'><style>.card{fill:#fff;stroke:#dfe2e7}.letter{text-anchor:middle}.phone{text-anchor:end;fill:#0b6e8f}
.small{font-size:12px;fill:#636b78}.cell{fill:#0b6e8f}</style>
<rect width='100%' height='100%' fill='#f4f5f7'/><text x='24' y='42' font-size='22' font-weight='bold'>Which letters each phone looks at</text>
<text class='small' x='24' y='66'>Down: the phones that the network says, and the end. Across: the letters of the word.</text>
)");
    for (Index i = 0; i < letters.size(); ++i) {
        std::vector<Index> before{*phones.begin_id()};
        before.insert(before.end(), said.phones[i].begin(), said.phones[i].end());
        const Tensor<float> looks = detail::looks_of(net, letters.slice(i, i + 1), before);
        svg += concat("<g transform='translate(", edge + i % across * width, ' ', top + i / across * height,
                      ")'><rect class='card' width='", width - 16, "' height='", height - 16, "' rx='8'/>\n");
        for (Index column = 0; column < looks.size(1); ++column)
            svg += concat("<text class='letter' x='", side + column * cell + cell / 2, "' y='26'>",
                          detail::page_text(recipe.language.letters.vocabulary().token(letters[i][static_cast<std::size_t>(column)])),
                          "</text>");
        for (Index row = 0; row < looks.size(0); ++row) {
            const bool is_end = row + 1 == looks.size(0);
            const std::string phone = is_end ? "end" : phones.token(said.phones[i][static_cast<std::size_t>(row)]);
            svg += concat("\n<text class='", is_end ? "small phone" : "phone", "' x='", side - 8, "' y='", 48 + row * cell, "'>",
                          detail::page_text(phone), "</text>");
            for (Index column = 0; column < looks.size(1); ++column)
                if (const double share = std::round(100 * static_cast<double>(looks.at(row, column))) / 100; share > 0)
                    svg += concat("<rect class='cell' x='", side + column * cell + 1, "' y='", 33 + row * cell, "' width='", cell - 2,
                                  "' height='", cell - 2, "' opacity='", share, "'/>");
        }
        svg += "</g>\n";
    }
    return svg + "</svg>\n";
}

}  // namespace pronounce
