// SPDX-License-Identifier: MIT
#include <espalier/data/augment/color.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/data/transform.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

using namespace espalier;

namespace {

template <class Scalar = float>
data::Batch<Scalar> colours(Index n, Index channels) {
    Random random{11};
    return {Tensor<Scalar>::uniform({n, 3, 4, channels}, random), {{"class", Tensor<Index>::arange(n)}}};
}

template <class Scalar>
double grey(const Tensor<Scalar>& image, Index pixel) {
    return 0.2989 * static_cast<double>(image[3 * pixel]) + 0.587 * static_cast<double>(image[3 * pixel + 1]) +
           0.114 * static_cast<double>(image[3 * pixel + 2]);
}

}  // namespace

TEMPLATE_TEST_CASE("each image is brighter or darker by a factor of its own", "[data][augment]", float, double) {
    auto batch = colours<TestType>(200, 2);
    const auto before = batch.input;
    Random random{1};
    data::random_brightness(0.4)(batch, random);
    double least = 9, most = 0;
    for (Index i = 0; i < 200; ++i) {
        Index darkest = 24 * i;  // of the image: it is cut at 1 last
        for (Index k = 24 * i; k < 24 * (i + 1); ++k)
            darkest = before[k] < before[darkest] ? k : darkest;
        const auto factor = batch.input[darkest] / before[darkest];
        for (Index k = 24 * i; k < 24 * (i + 1); ++k)
            CHECK(batch.input[k] == Approx(std::min<TestType>(1, factor * before[k])).epsilon(1e-4));
        least = std::min(least, static_cast<double>(factor));
        most = std::max(most, static_cast<double>(factor));
    }
    CHECK((least >= 0.599 && least < 0.62));
    CHECK((most <= 1.401 && most > 1.38));
    CHECK(batch.targets.at("class").labels() == Tensor<Index>::arange(200));
}

TEST_CASE("contrast keeps the mean grey, and saturation the grey of each pixel", "[data][augment]") {
    const double infinity = std::numeric_limits<double>::infinity();
    const data::ColorOptions uncut{.range = {-infinity, infinity}};
    const auto before = colours<double>(1, 3).input;
    double mean = 0;
    for (Index p = 0; p < 12; ++p)
        mean += grey(before, p) / 12;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        auto batch = colours<double>(1, 3);
        Random random{seed};
        data::random_contrast(0.5, uncut)(batch, random);
        const double factor = (batch.input[0] - mean) / (before[0] - mean);
        CHECK((factor >= 0.5 && factor <= 1.5));
        for (Index k = 0; k < 36; ++k)
            CHECK(batch.input[k] == Approx(factor * before[k] + (1 - factor) * mean));

        batch = colours<double>(1, 3);
        data::color_jitter({.saturation = 2}, uncut)(batch, random);  // from 0: no colours at all
        const double share = (batch.input[0] - grey(before, 0)) / (before[0] - grey(before, 0));
        CHECK((share >= 0 && share <= 3));
        for (Index k = 0; k < 36; ++k)
            CHECK(batch.input[k] == Approx(share * before[k] + (1 - share) * grey(before, k / 3)));
    }
    data::Batch<> single{Tensor<float>{{1, 1, 2, 1}, {0.25F, 0.75F}}, {}};
    Random random{2};
    data::color_jitter({.saturation = 0.9})(single, random);  // its own grey
    CHECK(single.input[0] == Approx(0.25));
    data::random_contrast(0.9)(single, random);
    CHECK(single.input[0] + single.input[1] == Approx(1));
    CHECK_FALSE(single.input[0] == Approx(0.25));
}

TEST_CASE("the order of the changes is drawn, and all are cut to the range", "[data][augment]") {
    std::set<bool> brightness_first;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        data::Batch<> batch{Tensor<float>{{1, 1, 2, 1}, {100, 200}}, {}};
        Random random{seed}, same{seed};
        data::color_jitter({.brightness = 0.5, .contrast = 0.5}, {.range = {0, 255}})(batch, random);
        const auto order = same.permutation(3);
        const bool first = std::find(order.begin(), order.end(), 0) < std::find(order.begin(), order.end(), 1);
        brightness_first.insert(first);
        const double bright = same.uniform(0.5, 1.5), contrast = same.uniform(0.5, 1.5);
        const auto cut = [](double x) { return std::clamp(x, 0.0, 255.0); };
        double a = 100, b = 200;
        for (int step = 0; step < 2; ++step)
            if ((step == 0) == first) {
                a = cut(bright * a), b = cut(bright * b);
            } else {
                const double mean = (a + b) / 2;
                a = cut(contrast * a + (1 - contrast) * mean), b = cut(contrast * b + (1 - contrast) * mean);
            }
        CHECK(batch.input[0] == Approx(a));
        CHECK(batch.input[1] == Approx(b));
    }
    CHECK(brightness_first.size() == 2);
}

