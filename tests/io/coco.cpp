// SPDX-License-Identifier: MIT
#if __has_include(<nlohmann/json.hpp>)
#include <espalier/io/coco.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <string>

using namespace espalier;

namespace {

const std::string categories = R"("categories": [{"id": 7, "name": "dog", "supercategory": "animal"}, {"id": 2, "name": "cat"}])";
const std::string images = R"("images": [{"id": 30, "file_name": "b.jpg", "height": 20, "width": 10}, {"id": 4, "file_name": "a.jpg",
    "height": 5, "width": 6, "license": 1}])";

io::Coco with(const std::string& annotations, const io::CocoOptions& options = {}) {
    return io::parse_coco("{" + categories + "," + images + R"(, "info": {}, "annotations": [)" + annotations + "]}", options, "c.json");
}

}  // namespace

TEST_CASE("images have their boxes, categories indices by their ids", "[io][coco]") {
    const auto coco = with(R"({"id": 1, "image_id": 4, "category_id": 7, "bbox": [1, 2.5, 3, 2], "iscrowd": 0, "area": 4.5,
        "segmentation": [[1, 2, 3]]}, {"id": 9, "image_id": 30, "category_id": 2, "bbox": [0, 0, 10, 20], "iscrowd": 1,
        "segmentation": {"counts": "abc", "size": [1, 2]}}, {"id": 3, "image_id": 4, "category_id": 2, "bbox": [0, 0, 6, 5]})");
    REQUIRE(coco.categories.size() == 2);
    CHECK(coco.categories[0].name == "cat");
    CHECK(coco.categories[1].id == 7);
    REQUIRE(coco.images.size() == 2);
    CHECK(coco.images[0].file == "b.jpg");
    CHECK(coco.images[0].height == 20);
    CHECK(coco.images[0].width == 10);
    REQUIRE(coco.images[0].objects.size() == 1);
    CHECK(coco.images[0].objects[0].iscrowd);
    CHECK(coco.images[0].objects[0].area == 200);
    REQUIRE(coco.images[1].objects.size() == 2);
    const auto& dog = coco.images[1].objects[0];
    CHECK((dog.id == 1 && dog.category == 1 && !dog.iscrowd && dog.area == 4.5));
    CHECK((dog.x1 == 1 && dog.y1 == 2.5 && dog.x2 == 4 && dog.y2 == 4.5));
    CHECK(coco.images[1].objects[1].category == 0);
}

TEST_CASE("a file of nothing, and images without boxes", "[io][coco]") {
    const TemporaryFolder folder;
    const auto none = io::load_coco(folder.file("none.json", R"({"images": [], "annotations": [], "categories": []})"));
    CHECK((none.images.empty() && none.categories.empty()));
    CHECK(with("").images[1].objects.empty());
    CHECK_THROWS_AS(io::load_coco(folder / "other.json"), IoError);
    CHECK_THROWS_AS(io::load_coco(folder / "none.json", {.max_bytes = 10}), IoError);
    CHECK_THROWS_AS(with("", {.slack = -1}), ValueError);
}

TEST_CASE("boxes out of their image or without area are refused, or left out", "[io][coco]") {
    const auto one = [](const std::string& box) { return R"({"id": 1, "image_id": 4, "category_id": 7, "bbox": )" + box + "}"; };
    const std::string good = one("[1, 1, 2, 2]");
    for (const std::string box : {"[1,1,0,2]", "[1,1,2,-1]", "[-1.5,0,3,3]", "[0,0,7.5,2]", "[0,2,2,4.5]", "[8,8,1,1]", "[6,1,1,1]"}) {
        INFO(box);
        CHECK_THROWS_WITH(with(good + "," + one(box)),
                          ContainsSubstring("[load_coco] expected a box with an area, within 6 x 5 pixels, as annotations[1].bbox in "
                                            "\"c.json\", got ["));
        CHECK(with(good + "," + one(box), {.skip_bad_boxes = true}).images[1].objects.size() == 1);
    }
    const auto cut = with(one("[-0.5, 3, 7, 2.25]")).images[1].objects[0];
    CHECK((cut.x1 == 0 && cut.y1 == 3 && cut.x2 == 6 && cut.y2 == 5));
    CHECK_THROWS_AS(with(one("[-0.5, 3, 7, 2.25]"), {.slack = 0.25}), IoError);
}

