// SPDX-License-Identifier: MIT
#include <espalier/data/augment/resize.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/io/resize.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

using namespace espalier;

namespace {

const data::AugmentOptions everything{.targets = {"class", "depth"}, .boxes = {"objects"}, .keypoints = {"pose"}};

}  // namespace

TEMPLATE_TEST_CASE("images are resized as io does it, and all that lies on them", "[data][augment]", float, double) {
    using T = TestType;
    Random random{1};
    const auto images = Tensor<T>::uniform({2, 4, 6, 3}, random);
    const auto depth = Tensor<T>::arange(48).reshape({2, 4, 6});
    data::Batch<T> batch{images,
                         {{"class", Tensor<Index>::arange(48).reshape({2, 4, 6})},
                          {"depth", {depth, Tensor<bool>{{2}, {true, false}}}},
                          {"objects", Tensor<T>{{2, 1, 5}, {1, 2, 4, 4, 7, -1, -1, -1, -1, -1}}},
                          {"pose", Tensor<T>{{2, 1, 3}, {6, 1, 2, 0, 0, 0}}}}};
    data::resize({2, 9}, everything)(batch, random);
    REQUIRE(batch.input.shape() == Shape{2, 2, 9, 3});
    for (Index i = 0; i < 2; ++i)
        CHECK(batch.input.slice(i, i + 1).reshape({2, 9, 3}) == io::resize(images.slice(i, i + 1).reshape({4, 6, 3}), {2, 9}));
    const Tensor<Index> row{{9}, {0, 1, 1, 2, 3, 3, 4, 5, 5}};  // middles at 1/3, 1, 5/3, ...
    for (Index i = 0; i < 2; ++i)
        for (Index y = 0; y < 2; ++y)
            for (Index x = 0; x < 9; ++x) {
                const Index from = 24 * i + 6 * (2 * y + 1) + row[x];
                CHECK(batch.targets.at("class").labels().at(i, y, x) == from);
                CHECK(batch.targets.at("depth").values().at(i, y, x) == static_cast<T>(from));
            }
    CHECK(batch.targets.at("depth").counted() == 18);
    CHECK(batch.targets.at("objects").values() == Tensor<T>{{2, 1, 5}, {1.5, 1, 6, 2, 7, -1, -1, -1, -1, -1}});
    CHECK(batch.targets.at("pose").values() == Tensor<T>{{2, 1, 3}, {9, 0.5, 2, 0, 0, 0}});
}

TEST_CASE("at the same size every bit stays", "[data][augment]") {
    const float missing = std::numeric_limits<float>::quiet_NaN();
    Random random{1};
    data::Batch<> batch{Tensor<float>{{1, 1, 3, 1}, {-0.0F, missing, 7}}, {}};
    for (int turn = 0; turn < 2; ++turn) {
        data::resize({1, 3})(batch, random);
        data::random_resized_crop({1, 3}, {.scale = {1, 1}, .ratio = {3, 3}})(batch, random);
    }
    CHECK(std::signbit(batch.input[0]));
    CHECK(std::isnan(batch.input[1]));
    CHECK(batch.input[2] == 7);
}

TEST_CASE("a mask of pixels is resized with its values", "[data][augment]") {
    auto mask = Tensor<bool>::full({1, 2, 2}, true);
    mask[1] = false;
    data::Batch<> batch{Tensor<float>{Shape{1, 2, 2, 1}}, {{"depth", {Tensor<float>{{1, 2, 2}, {1, 2, 3, 4}}, mask}}}};
    Random random{1};
    data::resize(4, {.targets = {"depth"}})(batch, random);
    for (Index k = 0; k < 16; ++k)
        CHECK(batch.targets.at("depth").counts(k) == (batch.targets.at("depth").values()[k] != 2));
    CHECK(batch.targets.at("depth").counted() == 12);
}

TEST_CASE("a part of random area and shape is cut out and resized", "[data][augment]") {
    constexpr Index height = 20, width = 30;
    std::set<Index> heights, widths;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const auto numbers = Tensor<float>::arange(height * width).reshape({1, height, width});
        Tensor<float> box{{1, 1, 5}, {10, 5, 20, 15, 3}}, points{Shape{1, 2, 3}};
        points[0] = 15, points[1] = 10, points[2] = 1;
        points[3] = 0.5F, points[4] = 0.5F, points[5] = 1;
        data::Batch<> batch{numbers.reshape({1, height, width, 1}), {{"place", numbers}, {"objects", box}, {"pose", points}}};
        Random random{seed};
        const data::AugmentOptions options{.targets = {"place"}, .boxes = {"objects"}, .keypoints = {"pose"}};
        data::random_resized_crop({40, 40}, {.scale = {0.2, 0.8}}, options)(batch, random);
        REQUIRE(batch.input.shape() == Shape{1, 40, 40, 1});
        const auto& place = batch.targets.at("place");
        CHECK(place.mask() == nullptr);
        const auto first = static_cast<Index>(place.values()[0]), last = static_cast<Index>(place.values()[1599]);
        const Index top = first / width, left = first % width;
        const Index h = last / width - top + 1, w = last % width - left + 1;
        heights.insert(h);
        widths.insert(w);
        const double area = static_cast<double>(h * w) / (height * width);
        CHECK((area > 0.17 && area < 0.85));
        CHECK(static_cast<double>(w) / static_cast<double>(h) == Approx(1).margin(0.42));
        const auto& pose = batch.targets.at("pose").values();
        const double x = (15.0 - static_cast<double>(left)) * 40 / static_cast<double>(w);
        const double y = (10.0 - static_cast<double>(top)) * 40 / static_cast<double>(h);
        if (x >= 0 && x <= 40 && y >= 0 && y <= 40) {
            CHECK(pose[0] == Approx(x).margin(1e-4));
            CHECK(pose[1] == Approx(y).margin(1e-4));
        } else {
            CHECK(pose[2] == 0);
        }
        CHECK((pose[5] == 1) == (top == 0 && left == 0));
        const auto& objects = batch.targets.at("objects").values();
        for (int k = 0; objects[4] >= 0 && k < 4; ++k)
            CHECK((objects[k] >= 0 && objects[k] <= 40));
        // The middle of a slope is where it was: bilinear values lie between those of the part.
        CHECK((batch.input[0] >= place.values()[0] && batch.input[1599] <= place.values()[1599]));
    }
    CHECK((heights.size() > 4 && widths.size() > 4));
}

