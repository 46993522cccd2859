// SPDX-License-Identifier: MIT
/// @file Scenes, what is true of them and what a network says, side by side in an SVG file that any browser shows.
#pragma once

#include "../base64.hpp"
#include "networks.hpp"
#include "panels.hpp"

#include <espalier/io/png.hpp>
#include <espalier/vision/decode_centers.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace scenes {

inline constexpr double surely = 0.3;  ///< what is less likely an object is not drawn

namespace detail {

/// One picture of a card at (x, y), and on it a box in the colour of its class for each object, with its name or without.
template <class Objects>
[[nodiscard]] std::string draw_panel(const espalier::io::Image<std::uint8_t>& image, const Objects& objects, Index x, Index y,
                                     bool names = false) {
    std::string svg = espalier::concat("<g transform='translate(", x, ' ', y, ")'><image width='", side, "' height='", side,
                                       "' href='data:image/png;base64,", examples::base64(espalier::io::encode_png(image)), "'/>");
    for (const auto& object : objects) {
        const auto& [x1, y1, x2, y2] = object.box;
        const std::string colour = css(palette.at(static_cast<std::size_t>(object.label + 1)));
        svg += espalier::concat("<rect class='box' x='", x1, "' y='", y1, "' width='", x2 - x1, "' height='", y2 - y1, "' stroke='", colour,
                                "'/>");
        if (names)
            svg += espalier::concat("<text class='label' x='", x1 + 1, "' y='", y1 + 6, "' fill='", colour, "'>", name_of(object.label),
                                    "</text>");
    }
    return svg + "</g>\n";
}

inline const std::vector<espalier::vision::Object> no_objects;

}  // namespace detail

/// The first `count` scenes of a set, each with a row of what is true and one of what the network says.
[[nodiscard]] inline std::string draw_scenes(const mtl::MultiTaskNet<>& net, const espalier::data::Dataset<>& set, Index count) {
    using espalier::concat;
    constexpr Index columns = 2, gap = 6, panels = 5, left = 62, edge = 24, top = 96;
    constexpr Index card_width = left + panels * (side + gap) + 20, card_height = 2 * (side + gap) + 40;
    const auto scenes = set.inputs().slice(0, count);
    const auto said = net.predict(scenes);
    const auto objects = espalier::vision::unpack(set.target("objects").values().slice(0, count));
    const auto found = espalier::vision::decode_centers(said.at("objects"), {.stride = object_stride, .score_threshold = surely});
    const auto segments = first_classes(said.at("segments"));
    const Tensor<Index>& true_segments = set.target("segments").labels();
    const Tensor<float>& true_boundaries = set.target("boundaries").values();

    std::string svg = concat("<svg xmlns='http://www.w3.org/2000/svg' width='", columns * card_width + 2 * edge, "' height='",
                             top + (count + columns - 1) / columns * card_height + edge,
                             "' font-family='Helvetica, Arial, \"DejaVu Sans\", ",
                             R"(sans-serif'><style>.page{fill:#f4f5f7}.card{fill:#fff;stroke:#dfe2e7}.title{font-size:22px;font-weight:bold}
.small{font-size:11px;fill:#4a515c}image{image-rendering:pixelated}.box{fill:none;stroke-width:1.5}</style>
<rect class='page' width='100%' height='100%'/><text class='title' x='24' y='38'>Scenes: four tasks, one network</text>
)");
    for (Index c = 0; c < segment_classes; ++c)
        svg += concat("<rect x='", edge + c * 100, "' y='58' width='12' height='12' fill='", css(palette[static_cast<std::size_t>(c)]),
                      "'/><text class='small' x='", edge + 16 + c * 100, "' y='68'>", c == 0 ? "ground" : name_of(c - 1), "</text>\n");
    for (Index i = 0; i < count; ++i) {
        const Index pixels = i * side * side;
        svg += concat("<g transform='translate(", edge + i % columns * card_width, ' ', top + i / columns * card_height,
                      ")'><rect class='card' width='", card_width - 12, "' height='", card_height - 10, "' rx='8'/>\n");
        Index x = left;
        for (const char* const title : {"scene", "segments", "boundaries", "depth", "objects"}) {
            svg += concat("<text class='small' x='", x, "' y='16'>", title, "</text>");
            x += side + gap;
        }
        const auto row = [&](const char* title, Index y, const Tensor<Index>& labels, const Tensor<float>& depth, const auto& probability,
                             const auto& boxes) {
            const auto at = [&](Index panel) { return left + panel * (side + gap); };
            svg += concat("<text class='small' x='10' y='", y + side / 2, "'>", title, "</text>\n",
                          detail::draw_panel(paint_segments(labels, i), detail::no_objects, at(1), y),
                          detail::draw_panel(paint_boundaries(probability), detail::no_objects, at(2), y),
                          detail::draw_panel(paint_depth(depth, labels, i), detail::no_objects, at(3), y),
                          detail::draw_panel(paint_scene(scenes, i, 0.6), boxes, at(4), y));
        };
        const auto number = static_cast<std::size_t>(i);
        svg += detail::draw_panel(paint_scene(scenes, i), detail::no_objects, left, 22);
        row(
            "truth", 22, true_segments, set.target("depth").values(),
            [&](Index pixel) { return static_cast<double>(true_boundaries[pixels + pixel]); }, objects[number]);
        row(
            "network", 22 + side + gap, segments, said.at("depth"),
            [&](Index pixel) { return 1 / (1 + std::exp(-static_cast<double>(said.at("boundaries")[pixels + pixel]))); }, found[number]);
        svg += "</g>\n";
    }
    return svg + "</svg>\n";
}

}  // namespace scenes
