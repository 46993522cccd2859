// SPDX-License-Identifier: MIT
#include <espalier/data/augment.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/data/transform.hpp>

#include "catch.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace espalier;

namespace {

data::Batch<> images(const Shape& shape) {
    return {Tensor<float>::arange(shape.numel()).reshape(shape), {{"class", Tensor<Index>::arange(shape[0])}}};
}

}  // namespace

TEST_CASE("a flip turns the pixels and keeps their channels", "[data][augment]") {
    Random random{1};
    auto batch = images({1, 2, 3, 2});
    data::random_horizontal_flip(1)(batch, random);
    CHECK(batch.input == Tensor<float>{{1, 2, 3, 2}, {4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7}});
    data::random_horizontal_flip(1)(batch, random);
    CHECK(batch.input == images({1, 2, 3, 2}).input);
    data::random_vertical_flip(1)(batch, random);
    CHECK(batch.input == Tensor<float>{{1, 2, 3, 2}, {6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5}});
    data::random_vertical_flip(0)(batch, random);
    CHECK(batch.input[0] == 6);
    CHECK(batch.targets.at("class").labels()[0] == 0);
}

TEST_CASE("each image is flipped by itself, about half of them", "[data][augment]") {
    Random random{2};
    auto batch = images({400, 1, 2, 1});
    data::random_horizontal_flip()(batch, random);
    int flipped = 0;
    for (Index i = 0; i < 400; ++i) {
        const float low = static_cast<float>(2 * i);
        flipped += batch.input[2 * i] > low;
        CHECK(batch.input[2 * i] + batch.input[2 * i + 1] == 2 * low + 1);
    }
    CHECK(flipped > 150);
    CHECK(flipped < 250);
}

TEST_CASE("a shift moves by every distance and fills with 0", "[data][augment]") {
    Random random{3};
    data::Batch<> batch{Tensor<float>{Shape{500, 5, 4, 2}}, {}};
    for (Index i = 0; i < 500; ++i)
        batch.input.at(i, 2, 2, 0) = 1, batch.input.at(i, 2, 2, 1) = 2;
    data::random_shift(1)(batch, random);
    std::set<std::pair<Index, Index>> places;
    for (Index i = 0; i < 500; ++i)
        for (Index y = 0; y < 5; ++y)
            for (Index x = 0; x < 4; ++x)
                if (batch.input.at(i, y, x, 0) != 0) {
                    places.emplace(y - 2, x - 2);
                    CHECK(batch.input.at(i, y, x, 1) == 2);
                } else {
                    CHECK(batch.input.at(i, y, x, 1) == 0);
                }
    CHECK(places.size() == 9);

    auto whole = images({1, 3, 3, 1});
    for (std::uint64_t seed = 0; seed < 20; ++seed) {  // what stays lies as it lay
        auto moved = whole;
        Random draw{seed}, same{seed};
        data::random_shift(2)(moved, draw);
        const Index down = same.below(5) - 2, right = same.below(5) - 2;
        for (Index y = 0; y < 3; ++y)
            for (Index x = 0; x < 3; ++x) {
                const bool inside = y - down >= 0 && y - down < 3 && x - right >= 0 && x - right < 3;
                CHECK(moved.input.at(0, y, x, 0) == (inside ? whole.input.at(0, y - down, x - right, 0) : 0));
            }
    }
    data::random_shift(0)(whole, random);
    CHECK(whole.input == images({1, 3, 3, 1}).input);
}

