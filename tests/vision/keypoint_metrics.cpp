// SPDX-License-Identifier: MIT
#include <espalier/io/safetensors.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/per_task.hpp>
#include <espalier/vision/keypoint_metrics.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using losses::Target;
using vision::OKS;
using vision::PCK;

namespace {

static_assert(metrics::MetricOf<PCK<>, float> && metrics::MetricOf<PCK<double>, double>);
static_assert(metrics::MetricOf<OKS<>, float> && metrics::MetricOf<OKS<double>, double>);

/// Maps of 8 by 8 cells of 4 pixels, whose highest cells are these, for two images of two key points.
template <class T>
Tensor<T> says() {
    Tensor<T> maps{Shape{2, 8, 8, 2}};
    maps.at(0, 1, 2, 0) = 1;  // at (10, 6)
    maps.at(0, 3, 3, 1) = 1;  // at (14, 14)
    maps.at(1, 7, 0, 0) = 1;  // at (2, 30)
    maps.at(1, 4, 4, 1) = 1;  // at (18, 18)
    return maps;
}
/// Off by 0, 5, 10 and, if it were visible, 0 pixels.
template <class T>
Tensor<T> truth() {
    return {{2, 2, 3}, {10, 6, 1, 17, 18, 2, 10, 24, 2, 18, 18, 0}};
}

}  // namespace

TEMPLATE_TEST_CASE("similarities of key points are those of pycocotools", "[vision]", float, double) {
    using T = TestType;
    const auto golden = io::load_safetensors(ESPALIER_GOLDEN_DIR "/keypoints.safetensors");
    const auto found = golden.get<T>("oks/found"), wanted = golden.get<T>("oks/truth");
    const auto area = golden.get<double>("oks/area"), expected = golden.get<double>("oks/expected");
    for (Index n = 0; n < expected.numel(); ++n) {
        CAPTURE(n);
        const auto similarity = vision::object_keypoint_similarity(found.slice(n, n + 1).reshape({17, 3}),
                                                                   wanted.slice(n, n + 1).reshape({17, 3}), area[n]);
        CHECK(similarity == Approx(expected[n]).epsilon(std::is_same_v<T, double> ? 1e-12 : 1e-5));
    }
    const Tensor<T> here{{1, 3}, {1, 2, 1}}, none{{1, 3}, {1, 2, 0}};
    CHECK(vision::object_keypoint_similarity(here, here, 10, {0.1}) == 1);
    CHECK(std::isnan(vision::object_keypoint_similarity(here, none, 10, {0.1})));
    CHECK(vision::object_keypoint_similarity(Tensor<T>::full({1, 3}, std::numeric_limits<T>::quiet_NaN()), here, 10, {0.1}) == 0);
    CHECK_THROWS_WITH(vision::object_keypoint_similarity(here, here, 10),
                      "[object_keypoint_similarity] expected key points (17, 3), as many as sigmas, got (1, 3) and (1, 3)");
    CHECK_THROWS_WITH(vision::object_keypoint_similarity(here, here, 0, {0.1}),
                      "[object_keypoint_similarity] expected a finite area above 0, got 0");
    CHECK_THROWS_WITH(vision::object_keypoint_similarity(here, here, 1, {0.0}),
                      "[object_keypoint_similarity] expected finite sigmas above 0, got 0");
}

TEMPLATE_TEST_CASE("PCK is the share of visible key points that are near enough", "[vision]", float, double) {
    using T = TestType;
    const auto share = [&](const vision::PCKOptions& options, const Target<T>& target) {
        PCK<T> metric{options};
        metric.update(says<T>(), target);
        return metric.value();
    };
    CHECK(share({.threshold = 0}, truth<T>()) == Approx(1.0 / 3));
    CHECK(share({.threshold = 0.15}, truth<T>()) == Approx(1.0 / 3));  // 4.8 pixels of 32
    CHECK(share({.threshold = 0.16}, truth<T>()) == Approx(2.0 / 3));
    CHECK(share({.threshold = 0.5, .size = 10}, truth<T>()) == Approx(2.0 / 3));
    CHECK(share({.threshold = 1, .size = 10}, truth<T>()) == 1);
    CHECK(share({.threshold = 0.16}, {truth<T>(), {.mask = {}, .weight = Tensor<T>{{2}, {1, 2}}}}) == Approx(0.5));
    PCK<T> metric{{.threshold = 0.16}};
    CHECK(metric.by_keypoint().shape() == Shape{0});
    for (Index n = 0; n < 2; ++n)
        metric.update(says<T>().slice(n, n + 1), truth<T>().slice(n, n + 1));
    CHECK(metric.count() == 3);
    CHECK(metric.value() == Approx(2.0 / 3));
    CHECK(metric.by_keypoint() == Tensor<double>{{2}, {0.5, 1}});
    CHECK_THROWS_WITH(metric.update(Tensor<T>{Shape{1, 8, 8, 3}}, Tensor<T>{Shape{1, 3, 3}}),
                      "[pck] expected 2 key points as before, got predictions (1, 8, 8, 3)");
    metric.reset();
    CHECK(metric.count() == 0);
    CHECK_THROWS_WITH(metric.value(), "[pck] expected visible key points, got none");
    metric.update(says<T>().slice(1, 2), truth<T>().slice(1, 2));
    CHECK(std::isnan(metric.by_keypoint()[1]));
    CHECK_THROWS_WITH((PCK<T>{{.stride = 0}}), "[pck] expected a stride above 0, got 0");
    CHECK_THROWS_WITH((PCK<T>{{.threshold = -1}}), "[pck] expected a finite threshold and size of at least 0, got -1 and 0");
    CHECK_THROWS_AS((PCK<T>{{.size = INFINITY}}), ValueError);
}

