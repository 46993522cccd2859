// SPDX-License-Identifier: MIT
#include <espalier/data/augment/mix_up.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/losses/cross_entropy.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

using namespace espalier;

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

/// Who was mixed with whom, as the transforms draw it first.
std::vector<Index> partners(std::uint64_t seed, Index samples) {
    Random random{seed};
    return random.permutation(samples);
}

}  // namespace

TEST_CASE("shares come from the beta distribution", "[data][augment]") {
    Random random{1};
    for (const double alpha : {0.2, 1.0, 5.0}) {
        double sum = 0, squares = 0;
        for (int i = 0; i < 4000; ++i) {
            const double x = data::detail::draw_beta(alpha, random) - 0.5;
            CHECK((x >= -0.5 && x <= 0.5));
            sum += x;
            squares += x * x;
        }
        CHECK(std::abs(sum / 4000) < 0.03);
        CHECK(squares / 4000 == Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.08));
    }
    std::set<double> tiny;
    for (int i = 0; i < 50; ++i)
        tiny.insert(data::detail::draw_beta(1e-6, random));
    CHECK(tiny == std::set<double>{0, 1});
}

TEMPLATE_TEST_CASE("inputs, classes and values are mixed by the same share", "[data][augment]", float, double) {
    using T = TestType;
    const auto numbers = Tensor<T>::arange(5).reshape({5, 1});
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        data::Batch<T> batch{numbers, {{"class", Tensor<Index>{{5}, {0, 1, 2, 0, 1}}}, {"price", numbers}}};
        Random random{seed};
        data::mix_up(1, {.classes = {{"class", 3}}})(batch, random);
        const auto other = partners(seed, 5);
        const Tensor<Index> label{{5}, {0, 1, 2, 0, 1}};
        const auto& classes = batch.targets.at("class");
        REQUIRE(classes.values().shape() == Shape{5, 3});
        CHECK(classes.mask() == nullptr);
        T share = 1;
        for (Index i = 0; i < 5; ++i)
            if (const Index j = other[static_cast<std::size_t>(i)]; i != j)
                share = (batch.input[i] - static_cast<T>(j)) / static_cast<T>(i - j);
        for (Index i = 0; i < 5; ++i) {
            const Index j = other[static_cast<std::size_t>(i)];
            CHECK(batch.input[i] == Approx(share * static_cast<T>(i) + (1 - share) * static_cast<T>(j)).margin(1e-5));
            CHECK(batch.targets.at("price").values()[i] == batch.input[i]);
            for (Index c = 0; c < 3; ++c) {
                const T expected = (label[i] == c ? share : T(0)) + (label[j] == c ? 1 - share : T(0));
                CHECK(classes.values()[3 * i + c] == Approx(expected).margin(1e-5));
                CHECK(classes.values()[3 * i + c] <= 1);
            }
        }
        const auto loss = losses::cross_entropy(Tensor<T>::zeros({5, 3}), classes);
        CHECK(loss.item() == Approx(std::log(3.0)));
    }
}

TEST_CASE("a mixed sample counts where both do", "[data][augment]") {
    const Tensor<bool> mask{{4}, {true, true, true, false}};
    const Tensor<float> weight{{4}, {1, 0, 3, 5}};
    const Tensor<float> values{{4, 2}, {1, 1, 1, missing, 1, 1, 1, 1}};
    Tensor<bool> elements = Tensor<bool>::full({4, 2}, true);
    elements[3] = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        data::Batch<> batch{Tensor<float>::ones({4, 1}),
                            {{"mask", {Tensor<Index>{{4}, {0, 1, 0, 99}}, mask}},
                             {"weight", {Tensor<Index>{{4}, {0, 99, 0, 1}}, {.mask = {}, .weight = weight}}},
                             {"ignored", Tensor<Index>{{4}, {0, 1, -100, 1}}},
                             {"pixels", {Tensor<Index>{{4, 2}, {0, 0, 1, 7, 0, -100, 1, 1}}, elements}},
                             {"values", {values, elements}}}};
        Random random{seed};
        data::mix_up(0.5, {.classes = {{"mask", 2}, {"weight", 2}, {"ignored", 2}, {"pixels", 2}}})(batch, random);
        const auto other = partners(seed, 4);
        for (Index i = 0; i < 4; ++i) {
            const Index j = other[static_cast<std::size_t>(i)];
            const auto both = [&](Index out) { return i != out && j != out; };
            CHECK(batch.targets.at("mask").counts(2 * i) == both(3));
            CHECK(batch.targets.at("weight").counts(2 * i + 1) == both(1));
            CHECK(batch.targets.at("ignored").counts(2 * i) == both(2));
            CHECK(batch.targets.at("pixels").counts(4 * i));
            CHECK(batch.targets.at("pixels").counts(4 * i + 2) == (both(1) && both(2)));
            CHECK(batch.targets.at("values").counts(2 * i + 1) == both(1));
            if (both(1))
                CHECK(batch.targets.at("values").values()[2 * i + 1] == Approx(1));
            if (i == j)
                CHECK((*batch.targets.at("weight").weight())[i] == Approx(weight[i]));
        }
        CHECK(std::isfinite(losses::cross_entropy(Tensor<float>::zeros({4, 2, 2}), batch.targets.at("pixels")).item()));
    }
}

