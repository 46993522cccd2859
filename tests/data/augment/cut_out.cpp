// SPDX-License-Identifier: MIT
#include <espalier/data/augment/cut_out.hpp>
#include <espalier/data/loader.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cstdint>
#include <limits>
#include <set>

using namespace espalier;

TEMPLATE_TEST_CASE("a part around any pixel is covered, cut at the edges", "[data][augment]", float, double) {
    using T = Tensor<TestType>;
    std::set<Index> sizes;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        data::Batch<TestType> batch{T::ones({1, 4, 5, 2}), {{"class", Tensor<Index>{{1}, {3}}}}};
        Random random{seed}, same{seed};
        data::cut_out({3, 2}, {.fill = 0.5})(batch, random);
        same.uniform();
        const Index top = same.below(4) - 1, left = same.below(5) - 1;
        Index covered = 0;
        for (Index y = 0; y < 4; ++y)
            for (Index x = 0; x < 5; ++x)
                for (Index c = 0; c < 2; ++c) {
                    const bool inside = y >= top && y < top + 3 && x >= left && x < left + 2;
                    CHECK(batch.input.at(0, y, x, c) == (inside ? TestType(0.5) : TestType(1)));
                    covered += inside;
                }
        sizes.insert(covered / 2);
        CHECK(batch.targets.at("class").labels()[0] == 3);
    }
    CHECK(sizes == std::set<Index>{2, 3, 4, 6});  // in a corner, at an edge, in the middle
}

TEST_CASE("targets that are named have no label under what is covered", "[data][augment]") {
    const auto ones = Tensor<float>::ones({60, 6, 6, 1});
    const Tensor<Index> labels = Tensor<Index>::full({60, 6, 6}, 2);
    auto pixels = Tensor<bool>::full({60, 6, 6, 1}, true);
    pixels[0] = false;
    auto samples = Tensor<bool>::full({60}, true);
    samples[1] = false;
    auto depth = ones;
    depth[0] = std::numeric_limits<float>::quiet_NaN();
    data::Batch<> batch{ones,
                        {{"class", labels},
                         {"depth", {depth, pixels}},
                         {"height", {ones, samples}},
                         {"other", ones},
                         {"objects", Tensor<float>::ones({60, 2, 5})}}};
    Random random{2};
    data::cut_out(2, {.p = 0.5, .fill = 7, .count = 2, .targets = {"class", "depth", "height"}})(batch, random);
    Index images = 0;
    for (Index i = 0; i < 60; ++i) {
        Index covered = 0;
        for (Index k = 36 * i; k < 36 * (i + 1); ++k) {
            const bool under = batch.input[k] == 7;
            covered += under;
            CHECK(batch.targets.at("class").labels()[k] == (under ? -100 : 2));
            CHECK(batch.targets.at("depth").counts(k) == (!under && k != 0));
            CHECK(batch.targets.at("height").counts(k) == (!under && i != 1));
        }
        CHECK(covered <= 8);
        images += covered > 0;
    }
    CHECK((images > 18 && images < 42));
    CHECK(batch.targets.at("other").mask() == nullptr);
    CHECK(batch.targets.at("objects").values() == Tensor<float>::ones({60, 2, 5}));
}

TEST_CASE("nothing is covered by chance 0, no part and no image", "[data][augment]") {
    const auto ones = Tensor<float>::ones({4, 3, 3, 1});
    data::Batch<> batch{ones, {{"depth", ones}}};
    Random random{1};
    data::cut_out(2, {.p = 0, .targets = {"depth"}})(batch, random);
    data::cut_out(2, {.count = 0, .targets = {"depth"}})(batch, random);
    CHECK(batch.input == ones);
    CHECK(batch.targets.at("depth").mask() == nullptr);
    for (const Shape& shape : {Shape{0, 2, 2, 1}, Shape{2, 0, 2, 1}, Shape{2, 2, 2, 0}}) {
        data::Batch<> none{Tensor<float>{shape}, {{"depth", Tensor<float>{shape}}}};
        data::cut_out(2, {.targets = {"depth"}})(none, random);
        CHECK(none.input.shape() == shape);
    }
    data::Batch<> single{Tensor<float>::ones({1, 1, 1, 1}), {}};
    data::cut_out(9)(single, random);
    CHECK(single.input[0] == 0);
    data::cut_out(9)(single, random);
    CHECK(single.input[0] == 0);
}

TEST_CASE("a loader covers the same for any number of threads", "[data][augment][threads]") {
    const data::Dataset set{Tensor<float>::ones({8, 6, 6, 1}), {{"class", Tensor<Index>{Shape{8}}}}};
    Tensor<float> first;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        data::DataLoader loader{set, {.batch_size = 8, .seed = 3, .prefetch = threads - 1, .transform = data::cut_out(3)}};
        const Tensor<float> images = (*loader.begin()).input;
        if (threads == 1)
            first = images;
        CHECK(images == first);
    }
}

TEST_CASE("parts that are none are refused", "[data][augment]") {
    CHECK_THROWS_WITH(data::cut_out({0, 2}), "[cut_out] expected a size of at least 1x1, got 0x2");
    CHECK_THROWS_AS(data::cut_out(2, {.p = 1.5}), ValueError);
    CHECK_THROWS_AS(data::cut_out(2, {.count = -1}), ValueError);
    CHECK_THROWS_AS(data::cut_out(2, {.targets = {"a", "a"}}), ValueError);
    data::Batch<> batch{Tensor<float>::ones({1, 3, 3, 1}), {{"class", Tensor<Index>{Shape{1, 3, 2}}}}};
    Random random{1};
    CHECK_THROWS_WITH(data::cut_out(2, {.targets = {"class"}})(batch, random), ContainsSubstring("of task 'class'"));
    CHECK(batch.input == Tensor<float>::ones({1, 3, 3, 1}));
}