TEST_CASE("values that a shift brings in do not count", "[data][augment]") {
    const Tensor<bool> samples{{2}, {true, false}};
    Tensor<bool> pixels = Tensor<bool>::full({2, 3, 3, 1}, true);
    pixels.at(0, 1, 1, 0) = false;
    Index brought_in = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto ones = Tensor<float>::ones({2, 3, 3, 1});
        data::Batch<> batch{ones,
                            {{"all", ones},
                             {"some samples", {ones, samples}},
                             {"some pixels", {ones, pixels}},
                             {"two", Tensor<float>::ones({2, 3, 3, 2})}}};
        Random random{seed};
        data::random_shift(1, {.targets = {"all", "some samples", "some pixels", "two"}})(batch, random);
        const auto& targets = batch.targets;
        Index inside = 0;
        for (Index i = 0; i < 18; ++i) {
            const bool was_there = batch.input[i] == 1;
            inside += was_there;
            CHECK(targets.at("all").counts(i) == was_there);
            CHECK(targets.at("some samples").counts(i) == (was_there && i < 9));
            CHECK((!targets.at("some pixels").counts(i) || was_there));
            CHECK(targets.at("two").counts(2 * i) == was_there);
            CHECK(targets.at("two").counts(2 * i + 1) == was_there);
        }
        CHECK(targets.at("some pixels").counted() >= inside - 1);
        brought_in += 18 - inside;
    }
    CHECK(brought_in > 0);

    data::Batch<> batch{Tensor<float>::ones({1, 2, 2, 1}), {{"depth", Tensor<float>::ones({1, 2, 2})}}};
    Random random{1};
    data::random_horizontal_flip(1, {.targets = {"depth"}})(batch, random);  // nothing comes in
    data::random_shift(0, {.targets = {"depth"}})(batch, random);
    CHECK(batch.targets.at("depth").mask() == nullptr);
    data::Batch<> none{Tensor<float>{Shape{0, 2, 2, 1}}, {{"depth", Tensor<float>{Shape{0, 2, 2}}}}};
    data::random_shift(1, {.targets = {"depth"}})(none, random);
    CHECK(none.targets.at("depth").size() == 0);
}

TEST_CASE("weights and masks of samples stay with a target that moves", "[data][augment]") {
    const Tensor<bool> samples{{3}, {true, false, true}};
    const Tensor<float> weight{{3}, {0.5F, 1, 2}};
    const auto make = [&] {
        const Tensor<Index> labels{{3, 1, 2}, {0, 1, 2, 3, 4, 5}};
        const Tensor<bool> pixels{{3, 1, 2}, {true, false, true, true, false, true}};
        return data::Batch<>{Tensor<float>{Shape{3, 1, 2, 1}},
                             {{"labels", {labels, {.mask = samples, .weight = weight}}},
                              {"values", {labels.cast<float>(), {.mask = pixels, .weight = weight}}},
                              {"weights alone", {labels, {.weight = weight}}}}};
    };
    const data::AugmentOptions all{.targets = {"labels", "values", "weights alone"}};
    Random random{1};
    for (const data::Transform<>& transform :
         {data::Transform<>{data::random_horizontal_flip(1, all)}, data::Transform<>{data::random_shift(0, all)}}) {
        auto batch = make();
        transform(batch, random);
        for (const std::string& task : all.targets) {
            REQUIRE(batch.targets.at(task).weight());
            CHECK(*batch.targets.at(task).weight() == weight);
        }
        CHECK(*batch.targets.at("labels").mask() == samples);
        CHECK(batch.targets.at("weights alone").mask() == nullptr);
    }
    auto batch = make();
    data::random_horizontal_flip(1, all)(batch, random);
    CHECK(*batch.targets.at("values").mask() == Tensor<bool>{{3, 1, 2}, {false, true, true, true, true, false}});
    CHECK(batch.targets.at("labels").labels() == Tensor<Index>{{3, 1, 2}, {1, 0, 3, 2, 5, 4}});
}

TEST_CASE("targets on the pixels move with them when they are named", "[data][augment]") {
    const auto make = [] {
        const Tensor<Index> labels{{1, 2, 2}, {0, 1, 2, 3}};
        return data::Batch<>{
            Tensor<float>{{1, 2, 2, 1}, {0, 1, 2, 3}},
            {{"segmentation", losses::Target<>{labels, {.mask = Tensor<bool>{{1}, {true}}, .weight = Tensor<float>{{1}, {3}}}}},
             {"depth", Tensor<float>{{1, 2, 2, 1}, {0, 10, 20, 30}}},
             {"other", labels}}};
    };
    Random random{1};
    auto batch = make();
    data::random_horizontal_flip(1, {.targets = {"segmentation", "depth"}})(batch, random);
    CHECK(batch.input == Tensor<float>{{1, 2, 2, 1}, {1, 0, 3, 2}});
    CHECK(batch.targets.at("segmentation").labels() == Tensor<Index>{{1, 2, 2}, {1, 0, 3, 2}});
    CHECK(*batch.targets.at("segmentation").mask() == Tensor<bool>{{1}, {true}});
    CHECK(*batch.targets.at("segmentation").weight() == Tensor<float>{{1}, {3}});
    CHECK(batch.targets.at("depth").values() == Tensor<float>{{1, 2, 2, 1}, {10, 0, 30, 20}});
    CHECK(batch.targets.at("other").labels() == make().targets.at("other").labels());

    bool filled = false;
    for (int repeat = 0; repeat < 20; ++repeat) {
        batch = make();
        data::random_shift(1, {.targets = {"segmentation", "depth"}})(batch, random);
        for (Index i = 0; i < 4; ++i) {
            const Index label = batch.targets.at("segmentation").labels()[i];
            filled = filled || label == -100;
            CHECK(batch.input[i] == static_cast<float>(label < 0 ? 0 : label));
            CHECK(batch.targets.at("depth").values()[i] == 10 * batch.input[i]);
        }
    }
    CHECK(filled);
    CHECK_THROWS_WITH(data::random_horizontal_flip(1, {.targets = {"edges"}})(batch, random), ContainsSubstring("got 'edges'"));
    const auto before = batch.input;
    batch.targets.insert("class", Tensor<Index>{Shape{1}});
    CHECK_THROWS_WITH(data::random_vertical_flip(1, {.targets = {"depth", "class"}})(batch, random),
                      ContainsSubstring("[random_vertical_flip] expected a target (N, H, W, ...) of task 'class' on the pixels of images "
                                        "(1, 2, 2, 1), got shape (1,)"));
    CHECK(batch.input == before);
    CHECK_THROWS_WITH(data::random_shift(1, {.targets = {"a", "b", "a"}}), ContainsSubstring("expected each target once, got 'a' twice"));
}

