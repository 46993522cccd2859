// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/reference.hpp>

#include "nn/trunks/testing.hpp"

#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::shape_out;
namespace trunks = nn::trunks;

TEST_CASE("the reference trunk equals PyTorch's", "[nn][trunks][long]") {
    CHECK(trunks::reference({36, 36, 1}).parameter_count() == 2'211'348 - 2 * 10'250);  // without the heads of the example
    for (const auto& [key, image] : {std::pair{"reference/32x32", Shape{32, 32, 1}}, std::pair{"reference/40x36", Shape{40, 36, 1}}}) {
        compare_with_pytorch(trunks::reference<double>(image), key, image.prepended(2));
        compare_with_pytorch(trunks::reference(image), key, image.prepended(2));
    }
}

TEST_CASE("the reference trunk is a value for images of any size and channels", "[nn][trunks]") {
    CHECK(shape_out(trunks::reference({8, 8, 1}), {1, 8, 8, 1}) == Shape{1, 1024});
    CHECK(shape_out(trunks::reference({17, 30, 3}, {.features = 9}), {2, 17, 30, 3}) == Shape{2, 9});
    CHECK(trunks::reference({8, 8, 1}).size() == 4);
    testing::require_regular(trunks::reference({9, 16, 2}, {.features = 5}), {3, 9, 16, 2});
    CHECK(testing::names(trunks::reference({8, 8, 1}).state_dict()) ==
          std::vector<std::string>{"0.0.weight", "0.0.bias", "1.0.weight", "1.0.bias", "2.0.weight", "2.0.bias", "3.1.weight", "3.1.bias"});
}

TEST_CASE("what the reference trunk refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::reference({7, 36, 1}), "[reference] expected the shape (H, W, C) of images of at least 8x8, got (7, 36, 1)");
    CHECK_THROWS_AS(trunks::reference({36, 36, 1}, {.features = -1}), ValueError);
    auto trunk = trunks::reference({16, 16, 1});
    CHECK_THROWS_WITH(trunk(Tensor<float>{Shape{1, 24, 16, 1}}),
                      "[linear] expected 512 input features, got input (1, 768), in layer 1, in layer 3");
    CHECK_THROWS_AS(trunk(Tensor<float>{Shape{1, 16, 16, 3}}), ShapeError);
}
