// SPDX-License-Identifier: MIT
#include <espalier/data/augment/crop.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

using namespace espalier;

namespace {

const data::AugmentOptions everything{.targets = {"class", "depth"}, .boxes = {"objects"}, .keypoints = {"pose"}};

/// One image of 4 by 5 pixels with their numbers, on which targets have the same; a box from (1, 1) to (3, 3), a point at (4.5, 0.5).
data::Batch<> numbered() {
    const auto image = Tensor<float>::arange(20).reshape({1, 4, 5, 1});
    return {image,
            {{"class", Tensor<Index>::arange(20).reshape({1, 4, 5})},
             {"depth", image},
             {"objects", Tensor<float>{{1, 2, 5}, {1, 1, 3, 3, 7, -1, -1, -1, -1, -1}}},
             {"pose", Tensor<float>{{1, 1, 3}, {4.5F, 0.5F, 2}}}}};
}

}  // namespace

TEST_CASE("a crop takes pixels and all that lies on them, every place as likely", "[data][augment]") {
    std::set<float> first;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        auto batch = numbered();
        Random random{seed}, same{seed};
        data::random_crop({2, 3}, {}, everything)(batch, random);
        const Index top = same.below(3), left = same.below(3);
        const auto at = static_cast<float>(5 * top + left);
        first.insert(at);
        REQUIRE(batch.input == Tensor<float>{{1, 2, 3, 1}, {at, at + 1, at + 2, at + 5, at + 6, at + 7}});
        CHECK(batch.targets.at("class").labels() == batch.input.reshape({1, 2, 3}).cast<Index>());
        CHECK(batch.targets.at("depth").values() == batch.input);
        CHECK(batch.targets.at("depth").mask() == nullptr);  // nothing came in
        const auto x = static_cast<float>(left), y = static_cast<float>(top);
        CHECK(batch.targets.at("objects").values() == Tensor<float>{{1, 2, 5},
                                                                    {std::max(1 - x, 0.0F), std::max(1 - y, 0.0F), std::min(3 - x, 3.0F),
                                                                     std::min(3 - y, 2.0F), 7, -1, -1, -1, -1, -1}});
        CHECK(batch.targets.at("pose").values() ==
              (top == 0 && left == 2 ? Tensor<float>{{1, 1, 3}, {2.5F, 0.5F, 2}} : Tensor<float>{Shape{1, 1, 3}}));
    }
    CHECK(first.size() == 9);
}

TEST_CASE("a crop pads with the fill, and what comes in has no label", "[data][augment]") {
    auto options = everything;
    options.image_fill = 9;
    auto batch = numbered();
    Random random{1};
    data::random_crop({8, 9}, {.padding = 2}, options)(batch, random);
    CHECK(batch.input.shape() == Shape{1, 8, 9, 1});
    CHECK((batch.input.at(0, 0, 0, 0) == 9 && batch.input.at(0, 2, 2, 0) == 0 && batch.input.at(0, 5, 6, 0) == 19));
    CHECK((batch.targets.at("class").labels().at(0, 1, 2) == -100 && batch.targets.at("class").labels().at(0, 3, 3) == 6));
    CHECK(batch.targets.at("depth").counted() == 20);
    CHECK(batch.targets.at("objects").values().slice(0, 1)[0] == 3);
    CHECK(batch.targets.at("pose").values()[0] == 6.5F);
    batch = numbered();
    data::random_crop({5, 5}, {.pad_if_needed = true}, everything)(batch, random);
    CHECK(batch.input.shape() == Shape{1, 5, 5, 1});
    CHECK(batch.targets.at("depth").counted() == 20);
    batch = numbered();
    CHECK_THROWS_WITH(
        data::random_crop({5, 5})(batch, random),
        "[random_crop] expected images of at least 5x5 pixels with their padding of 0, got shape (1, 4, 5, 1): .pad_if_needed "
        "adds to smaller ones");
    data::random_crop({4, 5}, {}, everything)(batch, random);  // all of it
    CHECK(batch.input == numbered().input);
    CHECK(batch.targets.at("objects").values() == numbered().targets.at("objects").values());
    CHECK_THROWS_AS(data::random_crop({0, 2}), ValueError);
    CHECK_THROWS_AS(data::random_crop(2, {.padding = -1}), ValueError);
    CHECK_THROWS_AS(data::random_crop(2, {.padding = Index{1} << 62}), ValueError);
}

TEST_CASE("the middle is torchvision's", "[data][augment]") {
    Random random{1};
    const auto first = [&](Index extent, Index size) {
        data::Batch<> batch{Tensor<float>::arange(extent).reshape({1, 1, extent, 1}), {}};
        data::center_crop({1, size}, {.image_fill = -1})(batch, random);
        CHECK(batch.input.shape() == Shape{1, 1, size, 1});
        return batch.input[0];
    };
    CHECK(first(5, 5) == 0);
    CHECK(first(6, 2) == 2);
    CHECK(first(4, 3) == 0);  // 0.5, 1.5 and 2.5 are rounded to 0, 2 and 2
    CHECK(first(5, 2) == 2);
    CHECK(first(7, 2) == 2);
    CHECK(first(2, 3) == 0);  // a margin of 0 and 1
    CHECK(first(1, 4) == -1);
    data::Batch<> none{Tensor<float>{Shape{0, 3, 3, 1}}, {{"class", Tensor<Index>{Shape{0, 3, 3}}}}};
    data::center_crop(2, {.targets = {"class"}})(none, random);
    CHECK(none.input.shape() == Shape{0, 2, 2, 1});
    CHECK(none.targets.at("class").shape() == Shape{0, 2, 2});
}

TEST_CASE("a box goes when less than the share that is asked for is left of it", "[data][augment]") {
    const auto left = [](double least, float x) {
        data::Batch<> batch{Tensor<float>{Shape{1, 4, 8, 1}}, {{"objects", Tensor<float>{{1, 1, 5}, {x, 0, x + 2, 4, 1}}}}};
        Random random{1};
        data::center_crop({4, 4}, {.boxes = {"objects"}, .min_visible = least})(batch, random);  // x from 2 to 6
        return batch.targets.at("objects").values()[4] == 1;
    };
    CHECK(left(1, 2));
    CHECK((left(0.5, 1) && left(0.5, 5)));
    CHECK_FALSE(left(0.6, 1));
    CHECK_FALSE(left(0, 0));  // ends at the border
    CHECK_FALSE(left(0, 6));
}
