// SPDX-License-Identifier: MIT
// Bytes are refused by an IoError, or are boxes within their images; what is read strictly is so with bad boxes left out, too.
#include <espalier/io/coco.hpp>

#include "fuzz/property.hpp"

#include <optional>

using namespace espalier;

namespace {

std::optional<io::Coco> parsed(const std::string& bytes, bool skip) {
    try {
        return io::parse_coco(bytes, {.skip_bad_boxes = skip}, "fuzz");
    } catch (const IoError&) {
        return std::nullopt;
    }
}

std::size_t checked_objects(const io::Coco& coco) {
    std::size_t count = 0;
    for (const auto& image : coco.images)
        for (const auto& object : image.objects) {
            fuzz::expect(object.x1 >= 0 && object.x1 < object.x2 && object.x2 <= static_cast<double>(image.width), "within the width");
            fuzz::expect(object.y1 >= 0 && object.y1 < object.y2 && object.y2 <= static_cast<double>(image.height), "within the height");
            fuzz::expect(object.category >= 0 && static_cast<std::size_t>(object.category) < coco.categories.size(), "a category");
            fuzz::expect(object.area >= 0, "an area");
            ++count;
        }
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = fuzz::text(data, size);
    const auto strict = parsed(bytes, false), lenient = parsed(bytes, true);
    if (lenient)
        checked_objects(*lenient);
    if (strict)
        fuzz::expect(lenient && checked_objects(*strict) == checked_objects(*lenient), "nothing is left out of a file without bad boxes");
    return 0;
}
