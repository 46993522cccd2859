// SPDX-License-Identifier: MIT
/// @file Images of one's own, labelled by a network from a file.
#pragma once

#include "drawing.hpp"

#include <espalier/io/image.hpp>
#include <espalier/io/image_files.hpp>
#include <espalier/io/resize.hpp>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace scenes {

/// What was found in one image.
struct Labelled {
    std::filesystem::path image, picture;
    std::string objects;
};

/// Labels each PNG or JPEG file of a folder, in the order of their names, and writes what each pixel shows beside it, with boxes, as
/// `<name>.labels.svg` into `out`; the name has its ending only where another file differs in that alone. Images are brought to the size of
/// a scene. @throws espalier::IoError naming the file that is no image, or the folder that has none
[[nodiscard]] inline std::vector<Labelled> label_folder(const mtl::MultiTaskNet<>& net, const std::filesystem::path& folder,
                                                        const std::filesystem::path& out) {
    using namespace espalier;
    std::vector<Labelled> result;
    const auto paths = io::image_files(folder);
    std::map<std::filesystem::path, int> of_stem;
    for (const auto& path : paths)
        ++of_stem[path.stem()];
    for (const auto& path : paths) {
        const auto pixels = io::resize(io::to_tensor(io::read_image(path, {.channels = 3})), {side, side});
        const auto scene = pixels.reshape({1, side, side, 3});
        const auto said = net.predict(scene);
        const auto found = vision::decode_centers(said.at("objects"), {.stride = object_stride, .score_threshold = surely}).front();
        const auto segments = first_classes(said.at("segments"));
        const bool alone = of_stem.at(path.stem()) == 1;
        Labelled labelled{path, out / ((alone ? path.stem() : path.filename()).string() + ".labels.svg"), ""};
        for (const auto& detection : found)
            labelled.objects += concat(labelled.objects.empty() ? "" : ", ", name_of(detection.label), ' ',
                                       std::lround(100 * detection.score), " %");
        if (found.empty())
            labelled.objects = "nothing";
        io::write_file(labelled.picture,
                       concat("<svg xmlns='http://www.w3.org/2000/svg' width='", 8 * side, "' height='", 4 * side, "' viewBox='0 0 ",
                              2 * side, ' ', side, "' font-family='Helvetica, Arial, sans-serif'><style>image{image-rendering:pixelated}",
                              ".box{fill:none}.label{font-size:6.5px;font-weight:bold}</style>",
                              detail::draw_panel(paint_scene(scene, 0), found, 0, 0, true),
                              detail::draw_panel(paint_segments(segments, 0), detail::no_objects, side, 0), "</svg>\n"));
        result.push_back(std::move(labelled));
    }
    return result;
}

}  // namespace scenes