TEST_CASE("what is no image, or would be lost, is refused", "[data][augment]") {
    Random random{1};
    data::Batch<> flat{Tensor<float>{Shape{2, 3}}, {}};
    CHECK_THROWS_WITH(data::random_horizontal_flip()(flat, random),
                      "[random_horizontal_flip] expected images (N, H, W, C), got shape (2, 3)");
    CHECK_THROWS_AS(data::random_shift(std::numeric_limits<Index>::max())(flat, random), ShapeError);
    auto batch = images({2, 4, 3, 1});
    CHECK_THROWS_WITH(data::random_shift(3)(batch, random), ContainsSubstring("expected images of more than 3 pixels a side"));
    CHECK_THROWS_AS(data::random_shift(std::numeric_limits<Index>::max())(batch, random), ShapeError);
    CHECK_THROWS_WITH(data::random_shift(-1), ContainsSubstring("expected a shift of at least 0 pixels, got -1"));
    CHECK_THROWS_WITH(data::random_vertical_flip(1.5), ContainsSubstring("expected a probability in [0, 1], got 1.5"));
    CHECK_THROWS_AS(data::random_horizontal_flip(std::numeric_limits<double>::quiet_NaN()), ValueError);
    data::Batch<> none{Tensor<float>{Shape{0, 4, 4, 1}}, {}};
    data::random_horizontal_flip()(none, random);
    data::random_shift(1)(none, random);
    CHECK(none.input.shape() == Shape{0, 4, 4, 1});
}

TEST_CASE("a loader's flips and shifts depend on seed, epoch and batch alone", "[data][augment]") {
    const data::Dataset set{images({20, 4, 4, 1}).input, "class", Tensor<Index>::arange(20)};
    const auto epochs = [&](Index prefetch) {
        data::DataLoader loader{
            set,
            {.batch_size = 6,
             .prefetch = prefetch,
             .transform = data::compose(data::random_horizontal_flip(), data::random_vertical_flip(0.3), data::random_shift(2))}};
        std::vector<Tensor<float>> inputs;
        for (int epoch = 0; epoch < 2; ++epoch)
            for (const auto& batch : loader)
                inputs.push_back(batch.input);
        return inputs;
    };
    const auto first = epochs(0);
    CHECK(first == epochs(1));
    CHECK(first == epochs(3));
    CHECK_FALSE(first[0] == first[4]);
}

TEST_CASE("of inputs by name the one that is named moves", "[data][augment]") {
    const auto one = images({6, 4, 3, 2});
    data::Batch<> several{{}, {}, {{"table", Tensor<Index>{Shape{6}}}, {"image", one.input}}};
    auto expected = one;
    Random first{1}, second{1};
    data::compose(data::random_horizontal_flip(), data::random_shift(1))(expected, first);
    data::compose(data::random_horizontal_flip(0.5, {.input = "image"}), data::random_shift(1, {.input = "image"}))(several, second);
    CHECK(data::values_of(several.inputs, "image") == expected.input);
    CHECK_FALSE(expected.input == one.input);
    CHECK_THROWS_WITH(data::random_horizontal_flip()(several, first),
                      "[random_horizontal_flip] expected .input to say which of 'table', 'image' holds the images, got no name");
    CHECK_THROWS_WITH(data::random_shift(1, {.input = "picture"})(several, first),
                      "[inputs] expected an input 'picture', got 'table', 'image'");
    CHECK_THROWS_WITH(data::random_shift(1, {.input = "table"})(several, first),
                      "[inputs] expected numbers in input 'table', got indices of shape (6,)");
    CHECK_THROWS_AS(data::random_shift(1, {.input = "image"})(expected, first), StateError);
}