TEST_CASE("noise has the deviation that is asked for", "[data][augment]") {
    data::Batch<> batch{Tensor<float>::full({10, 20, 20, 3}, 0.5F), {}};
    Random random{4};
    data::random_noise(0.1)(batch, random);
    double sum = 0, squares = 0;
    for (const float x : batch.input) {
        sum += static_cast<double>(x) - 0.5;
        squares += (static_cast<double>(x) - 0.5) * (static_cast<double>(x) - 0.5);
        CHECK((x >= 0 && x <= 1));
    }
    CHECK(std::abs(sum / 12000) < 0.004);
    CHECK(std::sqrt(squares / 12000) == Approx(0.1).epsilon(0.03));
    data::random_noise(100)(batch, random);
    CHECK(std::all_of(batch.input.begin(), batch.input.end(), [](float x) { return x >= 0 && x <= 1; }));
}

TEST_CASE("channels are normalized by their own numbers, or all by one", "[data][augment]") {
    data::Batch<> batch{Tensor<float>{{1, 1, 2, 2}, {1, 2, 3, 4}}, {}};
    Random random{1};
    data::normalize({1, 2}, {2, 4})(batch, random);
    CHECK(batch.input == Tensor<float>{{1, 1, 2, 2}, {0, 0, 1, 0.5F}});
    data::normalize({0.5}, {0.5})(batch, random);
    CHECK(batch.input == Tensor<float>{{1, 1, 2, 2}, {-1, -1, 1, 0}});
    data::Batch<> named{{}, {}, {{"rgb", Tensor<float>::ones({1, 1, 1, 1})}, {"age", Tensor<float>::ones({1, 1})}}};
    data::normalize({0}, {2}, "rgb")(named, random);
    data::random_brightness(0.1, {.range = {0, 0.25}, .input = "rgb"})(named, random);
    CHECK(named.inputs.at("rgb").values()[0] == 0.25F);
    CHECK(named.inputs.at("age").values()[0] == 1);
    CHECK_THROWS_AS(data::random_noise(1)(named, random), StateError);
    CHECK_THROWS_WITH(data::normalize({1}, {1, 2}), "[normalize] expected as many means as deviations, one for each channel, got 1 and 2");
    CHECK_THROWS_WITH(data::normalize({1, 1}, {1, 0}),
                      "[normalize] expected finite means and deviations above 0, got 1 and 0 of channel 1");
    CHECK_THROWS_AS(data::normalize({}, {}), ValueError);
    CHECK_THROWS_WITH(data::normalize({1, 1, 1}, {1, 1, 1})(batch, random),
                      "[normalize] expected images of 3 channels, of which there are means and deviations, got shape (1, 1, 2, 2)");
}

TEST_CASE("where colours may not change every bit stays, also outside of the range", "[data][augment]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    data::Batch<> batch{Tensor<float>{{1, 1, 3, 1}, {-0.0F, nan, 7}}, {}};
    Random random{1};
    data::color_jitter({})(batch, random);
    data::random_noise(0)(batch, random);
    CHECK(std::signbit(batch.input[0]));
    CHECK(std::isnan(batch.input[1]));
    CHECK(batch.input[2] == 7);
    for (const Shape& shape : {Shape{0, 2, 2, 3}, Shape{2, 0, 2, 3}, Shape{1, 2, 2, 0}}) {
        data::Batch<> none{Tensor<float>{shape}, {}};
        data::random_brightness(0.5)(none, random);
        data::random_noise(0.5)(none, random);
        if (shape[3] == 3)
            data::color_jitter({0.1, 0.2, 0.3})(none, random);
        CHECK(none.input.shape() == shape);
    }
}

TEST_CASE("a loader changes colours by the same bits for any number of threads", "[data][augment][threads]") {
    const data::Dataset set{colours(12, 3).input, {{"class", Tensor<Index>::arange(12)}}};
    std::vector<Tensor<float>> first;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        data::DataLoader loader{
            set,
            {.batch_size = 4,
             .seed = 3,
             .prefetch = threads - 1,
             .transform = data::compose(data::color_jitter({0.4, 0.4, 0.4}), data::random_noise(0.1), data::normalize({0.5}, {0.2}))}};
        std::vector<Tensor<float>> all;
        for (const auto& batch : loader)
            all.push_back(batch.input);
        if (threads == 1)
            first = all;
        CHECK(all == first);
    }
}

TEST_CASE("changes of colours that are none are refused", "[data][augment]") {
    CHECK_THROWS_WITH(data::random_brightness(-0.1), "[random_brightness] expected finite changes of at least 0, got -0.1");
    CHECK_THROWS_AS(data::color_jitter({.saturation = std::numeric_limits<double>::quiet_NaN()}), ValueError);
    CHECK_THROWS_AS(data::random_noise(-1), ValueError);
    CHECK_THROWS_WITH(data::random_noise(1, {.range = {1, 0}}), "[random_noise] expected a range from low to high, got 1 to 0");
    auto batch = colours(1, 2);
    Random random{1};
    CHECK_THROWS_WITH(data::random_contrast(0.2)(batch, random),
                      "[random_contrast] expected images (N, H, W, C) of 1 or 3 channels, which have a grey value, got shape (1, 3, 4, 2)");
    CHECK(batch.input == colours(1, 2).input);
    data::Batch<> rows{Tensor<float>{Shape{2, 3}}, {}};
    CHECK_THROWS_AS(data::random_noise(0)(rows, random), ShapeError);
}
