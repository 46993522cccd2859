// SPDX-License-Identifier: MIT
#include <espalier/core/random.hpp>
#include <espalier/vision/nms.hpp>

#include "catch.hpp"

#include <cmath>
#include <numeric>

using namespace espalier;
using namespace espalier::vision;

namespace {

struct Candidates {
    std::vector<Box> boxes;
    std::vector<double> scores;
    std::vector<Index> labels;
};

Candidates draw(Random& random, Index count, float spread) {
    Candidates c;
    for (Index i = 0; i < count; ++i) {
        const float x = random.uniform(0.0F, spread), y = random.uniform(0.0F, spread);
        c.boxes.push_back({x, y, x + random.uniform(1.0F, 20.0F), y + random.uniform(1.0F, 20.0F)});
        c.scores.push_back(static_cast<double>(random.below(30)) / 30);  // with equals
        c.labels.push_back(random.below(3));
    }
    return c;
}

/// As torchvision's loop is written: all later boxes that overlap one that is kept are struck out.
std::vector<Index> by_definition(const Candidates& c, double threshold, bool by_class) {
    std::vector<std::size_t> order(c.boxes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return c.scores[a] > c.scores[b]; });
    std::vector<bool> struck(order.size());
    std::vector<Index> kept;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (struck[i])
            continue;
        kept.push_back(static_cast<Index>(order[i]));
        for (std::size_t j = i + 1; j < order.size(); ++j)
            if ((!by_class || c.labels[order[i]] == c.labels[order[j]]) &&
                static_cast<double>(iou(c.boxes[order[i]], c.boxes[order[j]])) > threshold)
                struck[j] = true;
    }
    return kept;
}

}  // namespace

TEST_CASE("nms keeps what its definition keeps, in the order of scores", "[vision]") {
    Random random{1};
    for (int i = 0; i < 60; ++i) {
        const auto c = draw(random, random.below(70), 40);
        for (const double threshold : {0.0, 0.1, 0.5, 0.7, 1.0}) {
            CAPTURE(i, threshold);
            CHECK(nms(c.boxes, c.scores, threshold) == by_definition(c, threshold, false));
            CHECK(batched_nms(c.boxes, c.scores, c.labels, threshold) == by_definition(c, threshold, true));
        }
    }
}

TEST_CASE("an IoU that equals the threshold is not above it, and of equal scores the first stays", "[vision]") {
    const std::vector<Box> boxes{{0, 0, 4, 4}, {0, 0, 4, 2}, {0, 0, 4, 4}, {9, 9, 10, 10}};
    const std::vector<double> scores{0.5, 0.5, 0.5, 0.9};
    CHECK(nms(boxes, scores, 0.5) == std::vector<Index>{3, 0, 1});
    CHECK(nms(boxes, scores, std::nextafter(0.5, 0.0)) == std::vector<Index>{3, 0});
    CHECK(nms(boxes, scores, 1) == std::vector<Index>{3, 0, 1, 2});
    CHECK(nms({}, {}, 0.5).empty());
    CHECK(nms(std::vector<Box>{{1, 1, 2, 2}}, std::vector<double>{0.0}, 0) == std::vector<Index>{0});
    const std::vector<Box> points(20, Box{3, 3, 3, 3});
    CHECK(nms(points, std::vector<double>(20), 0.5).size() == 20);
}

TEST_CASE("nms refuses boxes and scores without an order", "[vision]") {
    const std::vector<Box> boxes{{0, 0, 4, 4}, {0, 0, std::nanf(""), 2}};
    const std::vector<double> scores{0.5, 0.4};
    CHECK_THROWS_AS(nms(boxes, scores, 0.5), ValueError);
    CHECK_THROWS_AS(nms(std::vector<Box>(2), std::vector<double>{1, NAN}, 0.5), ValueError);
    CHECK_THROWS_WITH(nms(boxes, std::vector<double>{1}, 0.5), "[nms] expected a score for each of 2 boxes, got 1");
    CHECK_THROWS_WITH(nms(boxes, scores, 1.5), "[nms] expected an IoU threshold in [0, 1], got 1.5");
    CHECK_THROWS_WITH(batched_nms(std::vector<Box>(2), scores, std::vector<Index>{1}, 0.5),
                      "[batched_nms] expected a label for each of 2 boxes, got 1");
    CHECK_THROWS_AS(soft_nms(std::vector<Box>(2), scores, {.sigma = 0}), ValueError);
    CHECK_THROWS_WITH(soft_nms(std::vector<Box>(2), scores, {.score_threshold = std::nan("")}),
                      "[soft_nms] expected a number as score threshold, got nan");
}

TEST_CASE("soft_nms lowers the scores of what overlaps", "[vision]") {
    const std::vector<Box> boxes{{0, 0, 10, 10}, {0, 0, 10, 5}, {50, 50, 60, 60}, {0, 0, 10, 2}};
    const std::vector<double> scores{0.9, 0.8, 0.3, 0.7};
    const auto linear = soft_nms(boxes, scores, {.method = SoftNmsMethod::linear});
    // Box 1 shares a half with box 0; box 3 a fifth, which is below the threshold, but two fifths with box 1.
    CHECK(linear.indices == std::vector<Index>{0, 3, 2, 1});
    CHECK(linear.scores[1] == 0.7);
    CHECK(linear.scores[3] == Approx(0.8 * 0.5 * 0.6).epsilon(1e-6));
    const auto gaussian = soft_nms(boxes, scores);
    CHECK(gaussian.indices == std::vector<Index>{0, 3, 1, 2});
    CHECK(gaussian.scores[1] == Approx(0.7 * std::exp(-0.04 / 0.5)).epsilon(1e-6));
    CHECK(gaussian.scores[2] == Approx(0.8 * std::exp(-0.25 / 0.5) * std::exp(-0.16 / 0.5)).epsilon(1e-6));
    CHECK(soft_nms(boxes, scores, {.score_threshold = 0.5}).indices == std::vector<Index>{0, 3});
    CHECK(soft_nms({}, {}).indices.empty());
    const auto equals = soft_nms(std::vector<Box>{{0, 0, 1, 1}, {5, 5, 6, 6}}, std::vector<double>{0.5, 0.5});
    CHECK(equals.indices == std::vector<Index>{0, 1});
}