TEST_CASE("boxes stay around what they are around, and go when it goes", "[data][augment]") {
    constexpr Index count = 200, height = 8, width = 6;
    Random random{3};
    Tensor<float> pixels{{count, height, width, 1}};
    auto boxes = Tensor<float>::full({count, 2, 5}, -1);
    for (Index i = 0; i < count; ++i) {
        const Index x = random.below(width), y = random.below(height);
        const Index right = x + 1 + random.below(width - x), bottom = y + 1 + random.below(height - y);
        for (Index v = y; v < bottom; ++v)
            for (Index u = x; u < right; ++u)
                pixels.at(i, v, u, 0) = 1;
        const Index row = random.below(2);  // the other one is no object
        for (Index k = 0; const Index value : {x, y, right, bottom, Index{7}})
            boxes.at(i, row, k++) = static_cast<float>(value);
    }
    const data::AugmentOptions options{.boxes = {"objects"}};
    data::Batch<> batch{pixels, {{"objects", boxes}}};
    data::compose(data::random_horizontal_flip(0.5, options), data::random_vertical_flip(0.5, options),
                  data::random_shift(5, options))(batch, random);
    const Tensor<float>& moved = batch.targets.at("objects").values();
    Index gone = 0;
    for (Index i = 0; i < count; ++i) {
        float x1 = width, y1 = height, x2 = 0, y2 = 0;
        for (Index v = 0; v < height; ++v)
            for (Index u = 0; u < width; ++u)
                if (batch.input.at(i, v, u, 0) > 0) {
                    x1 = std::min(x1, static_cast<float>(u));
                    y1 = std::min(y1, static_cast<float>(v));
                    x2 = std::max(x2, static_cast<float>(u + 1));
                    y2 = std::max(y2, static_cast<float>(v + 1));
                }
        const Index row = boxes.at(i, 0, 4) < 0 ? 1 : 0;
        CAPTURE(i);
        CHECK(moved.at(i, 1 - row, 4) == -1);
        if (x2 == 0) {
            ++gone;
            CHECK(moved.at(i, row, 4) == -1);
            continue;
        }
        for (Index k = 0; const float value : {x1, y1, x2, y2, 7.0F})
            CHECK(moved.at(i, row, k++) == value);
    }
    CHECK(gone > 0);
    CHECK_FALSE(moved == boxes);
}

TEST_CASE("what is no box is refused before anything moves", "[data][augment]") {
    Random random{4};
    const auto flip = data::random_horizontal_flip(1, {.boxes = {"objects"}});
    data::Batch<> batch{images({2, 2, 3, 1}).input, {{"objects", Tensor<float>{Shape{2, 3, 4}}}}};
    const auto before = batch.input;
    CHECK_THROWS_WITH(flip(batch, random),
                      "[random_horizontal_flip] expected values (N, M, 5) of task 'objects', x1, y1, x2, y2 and class of "
                      "objects, got values of shape (2, 3, 4)");
    batch.targets.at("objects") = Tensor<Index>{Shape{2, 3, 5}};
    CHECK_THROWS_WITH(flip(batch, random), ContainsSubstring("got class indices of shape (2, 3, 5)"));
    CHECK(batch.input == before);
    CHECK_THROWS_WITH(data::random_shift(1, {.targets = {"a"}, .boxes = {"a"}}),
                      ContainsSubstring("expected each target once, got 'a' twice"));
    data::Batch<> none{Tensor<float>{Shape{0, 4, 4, 1}}, {{"objects", Tensor<float>{Shape{0, 2, 5}}}}};
    flip(none, random);
    data::Batch<> nothing{Tensor<float>{Shape{1, 4, 4, 1}}, {{"objects", Tensor<float>{Shape{1, 0, 5}}}}};
    flip(nothing, random);
    CHECK(nothing.targets.at("objects").shape() == Shape{1, 0, 5});
}

