// SPDX-License-Identifier: MIT
#include <espalier/data/augment/affine.hpp>
#include <espalier/data/loader.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#if __has_include(<nlohmann/json.hpp>)
#include <espalier/io/safetensors.hpp>
#endif

using namespace espalier;

#if __has_include(<nlohmann/json.hpp>)
TEMPLATE_TEST_CASE("images are turned, moved and sheared as PyTorch's grid_sample does it", "[data][augment][golden]", float, double) {
    using T = TestType;
    const auto golden = io::load_safetensors(std::string{ESPALIER_GOLDEN_DIR} + "/augment.safetensors");
    int cases = 0;
    for (; golden.contains(concat("affine/", cases, "/image")); ++cases) {
        INFO(cases);
        const auto get = [&](const char* part) { return golden.get<T>(concat("affine/", cases, '/', part)); };
        const auto options = golden.get<double>(concat("affine/", cases, "/options"));
        const Tensor<T> image = get("image"), labels = get("labels"), nearest = get("nearest");
        const std::vector<data::detail::Affine> maps{data::detail::affine_map(
            {image.size(0), image.size(1)}, options[0], {options[1], options[2]}, options[3], {options[4], options[5]})};
        const auto smooth = data::detail::warped(image.reshape(image.shape().prepended(1)), maps, T(0), std::true_type{});
        const auto expected = get("bilinear");
        for (Index i = 0; i < expected.numel(); ++i)
            CHECK(std::abs(smooth[i] - expected[i]) < 1e-6);
        const auto classes = data::detail::warped(labels.template cast<Index>().reshape(labels.shape().prepended(1)), maps, Index(0),
                                                  std::false_type{});
        CHECK(classes.reshape(labels.shape()) == nearest.template cast<Index>());
    }
    CHECK(cases == 5);
}
#endif

TEST_CASE("a turn takes boxes and key points where it takes their pixels", "[data][augment]") {
    const Pair size{6, 6};
    const auto quarter = data::detail::affine_map(size, 90, {0, 0}, 1, {0, 0});
    float box[5] = {1, 0, 3, 1, 4};
    data::detail::move_box(box, quarter, size, 0);  // clockwise: what was at the top is at the right
    for (int k = 0; const float expected : {5.0F, 1.0F, 6.0F, 3.0F, 4.0F})
        CHECK(box[k++] == Approx(expected));
    const auto eighth = data::detail::affine_map(size, 45, {0, 0}, 1, {0, 0});
    float middle[5] = {2, 2, 4, 4, 0};
    data::detail::move_box(middle, eighth, size, 0);
    CHECK(middle[0] == Approx(3 - std::sqrt(2.0)));
    CHECK(middle[3] == Approx(3 + std::sqrt(2.0)));
    float point[3] = {0, 0, 1};
    data::detail::move_keypoints(point, 1, eighth, size, {});  // the corner leaves
    CHECK((point[0] == 0 && point[2] == 0));
    const auto there_and_back = [](const data::detail::Affine& map, double x, double y) {
        const auto back = map.inverse();
        CHECK(back.x(map.x(x, y), map.y(x, y)) == Approx(x));
        CHECK(back.y(map.x(x, y), map.y(x, y)) == Approx(y));
    };
    there_and_back(data::detail::affine_map({5, 9}, 33, {2, -1}, 1.7, {10, -20}), 3.5, 1.25);
}