TEST_CASE("what is missing or wrong is named by entry and field", "[io][coco]") {
    const auto refused = [](const std::string& annotation, const std::string& text) {
        CHECK_THROWS_WITH(with(annotation), ContainsSubstring("[load_coco] expected " + text));
        CHECK_THROWS_WITH(with(annotation, {.skip_bad_boxes = true}), ContainsSubstring("\"c.json\""));
    };
    refused("3", "an object as annotations[0] in \"c.json\", got 3");
    refused(R"({"image_id": 4, "category_id": 7, "bbox": [1, 1, 2, 2]})", "an integer as annotations[0].id in \"c.json\", got none");
    refused(R"({"id": 1, "category_id": 7, "bbox": [1, 1, 2, 2]})", "an integer as annotations[0].image_id");
    refused(R"({"id": 1, "image_id": 5, "category_id": 7, "bbox": [1, 1, 2, 2]})", "the id of an image as annotations[0].image_id");
    refused(R"({"id": 1, "image_id": 4, "category_id": 1, "bbox": [1, 1, 2, 2]})",
            "the id of a category as annotations[0].category_id in \"c.json\", got 1");
    refused(R"({"id": 1.5, "image_id": 4, "category_id": 7, "bbox": [1, 1, 2, 2]})",
            "an integer as annotations[0].id in \"c.json\", got 1.5");
    refused(R"({"id": 18446744073709551615, "image_id": 4, "category_id": 7, "bbox": [1, 1, 2, 2]})", "an integer as annotations[0].id");
    refused(R"({"id": 1, "image_id": 4, "category_id": 7})", "a list as annotations[0].bbox in \"c.json\", got none");
    refused(R"({"id": 1, "image_id": 4, "category_id": 7, "bbox": [1, 2, 3]})", "a list of x, y, width and height as annotations[0].bbox");
    refused(R"({"id": 1, "image_id": 4, "category_id": 7, "bbox": [1, 1, 2, "2"]})", "a number as annotations[0].bbox");
    refused(R"({"id": 1, "image_id": 4, "category_id": 7, "bbox": [1, 1, 2, 2], "iscrowd": 2})", "0 or 1 as annotations[0].iscrowd");
    refused(R"({"id": 1, "image_id": 4, "category_id": 7, "bbox": [1, 1, 2, 2], "area": -1})", "annotations[0].area of at least 0");
    refused(R"({"id": 1, "image_id": 4, "category_id": 7, "bbox": [1, 1, 2, 2], "area": null})", "a number as annotations[0].area");
    refused(R"({"id": 1e999})", "JSON of numbers of 64 bits");
    refused("{", "JSON in \"c.json\", got an error at byte");

    // What is left out may be anything, at any depth, and what stands behind it is read.
    for (const char* const outline :
         {"[[1, 2, [3]], {\"segmentation\": [4]}]", "{\"counts\": \"x\", \"size\": [5, 6]}", "null", "[]", "{}", "7"})
        CHECK(with(R"({"id": 1, "image_id": 4, "segmentation": )" + std::string{outline} + R"(, "category_id": 7, "bbox": [1, 1, 2, 2]})")
                  .images[1]
                  .objects[0]
                  .id == 1);

    const auto whole = [](const std::string& text) { static_cast<void>(io::parse_coco(text)); };
    CHECK_THROWS_WITH(whole("[]"), "[load_coco] expected an object in \"text\", got another value");
    CHECK_THROWS_WITH(whole("{" + images + "}"), ContainsSubstring("a list 'categories' in \"text\", got none"));
    CHECK_THROWS_WITH(whole(R"({"categories": {}})"), ContainsSubstring("got an object"));
    CHECK_THROWS_WITH(whole(R"({"categories": [{"id": 1, "name": 2}]})"), ContainsSubstring("a string as categories[0].name"));
    CHECK_THROWS_WITH(whole(R"({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]})"),
                      ContainsSubstring("each id of 'categories' once in \"text\", got 1 twice"));
    CHECK_THROWS_WITH(whole("{" + categories + R"(, "images": [{"id": 1, "file_name": "a", "height": 0, "width": 1}]})"),
                      ContainsSubstring("1 to 2147483647 pixels as images[0].height"));
    CHECK_THROWS_WITH(whole(std::string{"{}\0", 3}), ContainsSubstring("got a zero byte"));
    CHECK_THROWS_AS(whole(""), IoError);
}
#endif