TEST_CASE("objects of both images are there, and all inputs are mixed", "[data][augment]") {
    Tensor<float> objects{Shape{3, 2, 5}};
    for (Index i = 0; i < 30; ++i)
        objects[i] = static_cast<float>(i);
    const auto numbers = Tensor<float>::arange(3).reshape({3, 1});
    data::Batch<> batch{{},
                        {{"objects", {objects, Tensor<bool>{{3}, {true, true, false}}}}, {"none", Tensor<float>{Shape{3, 0, 5}}}},
                        {{"a", numbers}, {"b", numbers}}};
    Random random{5};
    data::mix_up(1, {.boxes = {"objects", "none"}})(batch, random);
    const auto other = partners(5, 3);
    const auto& both = batch.targets.at("objects");
    REQUIRE(both.shape() == Shape{3, 4, 5});
    for (Index i = 0; i < 3; ++i) {
        const Index j = other[static_cast<std::size_t>(i)];
        CHECK(both.values().at(i, 0, 0) == static_cast<float>(10 * i));
        CHECK(both.values().at(i, 2, 0) == static_cast<float>(10 * j));
        CHECK(both.values().at(i, 3, 4) == static_cast<float>(10 * j + 9));
        CHECK(both.labelled(i) == (i != 2 && j != 2));
    }
    CHECK(batch.targets.at("none").shape() == Shape{3, 0, 5});
    CHECK(batch.inputs.at("a").values() == batch.inputs.at("b").values());
    CHECK_FALSE(batch.inputs.at("a").values() == numbers);
}

TEMPLATE_TEST_CASE("a part of another image is pasted, with what lies on it", "[data][augment]", float, double) {
    using T = TestType;
    Tensor<T> images{Shape{3, 5, 4, 2}};
    Tensor<Index> labels{Shape{3, 5, 4}};
    for (Index k = 0; k < 120; ++k)
        images[k] = static_cast<T>(k / 40);
    for (Index k = 0; k < 60; ++k)
        labels[k] = k / 20;
    const Tensor<bool> mask{{3}, {true, true, false}};
    std::set<Index> areas;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        data::Batch<T> batch{images,
                             {{"segments", {labels, mask}},
                              {"heights", images},
                              {"class", Tensor<Index>{{3}, {0, 1, 2}}},
                              {"price", Tensor<T>{{3, 1}, {0, 10, 20}}}}};
        Random random{seed};
        data::cut_mix(1, {.classes = {{"class", 3}}, .targets = {"segments", "heights"}})(batch, random);
        const auto other = partners(seed, 3);
        CHECK(batch.targets.at("heights").values() == batch.input);
        for (Index i = 0; i < 3; ++i) {
            const Index j = other[static_cast<std::size_t>(i)];
            Index pasted = 0;
            for (Index p = 20 * i; p < 20 * (i + 1); ++p) {
                const auto from = static_cast<Index>(batch.input[2 * p]);
                CHECK((from == i || from == j));
                CHECK(batch.input[2 * p + 1] == batch.input[2 * p]);
                CHECK(batch.targets.at("segments").labels()[p] == from);
                CHECK(batch.targets.at("segments").counts(p) == (from != 2));
                pasted += from != i;
            }
            if (i == j)
                continue;
            areas.insert(pasted);
            const auto share = 1 - static_cast<T>(pasted) / 20;
            CHECK(batch.targets.at("class").values()[3 * i + i] == Approx(share).margin(1e-6));
            CHECK(batch.targets.at("class").values()[3 * i + j] == Approx(1 - share).margin(1e-6));
            CHECK(batch.targets.at("price").values()[i] ==
                  Approx(share * static_cast<T>(10 * i) + (1 - share) * static_cast<T>(10 * j)).margin(1e-5));
        }
    }
    CHECK(areas.size() > 5);
}

TEST_CASE("weights of pasted pixels are the mean of both, and 0 leaves out", "[data][augment]") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Tensor<float> images{Shape{2, 2, 2, 1}};
        for (Index k = 4; k < 8; ++k)
            images[k] = 1;
        data::Batch<> batch{images, {{"depth", {images, {.mask = {}, .weight = Tensor<float>{{2}, {2, 0}}}}}}};
        Random random{seed};
        data::cut_mix(1, {.targets = {"depth"}})(batch, random);
        Index own = 0;
        for (Index k = 0; k < 4; ++k)
            own += batch.input[k] == 0;
        for (Index k = 0; k < 8; ++k)
            CHECK(batch.targets.at("depth").counts(k) == (batch.input[k] == 0 && (k < 4 || own < 4)));
        CHECK((*batch.targets.at("depth").weight())[0] == Approx(static_cast<float>(own) / 2));
    }
}

