// SPDX-License-Identifier: MIT
#include <espalier/io/layout.hpp>

#include "catch.hpp"

using namespace espalier;

TEMPLATE_TEST_CASE("channels move behind the image and back", "[io][layout]", float, double, int) {
    const auto nchw = Tensor<TestType>::arange(2 * 3 * 4 * 5).reshape({2, 3, 4, 5});
    const auto nhwc = io::from_nchw(nchw);
    REQUIRE(nhwc.shape() == Shape{2, 4, 5, 3});
    for (Index n = 0; n < 2; ++n)
        for (Index c = 0; c < 3; ++c)
            for (Index h = 0; h < 4; ++h)
                for (Index w = 0; w < 5; ++w)
                    CHECK(nhwc.at(n, h, w, c) == nchw.at(n, c, h, w));
    CHECK(io::to_nchw(nhwc) == nchw);
    CHECK(io::from_nchw(Tensor<TestType>{Shape{0, 3, 2, 2}}).shape() == Shape{0, 2, 2, 3});
}

TEST_CASE("columns of a linear layer follow the flattened image", "[io][layout]") {
    const auto image = Tensor<float>::arange(3 * 2 * 4).reshape({1, 3, 2, 4});
    auto weight = Tensor<float>::arange(5 * 24).reshape({5, 24});
    const auto moved = io::flatten_weight_from_nchw(weight, 3, 2, 4);
    const auto flat = io::from_nchw(image);
    for (Index out = 0; out < 5; ++out) {
        float first_order = 0;
        float last_order = 0;
        for (Index i = 0; i < 24; ++i) {
            first_order += weight.at(out, i) * image[i];
            last_order += moved.at(out, i) * flat[i];
        }
        CHECK(first_order == last_order);
    }
    CHECK(moved != weight);
    CHECK(io::flatten_weight_to_nchw(moved, 3, 2, 4) == weight);
}

TEST_CASE("shapes that do not fit are refused", "[io][layout]") {
    CHECK_THROWS_WITH(io::from_nchw(Tensor<float>{Shape{2, 3}}),
                      ContainsSubstring("[from_nchw] expected a shape (N, C, H, W), got (2, 3)"));
    CHECK_THROWS_WITH(io::to_nchw(Tensor<float>{Shape{2}}), ContainsSubstring("[to_nchw] expected a shape (N, H, W, C), got (2,)"));
    CHECK_THROWS_AS(io::flatten_weight_from_nchw(Tensor<float>{Shape{5, 23}}, 3, 2, 4), ShapeError);
    CHECK_THROWS_WITH(io::flatten_weight_to_nchw(Tensor<float>{Shape{24}}, 3, 2, 4),
                      ContainsSubstring("expected a weight (out, 3 * 2 * 4), got (24,)"));
    CHECK_THROWS_AS(io::flatten_weight_to_nchw(Tensor<float>{Shape{5, 24}}, -3, -2, 4), ShapeError);
}