TEST_CASE("key points move with the image, change sides in a mirror and vanish outside of it", "[data][augment]") {
    Random random{1};
    const data::AugmentOptions options{.keypoints = {"pose"}, .keypoint_pairs = {{0, 2}}};
    const auto make = [] {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        return data::Batch<>{
            Tensor<float>{Shape{1, 4, 6, 1}},
            {{"pose", {Tensor<float>{{1, 4, 3}, {0, 1, 1, 2.5F, 0.5F, 2, 6, 4, 1, nan, nan, 0}}, {.weight = Tensor<float>{{1}, {2}}}}}}};
    };
    auto batch = make();
    const auto pose = [&] { return batch.targets.at("pose").values().slice(0, 1); };
    const auto row = [&](Index k) { return std::vector<float>{pose()[3 * k], pose()[3 * k + 1], pose()[3 * k + 2]}; };
    data::random_horizontal_flip(1, options)(batch, random);
    CHECK(row(0) == std::vector<float>{0, 4, 1});  // on the very edge is inside
    CHECK(row(1) == std::vector<float>{3.5F, 0.5F, 2});
    CHECK(row(2) == std::vector<float>{6, 1, 1});
    CHECK(pose()[11] == 0);
    data::random_vertical_flip(1, options)(batch, random);
    CHECK(row(0) == std::vector<float>{6, 3, 1});  // a second mirror is a turn by 180 degrees: the sides are as they were
    CHECK(row(2) == std::vector<float>{0, 0, 1});
    CHECK((*batch.targets.at("pose").weight())[0] == 2);
    bool left = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        batch = make();
        Random draw{seed}, same{seed};
        data::random_shift(2, options)(batch, draw);
        const auto down = static_cast<float>(same.below(5) - 2), right = static_cast<float>(same.below(5) - 2);
        CHECK(row(1) == (down + 0.5F < 0 ? std::vector<float>{0, 0, 0} : std::vector<float>{2.5F + right, 0.5F + down, 2}));
        CHECK(row(2) == (down > 0 || right > 0 ? std::vector<float>{0, 0, 0} : std::vector<float>{6 + right, 4 + down, 1}));
        left = left || row(1)[2] == 0;
    }
    CHECK(left);
}

TEST_CASE("what are no key points is refused before anything moves", "[data][augment]") {
    Random random{1};
    const auto flip = data::random_horizontal_flip(1, {.keypoints = {"pose"}, .keypoint_pairs = {{1, 3}}});
    data::Batch<> batch{images({2, 2, 3, 1}).input, {{"pose", Tensor<float>{Shape{2, 3, 2}}}}};
    const auto before = batch.input;
    CHECK_THROWS_WITH(flip(batch, random),
                      "[random_horizontal_flip] expected values (N, K, 3) of task 'pose', x, y and visibility of key "
                      "points, got values of shape (2, 3, 2)");
    batch.targets.at("pose") = Tensor<float>{Shape{2, 3, 3}};
    CHECK_THROWS_WITH(
        flip(batch, random),
        "[random_horizontal_flip] expected more than 3 key points of task 'pose', as .keypoint_pairs has it, got shape (2, 3, 3)");
    batch.targets.at("pose") = Tensor<float>{Shape{3, 4, 3}};
    CHECK_THROWS_WITH(flip(batch, random), ContainsSubstring("expected values of 2 images of task 'pose', got shape (3, 4, 3)"));
    batch.targets.at("pose") = {Tensor<float>{Shape{2, 4, 3}}, Tensor<bool>{Shape{2, 4, 3}}};
    CHECK_THROWS_WITH(flip(batch, random), ContainsSubstring("expected a mask for images of task 'pose'"));
    CHECK(batch.input == before);
    CHECK_THROWS_WITH(data::random_shift(1, {.keypoints = {"a"}, .keypoint_pairs = {{0, 1}, {1, 2}}}),
                      ContainsSubstring("expected each key point in one of .keypoint_pairs at most"));
    CHECK_THROWS_AS(data::random_shift(1, {.keypoints = {"a"}, .keypoint_pairs = {{-1, 1}}}), ValueError);
    CHECK_THROWS_WITH(data::random_shift(1, {.boxes = {"a"}, .keypoints = {"a"}}), ContainsSubstring("got 'a' twice"));
    CHECK_THROWS_WITH(data::random_shift(1, {.min_visible = 2}), ContainsSubstring("expected a min_visible in [0, 1], got 2"));
}