TEMPLATE_TEST_CASE("OKS is the mean similarity of images", "[vision]", float, double) {
    using T = TestType;
    const auto one = [](double squared, double sigma, double area) { return std::exp(-squared / (8 * sigma * sigma * area)); };
    const double first = (1 + one(25, 0.2, 1024)) / 2, second = one(100, 0.1, 1024);
    OKS<T> metric{{.sigmas = {0.1, 0.2}}};
    metric.update(says<T>(), truth<T>());
    CHECK(metric.count() == 2);
    CHECK(metric.value() == Approx((first + second) / 2).epsilon(1e-12));
    metric.reset();
    CHECK_THROWS_WITH(metric.value(), "[oks] expected images with visible key points, got none");
    metric.update(says<T>(), {truth<T>(), {.mask = {}, .weight = Tensor<T>{{2}, {1, 3}}}});
    CHECK(metric.value() == Approx((first + 3 * second) / 4).epsilon(1e-12));
    OKS<T> small{{.sigmas = {0.1, 0.2}, .area = 100}};
    for (Index n = 0; n < 2; ++n)
        small.update(says<T>().slice(n, n + 1), truth<T>().slice(n, n + 1));
    CHECK(small.value() == Approx(((1 + one(25, 0.2, 100)) / 2 + one(100, 0.1, 100)) / 2).epsilon(1e-12));

    OKS<T> coco;  // 17 sigmas
    coco.update(Tensor<T>{Shape{2, 2, 2, 17}}, Tensor<T>{Shape{2, 17, 3}});
    CHECK(coco.count() == 0);  // none is visible
    CHECK_THROWS_WITH(coco.update(says<T>(), truth<T>()),
                      "[oks] expected predictions of 17 key points, as many as sigmas, got (2, 8, 8, 2)");
    CHECK_THROWS_WITH((OKS<T>{{.stride = 0}}), "[oks] expected a stride above 0, got 0");
    CHECK_THROWS_WITH((OKS<T>{{.sigmas = {0.1, -1}}}), "[oks] expected finite sigmas above 0, got -1");
    CHECK_THROWS_AS((OKS<T>{{.area = -1}}), ValueError);
}

TEMPLATE_TEST_CASE("metrics of key points leave out what is masked, and count nothing that they refuse", "[vision]", float, double) {
    using T = TestType;
    constexpr auto nan = std::numeric_limits<T>::quiet_NaN();
    auto maps = says<T>();
    auto values = truth<T>();
    std::fill_n(maps.data(), maps.numel() / 2, nan);
    std::fill_n(values.data(), values.numel() / 2, nan);
    metrics::PerTask<T> all{{"share", PCK<T>{{.threshold = 1, .size = 10}}}, {"similarity", OKS<T>{{.sigmas = {0.1, 0.2}}}}};
    const auto update = [&](const Target<T>& target) {
        all.update({{"share", maps}, {"similarity", maps}}, {{"share", target}, {"similarity", target}});
    };
    for (const Target<T>& target :
         {Target<T>{values, Tensor<bool>{{2}, {false, true}}}, Target<T>{values, {.mask = {}, .weight = Tensor<T>{{2}, {0, 2}}}}}) {
        update(target);
        CHECK(all.value().at("share") == 1);
        CHECK(all.metrics().at("share").count() == 1);
        CHECK(all.metrics().at("similarity").count() == 1);
        CHECK(all.value().at("similarity") == Approx(std::exp(-100 / (8 * 0.01 * 1024))).epsilon(1e-12));
        CHECK_THROWS_AS(update(Target<T>{values}), ValueError);  // NaN that counts
        CHECK_THROWS_AS(update(Target<T>{Tensor<Index>{Shape{2}}}), StateError);
        CHECK_THROWS_AS(update(Target<T>{Tensor<T>{Shape{2, 3, 3}}}), ShapeError);
        CHECK(all.metrics().at("share").count() == 1);
        all.reset();
    }
    maps.fill(nan);
    update(truth<T>());
    CHECK(all.value().at("share") == 0);
    CHECK(all.value().at("similarity") == 0);
    PCK<T> none;
    none.update(Tensor<T>{Shape{0, 8, 8, 2}}, Tensor<T>{Shape{0, 2, 3}});
    CHECK(none.count() == 0);
}
