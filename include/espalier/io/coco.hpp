// SPDX-License-Identifier: MIT
/// @file Boxes of objects in images, from a file in the format of COCO's instances (Lin et al., "Microsoft COCO: Common objects in
/// context", ECCV 2014).
///
/// @code
/// const auto coco = io::load_coco("instances.json", {.skip_bad_boxes = true});
/// for (const auto& image : coco.images)
///     for (const auto& object : image.objects)      // image.file, object.x1, coco.categories[object.category].name
/// @endcode
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/json_tree.hpp>
#include <espalier/io/tensor_file.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// What boxes are taken from a file, and how large it may be.
struct CocoOptions {
    /// Leave out boxes without area and those that reach out of their image, instead of refusing the file.
    bool skip_bad_boxes = false;
    double slack = 1;                         ///< pixels that a box may reach out: it is cut off there, as rounded numbers need it
    std::uint64_t max_bytes = 0x1'0000'0000;  ///< refuse a larger file
};

/// A kind of object, as the file names it.
struct CocoCategory {
    std::int64_t id = 0;
    std::string name;
};

/// One annotation. Pixels, from the image's upper left corner: x1 < x2 go to the right, y1 < y2 down.
struct CocoObject {
    std::int64_t id = 0;
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    Index category = 0;   ///< index into `Coco::categories`
    bool iscrowd = false;  ///< a group rather than one object
    double area = 0;      ///< of the object's outline, in pixels; the box's where the file has none
};

/// An image's file, and what is in it. Height and width are those of the file that lists it: where they are the other way round than what
/// `read_image` gives, boxes were drawn without heed to the EXIF orientation, and `ImageOptions::orient` is to be false.
struct CocoImage {
    std::int64_t id = 0;
    std::string file;
    Index height = 0;
    Index width = 0;
    std::vector<CocoObject> objects = {};  ///< in the order of the file
};

/// The images in the order of the file, the categories by their ids, which need not be without gaps.
struct Coco {
    std::vector<CocoCategory> categories = {};
    std::vector<CocoImage> images = {};
};

namespace detail {

class CocoReader {
    using Json = nlohmann::json;

    /// An entry of one of the lists, in the words of its errors: `annotations[3]`.
    struct Entry {
        const Json& value;
        const char* list;
        std::size_t number;
    };

public:
    CocoReader(const std::filesystem::path& name, const CocoOptions& options) : name_{name}, options_{options} {}

