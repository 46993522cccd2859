// SPDX-License-Identifier: MIT
#include <espalier/vision/decode_centers.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using namespace espalier::vision;

namespace {

/// One image, 4 by 5 cells, two classes, where nothing is.
template <class T>
Tensor<T> nothing() {
    return Tensor<T>::full({1, 4, 5, 6}, T(-8));
}

template <class T>
void put(Tensor<T>& map, Index y, Index x, Index label, T logit, std::initializer_list<T> sizes = {2, 1, T(0.5), T(0.25)}) {
    map.at(0, y, x, label) = logit;
    std::copy(sizes.begin(), sizes.end(), map.data() + (y * 5 + x) * 6 + 2);
}

}  // namespace

TEMPLATE_TEST_CASE("peaks become boxes, the most likely first", "[vision]", float, double) {
    using T = TestType;
    auto map = nothing<T>();
    put<T>(map, 1, 1, 0, 1);
    put<T>(map, 1, 2, 0, T(0.5));  // beside a higher one
    put<T>(map, 1, 2, 1, 2);       // but not of this class
    put<T>(map, 3, 4, 1, 0, {4, 4, T(0.5), T(0.5)});
    const auto found = decode_centers(map, {.score_threshold = 0.4});
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].size() == 3);
    CHECK(found[0][0].box == Box{6, 3, 14, 7});
    CHECK((found[0][0].label == 1 && found[0][0].score == Approx(1 / (1 + std::exp(-2.0)))));
    CHECK((found[0][1].box == Box{2, 3, 10, 7} && found[0][1].label == 0));
    CHECK(found[0][2].box == Box{10, 6, 20, 16});  // cut at the edges
    CHECK(decode_centers(map, {.score_threshold = 0.7})[0].size() == 2);
    CHECK(decode_centers(map, {.top_k = 1, .score_threshold = 0.4})[0] == std::vector{found[0][0]});
    CHECK(decode_centers(map, {.stride = 8, .score_threshold = 0.4})[0][0].box == Box{12, 6, 28, 14});
    CHECK(decode_centers(map, {.score_threshold = 1})[0].empty());
}

TEMPLATE_TEST_CASE("equal peaks stay both, the first cell first; nms is for each class", "[vision]", float, double) {
    using T = TestType;
    auto map = nothing<T>();
    put<T>(map, 1, 2, 1, 1, {3, 3, 0, 0});
    put<T>(map, 1, 1, 1, 1, {3, 3, 1, 0});
    put<T>(map, 1, 1, 0, 1, {3, 3, 1, 0});
    const auto found = decode_centers(map)[0];
    REQUIRE(found.size() == 3);
    CHECK((found[0].label == 0 && found[1].label == 1 && found[2].label == 1));
    CHECK(found[1].box == found[2].box);
    const auto best = decode_centers(map, {.nms_threshold = 0.5})[0];
    CHECK(best == std::vector{found[0], found[1]});
}

TEMPLATE_TEST_CASE("what is not finite or has no area is nothing", "[vision]", float, double) {
    using T = TestType;
    const T nan = std::numeric_limits<T>::quiet_NaN();
    auto map = nothing<T>();
    put<T>(map, 0, 0, 0, 1, {nan, 1, 0, 0});
    put<T>(map, 0, 3, 0, 1, {-1, 1, 0, 0});
    put<T>(map, 3, 0, 0, 1, {1, 1, std::numeric_limits<T>::infinity(), 0});
    put<T>(map, 3, 3, 0, nan);
    CHECK(decode_centers(map)[0].empty());
    auto beside = nothing<T>();
    put<T>(beside, 1, 1, 0, 1);
    put<T>(beside, 1, 2, 0, nan);  // does not exceed it
    CHECK(decode_centers(beside)[0].size() == 1);
    CHECK(decode_centers(Tensor<T>::full({2, 3, 3, 5}, nan)) == std::vector<std::vector<Detection>>(2));
    CHECK(decode_centers(Tensor<T>{Shape{0, 3, 3, 5}}).empty());
    CHECK(decode_centers(Tensor<T>{Shape{2, 0, 3, 5}}).size() == 2);
}

TEST_CASE("images are decoded alike on any number of threads", "[vision]") {
    Random random{3};
    const auto map = Tensor<float>::normal({7, 16, 16, 9}, random);
    const testing::Threads one{1};
    const auto expected = decode_centers(map, {.nms_threshold = 0.4});
    const testing::Threads three{3};
    CHECK(decode_centers(map, {.nms_threshold = 0.4}) == expected);
}

TEST_CASE("predictions and options that are none are refused", "[vision]") {
    CHECK_THROWS_WITH(decode_centers(Tensor<float>{Shape{1, 4, 5, 4}}),
                      "[decode_centers] expected predictions (N, h, w, classes + 4), got (1, 4, 5, 4)");
    const auto map = nothing<float>();
    CHECK_THROWS_WITH(decode_centers(map, {.stride = 0}), "[decode_centers] expected a stride and a top_k above 0, got 0 and 100");
    CHECK_THROWS_AS(decode_centers(map, {.top_k = 0}), ValueError);
    CHECK_THROWS_AS(decode_centers(map, {.score_threshold = -0.1}), ValueError);
    CHECK_THROWS_AS(decode_centers(map, {.nms_threshold = 2}), ValueError);
}