TEST_CASE("empty and single batches are mixed, twice as well", "[data][augment]") {
    Random random{1};
    for (const Shape& shape : {Shape{0, 2, 2, 1}, Shape{1, 1, 1, 1}, Shape{2, 0, 2, 3}, Shape{3, 2, 2, 0}}) {
        const Index n = shape[0];
        data::Batch<> batch{Tensor<float>::ones(shape), {{"class", Tensor<Index>{Shape{n}}}, {"depth", Tensor<float>::ones(shape)}}};
        data::cut_mix(1, {.classes = {{"class", 2}}, .targets = {"depth"}})(batch, random);
        data::mix_up(1, {.classes = {{"class", 2}}})(batch, random);
        CHECK(batch.input.shape() == shape);
        CHECK(batch.targets.at("class").shape() == Shape{n, 2});
        for (Index i = 0; i < n; ++i)
            CHECK((batch.targets.at("class").values()[2 * i] == 1 && batch.targets.at("class").values()[2 * i + 1] == 0));
    }
}

TEST_CASE("a loader mixes by the same bits for any number of threads", "[data][augment][threads]") {
    Random random{5};
    const data::Dataset set{Tensor<float>::uniform({12, 5, 5, 3}, random), {{"class", Tensor<Index>::arange(12)}}};
    std::vector<Tensor<float>> first;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        data::DataLoader loader{
            set,
            {.batch_size = 4,
             .seed = 3,
             .prefetch = threads - 1,
             .transform = data::compose(data::cut_mix(1, {.classes = {{"class", 12}}}), data::mix_up(0.2, {.classes = {{"class", 12}}}))}};
        std::vector<Tensor<float>> all;
        for (const auto& batch : loader) {
            all.push_back(batch.input);
            all.push_back(batch.targets.at("class").values());
        }
        if (threads == 1)
            first = all;
        CHECK(all == first);
    }
}

TEST_CASE("what cannot be mixed is refused, and nothing is changed", "[data][augment]") {
    Random random{1};
    const auto ones = Tensor<float>::ones({2, 3, 3, 1});
    data::Batch<> batch{ones, {{"class", Tensor<Index>{{2}, {0, 5}}}, {"pose", Tensor<float>{Shape{2, 4, 3}}}}};
    CHECK_THROWS_WITH(data::mix_up(1)(batch, random),
                      "[mix_up] expected .classes to say how many classes task 'class' has, as its class "
                      "indices become probabilities, got nothing");
    CHECK_THROWS_WITH(data::mix_up(1, {.classes = {{"class", 5}}})(batch, random),
                      "[mix_up] expected labels in [0, 5) of task 'class', got 5 at element 1");
    CHECK_THROWS_WITH(data::cut_mix(1, {.classes = {{"class", 6}, {"pose", 7}}})(batch, random),
                      "[cut_mix] expected class indices of task 'pose' or probabilities of its classes, got values of shape (2, 4, 3)");
    CHECK_THROWS_WITH(data::mix_up(1, {.classes = {{"class", 6}}, .boxes = {"pose"}})(batch, random), ContainsSubstring("of task 'pose'"));
    CHECK_THROWS_WITH(data::cut_mix(1, {.classes = {{"class", 6}}, .targets = {"pose"}})(batch, random),
                      ContainsSubstring("of task 'pose'"));
    CHECK_THROWS_AS(data::mix_up(1, {.classes = {{"class", 6}, {"other", 6}}})(batch, random), StateError);
    CHECK(batch.input == ones);
    CHECK(batch.targets.at("class").has_labels());
    data::Batch<> indices{{}, {}, {{"image", ones}, {"word", Tensor<Index>{Shape{2}}}}};
    CHECK_THROWS_WITH(data::mix_up(1)(indices, random),
                      "[mix_up] expected numbers in input 'word', which can be mixed, got indices of shape (2,)");
    data::Batch<> sizes{{}, {}, {{"image", ones}, {"small", Tensor<float>{Shape{2, 2, 3, 1}}}}};
    CHECK_THROWS_WITH(data::cut_mix(1)(sizes, random),
                      "[cut_mix] expected images (N, H, W, C) of the size of input 'image' (2, 3, 3, 1) in input 'small', got shape (2, "
                      "2, 3, 1)");
    CHECK_THROWS_WITH(data::mix_up(0), "[mix_up] expected a finite alpha above 0, got 0");
    CHECK_THROWS_AS(data::cut_mix(missing), ValueError);
    CHECK_THROWS_AS(data::mix_up(1, {.classes = {{"a", 0}}}), ValueError);
    CHECK_THROWS_AS(data::mix_up(1, {.classes = {{"a", 2}}, .boxes = {"a"}}), ValueError);
    CHECK_THROWS_AS(data::cut_mix(1, {.targets = {"a", "a"}}), ValueError);
}
