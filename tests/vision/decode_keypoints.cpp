// SPDX-License-Identifier: MIT
#include <espalier/vision/decode_keypoints.hpp>
#include <espalier/vision/keypoints.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using vision::decode_keypoints;

TEMPLATE_TEST_CASE("key points are found to a quarter of a cell in the maps that are wanted", "[vision]", float, double) {
    using T = TestType;
    Random random{1};
    auto keypoints = Tensor<T>::uniform({5, 4, 3}, random, 0, 1);
    for (Index i = 0; i < 20; ++i) {  // where cells have neighbours on both sides
        keypoints[3 * i] = 4 + keypoints[3 * i] * T(4 * 10);
        keypoints[3 * i + 1] = 4 + keypoints[3 * i + 1] * T(4 * 7);
        keypoints[3 * i + 2] = 1;
    }
    const auto maps = vision::keypoint_heat_maps(keypoints, {9, 12});
    const auto found = decode_keypoints(maps, 4);
    REQUIRE(found.shape() == keypoints.shape());
    for (Index i = 0; i < 60; i += 3) {
        CAPTURE(i);
        CHECK(std::abs(found[i] - keypoints[i]) <= T(1.0001));  // pixels
        CHECK(std::abs(found[i + 1] - keypoints[i + 1]) <= T(1.0001));
        CHECK(found[i + 2] > T(0.9));
    }
    CHECK(decode_keypoints(maps, 4) == found);
    for (const int threads : {1, 3}) {
        const testing::Threads with{threads};
        CHECK(decode_keypoints(maps, 4) == found);
    }
}

TEMPLATE_TEST_CASE("a key point moves a quarter of a cell towards the higher neighbour, if there are two", "[vision]", float, double) {
    using T = TestType;
    const Tensor<T> map{{1, 3, 4, 1}, {0, 1, 0, 0, 2, 9, 3, 0, 0, 1, 0, 0}};
    CHECK(decode_keypoints(map, 4) == Tensor<T>{{1, 1, 3}, {7, 6, 9}});  // right, and neither up nor down
    const Tensor<T> corner{{1, 2, 2, 1}, {0, 0, 0, 1}};
    CHECK(decode_keypoints(corner, 2) == Tensor<T>{{1, 1, 3}, {3, 3, 1}});
    const Tensor<T> equal{{1, 1, 3, 1}, {5, 5, 5}};
    CHECK(decode_keypoints(equal, 1) == Tensor<T>{{1, 1, 3}, {T(0.5), T(0.5), 5}});  // the first
    CHECK(decode_keypoints(Tensor<T>{{1, 1, 1, 1}, {T(-2)}}, 8) == Tensor<T>{{1, 1, 3}, {4, 4, T(-2)}});
    const Tensor<T> two{{1, 1, 3, 2}, {0, 1, 3, 0, 1, 0}};  // maps lie side by side
    CHECK(decode_keypoints(two, 4) == Tensor<T>{{1, 2, 3}, {7, 2, 3, 2, 2, 1}});
}

TEMPLATE_TEST_CASE("what is no number is not found, and bad maps are refused", "[vision]", float, double) {
    using T = TestType;
    constexpr auto nan = std::numeric_limits<T>::quiet_NaN();
    const Tensor<T> some{{1, 1, 4, 1}, {nan, 1, 3, nan}};
    CHECK(decode_keypoints(some, 4) == Tensor<T>{{1, 1, 3}, {10, 2, 3}});
    for (const T value : decode_keypoints(Tensor<T>::full({1, 2, 2, 1}, nan), 4))
        CHECK(std::isnan(value));
    CHECK(decode_keypoints(Tensor<T>{Shape{0, 2, 2, 3}}).shape() == Shape{0, 3, 3});
    CHECK(decode_keypoints(Tensor<T>{Shape{2, 2, 2, 0}}).shape() == Shape{2, 0, 3});
    CHECK_THROWS_WITH(decode_keypoints(Tensor<T>{Shape{2, 2, 3}}), "[decode_keypoints] expected maps (N, h, w, K), got (2, 2, 3)");
    CHECK_THROWS_WITH(decode_keypoints(Tensor<T>{Shape{2, 0, 2, 3}}), "[decode_keypoints] expected maps (N, h, w, K), got (2, 0, 2, 3)");
    CHECK_THROWS_WITH(decode_keypoints(Tensor<T>{Shape{2, 2, 2, 3}}, 0), "[decode_keypoints] expected a stride above 0, got 0");
}