TEST_CASE("where nothing may change, every bit stays", "[data][augment]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> image{{1, 2, 2, 1}, {-0.0F, nan, 1e30F, 0.1F}};
    const Tensor<float> box{{1, 1, 5}, {0, 0.3F, 1.7F, 2, 1}};
    data::Batch<> batch{image, {{"depth", {image, Tensor<bool>{{1, 2, 2, 1}, {true, false, true, true}}}}, {"objects", box}}};
    Random random{1};
    const data::AugmentOptions options{.targets = {"depth"}, .boxes = {"objects"}};
    data::random_rotation(0, options)(batch, random);
    data::random_affine({}, options)(batch, random);
    CHECK(std::signbit(batch.input[0]));
    CHECK(std::isnan(batch.input[1]));
    CHECK((batch.input[2] == image[2] && batch.input[3] == image[3]));
    CHECK(batch.targets.at("depth").counted() == 3);
    CHECK(batch.targets.at("objects").values() == box);
    data::random_rotation(30, options)(batch, random);
    CHECK_FALSE(batch.input[3] == image[3]);
}

TEST_CASE("what a turn brings in has no label, and values are never means", "[data][augment]") {
    const auto ones = Tensor<float>::ones({20, 5, 5, 1});
    data::Batch<> batch{ones,
                        {{"class", Tensor<Index>::full({20, 5, 5}, 3)}, {"depth", ones}, {"objects", Tensor<float>{Shape{20, 0, 5}}}}};
    Random random{3};
    data::random_affine({.degrees = 180, .translate = {0.4, 0.4}, .scale = {0.5, 1.5}, .shear = {20, 10}},
                        {.targets = {"class", "depth"}, .boxes = {"objects"}, .image_fill = 0.5})(batch, random);
    Index gone = 0;
    for (Index i = 0; i < ones.numel(); ++i) {
        const Index label = batch.targets.at("class").labels()[i];
        const bool inside = batch.targets.at("depth").counts(i);
        gone += !inside;
        CHECK(label == (inside ? 3 : -100));
        CHECK(batch.targets.at("depth").values()[i] == (inside ? 1 : 0));
        CHECK((batch.input[i] >= 0.4999F && batch.input[i] <= 1.0001F));
    }
    CHECK(gone > 20);
    data::Batch<> none{Tensor<float>{Shape{0, 4, 4, 1}}, {{"class", Tensor<Index>{Shape{0, 4, 4}}}}};
    data::random_rotation(20, {.targets = {"class"}})(none, random);
    data::Batch<> single{Tensor<float>::ones({1, 1, 1, 1}), {}};
    data::random_rotation(20)(single, random);
    CHECK(single.input[0] == Approx(1));
}

TEST_CASE("a loader turns images by the same bits for any number of threads", "[data][augment][threads]") {
    Random random{5};
    const data::Dataset set{Tensor<float>::uniform({10, 6, 7, 3}, random), {{"class", Tensor<Index>{Shape{10, 6, 7}}}}};
    Tensor<float> first;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        data::DataLoader loader{set,
                                {.batch_size = 10,
                                 .seed = 3,
                                 .prefetch = threads - 1,
                                 .transform = data::random_affine({.degrees = 30, .scale = {0.8, 1.2}}, {.targets = {"class"}})}};
        const Tensor<float> images = (*loader.begin()).input;
        if (threads == 1)
            first = images;
        CHECK(images == first);
    }
}

TEST_CASE("options that make no map are refused", "[data][augment]") {
    CHECK_THROWS_WITH(data::random_rotation(-1), "[random_rotation] expected finite degrees of at least 0, got -1");
    CHECK_THROWS_AS(data::random_affine({.translate = {0, 1.5}}), ValueError);
    CHECK_THROWS_AS(data::random_affine({.scale = {0, 1}}), ValueError);
    CHECK_THROWS_AS(data::random_affine({.scale = {1, 0.5}}), ValueError);
    CHECK_THROWS_AS(data::random_affine({.shear = {90, 0}}), ValueError);
    data::Batch<> batch{Tensor<float>::ones({1, 3, 3, 1}), {{"class", Tensor<Index>{Shape{1, 3, 2}}}}};
    Random random{1};
    CHECK_THROWS_WITH(data::random_rotation(9, {.targets = {"class"}})(batch, random), ContainsSubstring("of task 'class'"));
    CHECK(batch.input == Tensor<float>::ones({1, 3, 3, 1}));
}