TEST_CASE("a box on the edge of its image is whole after it is resized", "[data][augment]") {
    Random random{1};
    for (Index from = 1; from <= 60; ++from)
        for (Index to = 1; to <= 60; ++to) {
            const auto side = static_cast<double>(from);
            data::Batch<double> batch{Tensor<double>{Shape{1, from, from, 1}},
                                      {{"objects", Tensor<double>{{1, 1, 5}, {0, 0, side, side, 3}}}}};
            data::resize(to, {.boxes = {"objects"}, .min_visible = 1})(batch, random);
            CAPTURE(from, to);
            CHECK(batch.targets.at("objects").values()[4] == 3);
        }
}

TEST_CASE("the largest part in the middle is taken where none fits", "[data][augment]") {
    Random random{1};
    const auto corner = [&](Index height, Index width, Pair size) {
        data::Batch<> batch{Tensor<float>::arange(height * width).reshape({1, height, width, 1}), {}};
        data::random_resized_crop(size, {.scale = {1, 1}, .ratio = {0.75, 4.0 / 3}})(batch, random);
        CHECK(batch.input.shape() == Shape{1, size.height, size.width, 1});
        return batch.input[0];
    };
    CHECK(corner(3, 100, {3, 4}) == 48);  // of size 3x4, as it is
    CHECK(corner(100, 3, {4, 3}) == 3 * 48);
    CHECK(corner(1, 1, {1, 1}) == 0);
    CHECK(corner(1, 9, {1, 1}) == 4);
}

TEST_CASE("a loader resizes by the same bits for any number of threads", "[data][augment][threads]") {
    Random random{5};
    const data::Dataset set{Tensor<float>::uniform({8, 9, 7, 3}, random), {{"class", Tensor<Index>{Shape{8, 9, 7}}}}};
    Tensor<float> first;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        data::DataLoader loader{
            set,
            {.batch_size = 8, .seed = 3, .prefetch = threads - 1, .transform = data::random_resized_crop(5, {}, {.targets = {"class"}})}};
        const Tensor<float> images = (*loader.begin()).input;
        if (threads == 1)
            first = images;
        CHECK(images == first);
    }
}

TEST_CASE("sizes that are none are refused", "[data][augment]") {
    Random random{1};
    CHECK_THROWS_WITH(data::resize({0, 2}), "[resize] expected a size of at least 1x1, got 0x2");
    CHECK_THROWS_AS(data::random_resized_crop(0), ValueError);
    CHECK_THROWS_AS(data::resize({1, Index{1} << 31}), ValueError);
    CHECK_THROWS_WITH(data::random_resized_crop(2, {.scale = {0, 1}}),
                      "[random_resized_crop] expected a scale from above 0 to no less than that, got 0 to 1");
    CHECK_THROWS_AS(data::random_resized_crop(2, {.ratio = {2, 1}}), ValueError);
    data::Batch<> batch{Tensor<float>{Shape{1, 0, 3, 1}}, {}};
    CHECK_THROWS_WITH(data::resize(2)(batch, random), "[resize] expected images of at least 1x1 pixels, got shape (1, 0, 3, 1)");
    data::Batch<> other{Tensor<float>::ones({1, 3, 3, 1}), {{"class", Tensor<Index>{Shape{1, 3, 2}}}}};
    CHECK_THROWS_WITH(data::resize(2, {.targets = {"class"}})(other, random), ContainsSubstring("of task 'class'"));
    CHECK(other.input.shape() == Shape{1, 3, 3, 1});
    data::Batch<> none{Tensor<float>{Shape{0, 3, 3, 1}}, {{"objects", Tensor<float>{Shape{0, 2, 5}}}}};
    data::resize(2, {.boxes = {"objects"}})(none, random);
    data::random_resized_crop(4, {}, {.boxes = {"objects"}})(none, random);
    CHECK(none.input.shape() == Shape{0, 4, 4, 1});
    data::Batch<> channels{Tensor<float>{Shape{2, 3, 3, 0}}, {}};
    data::resize(2)(channels, random);
    CHECK(channels.input.shape() == Shape{2, 2, 2, 0});
}
