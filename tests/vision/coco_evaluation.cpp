// SPDX-License-Identifier: MIT
#include <espalier/vision/coco_evaluation.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <limits>
#include <vector>

using namespace espalier;
using namespace espalier::vision;

namespace {

std::vector<double> numbers(const CocoSummary& s) {
    return {s.ap, s.ap50, s.ap75, s.ap_small, s.ap_medium, s.ap_large, s.ar1, s.ar10, s.ar100, s.ar_small, s.ar_medium, s.ar_large};
}

struct Set {
    std::vector<std::vector<GroundTruth>> truths;
    std::vector<std::vector<Detection>> found;
};

Set set_of(const nlohmann::json& given) {
    const auto box = [](const nlohmann::json& row) { return Box{row[1], row[2], row[3], row[4]}; };
    Set set;
    set.truths.resize(given["images"].get<std::size_t>());
    set.found.resize(set.truths.size());
    for (const auto& row : given["truths"])
        set.truths[row[0].get<std::size_t>()].push_back(
            {.box = box(row), .label = row[5].get<Index>(), .crowd = row[6] == 1, .ignore = row[7] == 1});
    for (const auto& row : given["found"])
        set.found[row[0].get<std::size_t>()].push_back({box(row), row[5].get<Index>(), row[6].get<double>()});
    return set;
}

}  // namespace

TEST_CASE("COCO's numbers are those of pycocotools", "[vision]") {
    const auto sets = nlohmann::json::parse(std::ifstream{ESPALIER_GOLDEN_DIR "/coco.json"});
    REQUIRE(sets.size() == 200);
    int measured = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const Set set = set_of(sets[i]);
        const auto got = numbers(coco_evaluation(set.truths, set.found));
        for (std::size_t k = 0; k < got.size(); ++k) {
            CAPTURE(i, k);
            CHECK(std::abs(got[k] - sets[i]["stats"][k].get<double>()) <= 1e-9);
            measured += got[k] > 0 && got[k] < 1;
        }
        const testing::Threads one{1};
        CHECK(numbers(coco_evaluation(set.truths, set.found)) == got);
    }
    CHECK(measured > 1000);
}

TEST_CASE("all found, nothing found, and nothing to be found", "[vision]") {
    const Box box{10, 10, 30, 30};
    const std::vector<std::vector<GroundTruth>> one{{{.box = box, .label = 4}}};
    const auto all = coco_evaluation(one, {{{box, 4, 0.3}}});
    CHECK(all.ap == Approx(1).epsilon(1e-12));
    CHECK((all.ap_small > 0.999 && all.ap_large == -1 && all.ar1 == 1));
    CHECK(numbers(coco_evaluation(one, {{}}))[0] == 0);
    CHECK(coco_evaluation(one, {{{box, 3, 0.3}}}).ap == 0);  // another class
    for (const auto& nothing : {coco_evaluation({}, {}), coco_evaluation({{}, {}}, {{{box, 1, 1}}, {}})})
        CHECK(numbers(nothing) == std::vector<double>(12, -1));
    CHECK_THROWS_WITH(coco_evaluation(one, {}), "[coco_evaluation] expected detections of 1 images, got 0");
    CHECK_THROWS_AS(coco_evaluation(one, {}), ShapeError);
}

TEST_CASE("an object's own area says whether it is small, and a crowd takes any number", "[vision]") {
    const Box box{0, 0, 50, 50};
    const auto by_mask = coco_evaluation({{{.box = box, .area = 500}}}, {{{box, 0, 1}}});
    CHECK((by_mask.ar_small == 1 && by_mask.ar_medium == -1));
    const std::vector<std::vector<GroundTruth>> crowded{{{.box = {100, 100, 120, 120}}, {.box = box, .crowd = true}}};
    const std::vector<std::vector<Detection>> found{{{{0, 0, 10, 10}, 0, 0.9}, {{5, 5, 20, 20}, 0, 0.8}, {{100, 100, 120, 120}, 0, 0.1}}};
    CHECK(coco_evaluation(crowded, found).ap == Approx(1).epsilon(1e-12));
}

TEST_CASE("boxes and scores that are no numbers are refused, as they would be neither right nor wrong", "[vision]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::vector<GroundTruth>> one{{}, {{.box = {10, 10, 30, 30}}}};
    CHECK_THROWS_AS(coco_evaluation(one, {{}, {{{10, 10, 30, nan}, 0, 0.5}}}), ValueError);
    CHECK_THROWS_WITH(
        coco_evaluation(one, {{}, {{{10, 10, 30, 30}, 0, static_cast<double>(nan)}}}),
        ContainsSubstring("[coco_evaluation] expected finite boxes and scores that have an order, got [10, 10, 30, 30] with nan") &&
            ContainsSubstring("at image 1"));
    CHECK_THROWS_WITH(coco_evaluation({{{.box = {0, 0, std::numeric_limits<float>::infinity(), 1}}}}, {{}}),
                      "[coco_evaluation] expected finite boxes of objects, got [0, 0, inf, 1] at image 0");
}
