// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/lenet.hpp>

#include "nn/trunks/testing.hpp"

#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::shape_out;
namespace trunks = nn::trunks;

TEST_CASE("the LeNets have the papers' numbers of parameters and equal PyTorch's", "[nn][trunks]") {
    CHECK(trunks::lenet({36, 36, 1}).parameter_count() == 30'890);
    CHECK(trunks::multi_lenet({28, 28, 1}).parameter_count() == 21'330);
    for (const auto& [key, image] : {std::pair{"lenet/36x36", Shape{36, 36, 1}}, std::pair{"lenet/32x40", Shape{32, 40, 1}}}) {
        compare_with_pytorch(trunks::lenet<double>(image), key, image.prepended(2));
        compare_with_pytorch(trunks::lenet(image), key, image.prepended(2));
    }
    for (const auto& [key, image] : {std::pair{"multi_lenet/28x28", Shape{28, 28, 1}}, std::pair{"multi_lenet/36x30", Shape{36, 30, 1}}}) {
        compare_with_pytorch(trunks::multi_lenet<double>(image), key, image.prepended(2));
        compare_with_pytorch(trunks::multi_lenet(image), key, image.prepended(2));
    }
}

TEST_CASE("the LeNets are values for images of any size and channels", "[nn][trunks]") {
    CHECK(shape_out(trunks::lenet({20, 20, 1}), {1, 20, 20, 1}) == Shape{1, 50});
    CHECK(shape_out(trunks::lenet({31, 22, 3}, {.features = 7}), {2, 31, 22, 3}) == Shape{2, 7});
    CHECK(shape_out(trunks::multi_lenet({16, 16, 3}), {1, 16, 16, 3}) == Shape{1, 50});
    CHECK(trunks::lenet({20, 20, 1}).size() == 3);
    testing::require_regular(trunks::lenet({20, 24, 1}), {2, 20, 24, 1});
    testing::require_regular(trunks::multi_lenet({20, 24, 1}), {2, 20, 24, 1});
    CHECK(testing::names(trunks::lenet({20, 20, 1}).state_dict()) ==
          std::vector<std::string>{"0.0.weight", "0.0.bias", "1.0.weight", "1.0.bias", "2.1.weight", "2.1.bias"});
}

TEST_CASE("what a LeNet refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::lenet({19, 36, 1}), "[lenet] expected the shape (H, W, C) of images of at least 20x20, got (19, 36, 1)");
    CHECK_THROWS_WITH(trunks::lenet({36, 36}), "[lenet] expected the shape (H, W, C) of images of at least 20x20, got (36, 36)");
    CHECK_THROWS_WITH(trunks::multi_lenet({28, 15, 1}),
                      "[multi_lenet] expected the shape (H, W, C) of images of at least 16x16, got (28, 15, 1)");
    CHECK_THROWS_AS(trunks::lenet({36, 36, 0}), ShapeError);
    CHECK_THROWS_AS(trunks::lenet({36, 36, 1}, {.features = 0}), ValueError);
}