    [[nodiscard]] Coco read(std::string_view text) {
        const Json root = parse(text);
        if (!root.is_object())
            refuse("an object", "another value");
        Coco coco;
        each(root, "categories", [&](const Entry& e) { coco.categories.push_back({integer(e, "id"), string(e, "name")}); });
        std::stable_sort(coco.categories.begin(), coco.categories.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
        const auto categories = places("categories", coco.categories);
        each(root, "images", [&](const Entry& e) {
            coco.images.push_back({integer(e, "id"), string(e, "file_name"), extent(e, "height"), extent(e, "width")});
        });
        const auto images = places("images", coco.images);
        each(root, "annotations", [&](const Entry& e) {
            auto& image = coco.images[known(e, "image_id", images, "an image")];
            CocoObject object;
            object.id = integer(e, "id");
            object.category = static_cast<Index>(known(e, "category_id", categories, "a category"));
            object.iscrowd = crowd(e);
            if (!box(e, image, object))
                return;
            object.area = e.value.contains("area") ? number(e, "area", e.value["area"]) : (object.x2 - object.x1) * (object.y2 - object.y1);
            if (object.area < 0)
                refuse(place(e, "area") + " of at least 0", e.value["area"].dump());
            image.objects.push_back(object);
        });
        return coco;
    }

private:
    using Places = std::unordered_map<std::int64_t, std::size_t>;

    [[noreturn]] ESPALIER_COLD void refuse(const std::string& expected, const std::string& got) const {
        fail<IoError>("load_coco", "expected ", expected, " in ", name_, ", got ", got);
    }
    [[nodiscard]] static std::string place(const Entry& e, const char* field) { return concat(e.list, '[', e.number, "].", field); }
    [[nodiscard]] static std::string shown(const Json& value) {
        return value.is_structured() ? value.is_array() ? "a list" : "an object"
                                     : printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
    }

    [[nodiscard]] Json parse(std::string_view text) const {
        if (text.find('\0') != text.npos)  // the end, for the JSON library
            refuse("JSON", "a zero byte");
        try {
            return json_tree(text, {.keys_once = false, .left_out = "segmentation"});
        } catch (const JsonProblem& problem) {
            if (problem.kind == JsonProblem::Kind::too_large_a_number)
                refuse("JSON of numbers of 64 bits", "a larger one");
            refuse("JSON", concat("an error at byte ", problem.byte));
        }
    }

    template <class Take>
    void each(const Json& root, const char* list, const Take& take) const {
        if (!root.contains(list) || !root[list].is_array())
            refuse(concat("a list '", list, "'"), root.contains(list) ? shown(root[list]) : "none");
        std::size_t number = 0;
        for (const Json& value : root[list]) {
            const Entry entry{value, list, number++};
            if (!value.is_object())
                refuse(concat("an object as ", list, '[', entry.number, ']'), shown(value));
            take(entry);
        }
    }

    template <class Entries>
    [[nodiscard]] Places places(const char* list, const Entries& entries) const {
        Places result;
        for (const auto& entry : entries)
            if (!result.emplace(entry.id, result.size()).second)
                refuse(concat("each id of '", list, "' once"), concat(entry.id, " twice"));
        return result;
    }

    [[nodiscard]] const Json& field(const Entry& e, const char* name, const char* kind) const {
        const auto found = e.value.find(name);
        if (found == e.value.end())
            refuse(concat(kind, " as ", place(e, name)), "none");
        return *found;
    }
    [[nodiscard]] std::int64_t integer(const Entry& e, const char* name) const {
        const Json& value = field(e, name, "an integer");
        if (!value.is_number_integer() || (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())))
            refuse("an integer as " + place(e, name), shown(value));
        return value.get<std::int64_t>();
    }
    [[nodiscard]] std::string string(const Entry& e, const char* name) const {
        const Json& value = field(e, name, "a string");
        if (!value.is_string())
            refuse("a string as " + place(e, name), shown(value));
        return value.get<std::string>();
    }
    [[nodiscard]] Index extent(const Entry& e, const char* name) const {
        const std::int64_t value = integer(e, name);
        if (value < 1 || value > 0x7fffffff)
            refuse("1 to 2147483647 pixels as " + place(e, name), std::to_string(value));
        return static_cast<Index>(value);
    }
    [[nodiscard]] double number(const Entry& e, const char* name, const Json& value) const {
        if (!value.is_number() || !is_finite(value.get<double>()))
            refuse("a number as " + place(e, name), shown(value));
        return value.get<double>();
    }
    [[nodiscard]] std::size_t known(const Entry& e, const char* name, const Places& places, const char* what) const {
        const std::int64_t id = integer(e, name);
        const auto found = places.find(id);
        if (found == places.end())
            refuse(concat("the id of ", what, " as ", place(e, name)), std::to_string(id));
        return found->second;
    }
    [[nodiscard]] bool crowd(const Entry& e) const {
        if (!e.value.contains("iscrowd"))
            return false;
        const Json& value = e.value["iscrowd"];
        if (!value.is_boolean() && value != 0 && value != 1)
            refuse("0 or 1 as " + place(e, "iscrowd"), shown(value));
        return value == true || value == 1;
    }

    /// False for a box that is to be left out.
    [[nodiscard]] bool box(const Entry& e, const CocoImage& image, CocoObject& object) const {
        const Json& value = field(e, "bbox", "a list");
        if (!value.is_array() || value.size() != 4)
            refuse(concat("a list of x, y, width and height as ", place(e, "bbox")),
                   value.is_array() ? concat(value.size(), " elements") : shown(value));
        double sides[4];
        for (std::size_t i = 0; i < 4; ++i)
            sides[i] = number(e, "bbox", value[i]);
        const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
        const double right = sides[0] + sides[2], below = sides[1] + sides[3], slack = options_.slack;
        const bool within = sides[0] >= -slack && sides[1] >= -slack && right <= width + slack && below <= height + slack;
        object.x1 = std::max(sides[0], 0.0);
        object.y1 = std::max(sides[1], 0.0);
        object.x2 = std::min(right, width);
        object.y2 = std::min(below, height);
        if (within && object.x1 < object.x2 && object.y1 < object.y2)
            return true;
        if (!options_.skip_bad_boxes)
            refuse(concat("a box with an area, within ", image.width, " x ", image.height, " pixels, as ", place(e, "bbox")), value.dump());
        return false;
    }

    const std::filesystem::path& name_;
    const CocoOptions& options_;
};

}  // namespace detail

/// Reads boxes from memory; `name` stands for the file in errors. @throws as `load_coco`
[[nodiscard]] inline Coco parse_coco(std::string_view text, const CocoOptions& options = {}, const std::filesystem::path& name = "text") {
    require<ValueError>(is_finite(options.slack) && options.slack >= 0, "load_coco", "expected a slack of at least 0 pixels, got ",
                        options.slack);
    return detail::CocoReader{name, options}.read(text);
}

/// Reads images, categories and the boxes of annotations; outlines are left out. Categories become indices by ascending ids.
/// @throws IoError naming the file, the entry's number in its list and the field: what is missing or of another type, an id that is
/// not known or there twice, a box without area or out of its image; ValueError for a negative slack
[[nodiscard]] inline Coco load_coco(const std::filesystem::path& path, const CocoOptions& options = {}) {
    return parse_coco(read_file(path, options.max_bytes), options, path);
}

}  // namespace espalier::inline ESPALIER_ABI::io
