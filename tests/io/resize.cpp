// SPDX-License-Identifier: MIT
#include <espalier/io/resize.hpp>

#include "catch.hpp"

#include <cmath>
#include <string>

#if __has_include(<nlohmann/json.hpp>)
#include <espalier/io/safetensors.hpp>
#endif

using namespace espalier;

#if __has_include(<nlohmann/json.hpp>)
TEMPLATE_TEST_CASE("images are resized as Pillow does it", "[io][image][golden]", float, double) {
    const auto golden = io::load_safetensors(std::string{ESPALIER_GOLDEN_DIR} + "/images.safetensors");
    int cases = 0;
    for (; golden.contains(concat("resize/", cases, "/input")); ++cases) {
        INFO(cases);
        const auto input = golden.get<TestType>(concat("resize/", cases, "/input"));
        const auto expected = golden.get<TestType>(concat("resize/", cases, "/output"));
        const auto got = io::resize(input.reshape({input.size(0), input.size(1), 1}), {expected.size(0), expected.size(1)});
        REQUIRE(got.shape() == Shape{expected.size(0), expected.size(1), 1});
        for (Index i = 0; i < got.numel(); ++i)
            CHECK(std::abs(got[i] - expected[i]) < 1e-6);
    }
    CHECK(cases == 6);
}
#endif

TEMPLATE_TEST_CASE("each channel is resized by itself", "[io][image]", float, double) {
    using T = Tensor<TestType>;
    const T image{{1, 4, 2}, {0, 10, 2, 20, 4, 30, 6, 40}};
    CHECK(io::resize(image, {1, 2}, false) == T{{1, 2, 2}, {1, 15, 5, 35}});
    CHECK(io::resize(image, {3, 4}) == T{{3, 4, 2}, {0, 10, 2, 20, 4, 30, 6, 40, 0, 10, 2, 20, 4, 30, 6, 40, 0, 10, 2, 20, 4, 30, 6, 40}});
    CHECK(io::resize(image, {1, 4}) == image);
    // Without antialiasing the pixels between are not seen: a single bright one is lost.
    const T bright{{1, 9, 1}, {0, 0, 9, 0, 0, 0, 0, 0, 0}};
    CHECK(io::resize(bright, {1, 3}, false) == T{{1, 3, 1}, {0, 0, 0}});
    CHECK(io::resize(bright, {1, 3})[0] > 1);
}

TEST_CASE("an image without pixels, or none, cannot be resized", "[io][image]") {
    CHECK_THROWS_WITH(io::resize(Tensor<float>{Shape{0, 3, 1}}, {2, 2}), "[resize] expected an image (H, W, C), got shape (0, 3, 1)");
    CHECK_THROWS_AS(io::resize(Tensor<float>{Shape{3, 3}}, {2, 2}), ShapeError);
    CHECK_THROWS_AS(io::resize(Tensor<float>{Shape{3, 3, 1}}, {0, 2}), ValueError);
    CHECK(io::resize(Tensor<float>{Shape{3, 3, 0}}, {1, 2}).shape() == Shape{1, 2, 0});
}
