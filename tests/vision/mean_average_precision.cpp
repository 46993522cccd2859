// SPDX-License-Identifier: MIT
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/per_task.hpp>
#include <espalier/vision/mean_average_precision.hpp>

#include "catch.hpp"

#include <limits>
#include <vector>

using namespace espalier;
using namespace espalier::vision;
using losses::Target;

namespace {

static_assert(metrics::MetricOf<MeanAveragePrecision<>, float>);
static_assert(metrics::MetricOf<MeanAveragePrecision<double>, double>);

/// What a net would say that finds these boxes, two pixels too wide if `wrong`.
template <class T>
Tensor<T> says(const std::vector<std::vector<Object>>& images, float wrong = 0) {
    Tensor<T> map = Tensor<T>::full({static_cast<Index>(images.size()), 8, 8, 6}, T(-9));
    for (std::size_t n = 0; n < images.size(); ++n)
        for (const auto& [box, label] : images[n]) {
            const float x = (box.x1 + box.x2) / 8, y = (box.y1 + box.y2) / 8;
            T* const cell = map.data() + ((static_cast<Index>(n) * 8 + static_cast<Index>(y)) * 8 + static_cast<Index>(x)) * 6;
            cell[label] = 2;
            cell[2] = static_cast<T>((box.width() + wrong) / 4);
            cell[3] = static_cast<T>(box.height() / 4);
            cell[4] = static_cast<T>(x - std::floor(x));
            cell[5] = static_cast<T>(y - std::floor(y));
        }
    return map;
}

const std::vector<std::vector<Object>> objects{{{{2, 2, 14, 10}, 0}, {{16, 16, 28, 30}, 1}}, {}, {{{4, 8, 12, 20}, 1}}};

}  // namespace

TEMPLATE_TEST_CASE("MeanAveragePrecision gathers over batches", "[vision]", float, double) {
    using T = TestType;
    const auto target = pack<T>(objects);
    MeanAveragePrecision<T> metric;
    CHECK_THROWS_WITH(metric.value(), "[mean_average_precision] expected objects, got none");
    metric.update(says<T>(objects), target);
    CHECK(metric.count() == 3);
    CHECK(metric.value() == Approx(1).epsilon(1e-12));
    auto copy = metric;
    copy.update(says<T>({{}, {}, {}}), target);
    CHECK(copy.count() == 6);
    CHECK(copy.value() < 0.6);
    CHECK(metric.count() == 3);
    MeanAveragePrecision<T> loose{{.ap50 = true}}, strict;
    for (auto* const m : {&loose, &strict}) {
        for (Index n = 0; n < 3; ++n)
            m->update(says<T>(objects, 3).slice(n, n + 1), target.slice(n, n + 1));
        CHECK(m->summary().ap50 == Approx(1).epsilon(1e-12));
    }
    CHECK(loose.value() == loose.summary().ap50);
    CHECK(strict.value() < 0.9);
    metric.reset();
    CHECK(metric.count() == 0);
    CHECK(metric.summary().ap == -1);
    metric.update(Tensor<T>{Shape{0, 8, 8, 6}}, Tensor<T>{Shape{0, 1, 5}});
    CHECK_THROWS_AS(metric.value(), StateError);
}

TEMPLATE_TEST_CASE("MeanAveragePrecision leaves out images that are not labelled, whatever they hold", "[vision]", float, double) {
    using T = TestType;
    auto values = pack<T>(objects);
    std::fill_n(values.data(), values.numel() / 3, std::numeric_limits<T>::quiet_NaN());
    auto prediction = says<T>(objects);
    for (const Target<T>& target : {Target<T>{values, Tensor<bool>{{3}, {false, true, true}}},
                                    Target<T>{values, {.mask = {}, .weight = Tensor<T>{{3}, {0, 1, 2}}}}}) {
        MeanAveragePrecision<T> metric;
        metric.update(prediction, target);
        CHECK(metric.count() == 1);
        CHECK(metric.value() == Approx(1).epsilon(1e-12));
    }
    MeanAveragePrecision<T> none;
    none.update(prediction, Target<T>{values, Tensor<bool>{Shape{3}}});
    CHECK(none.count() == 0);
}

TEST_CASE("MeanAveragePrecision refuses what does not fit, and counts nothing then", "[vision]") {
    MeanAveragePrecision metric;
    const auto prediction = says<float>(objects);
    auto values = pack(objects);
    CHECK_THROWS_WITH(metric.update(prediction, values.slice(0, 2)), "[mean_average_precision] expected objects (3, M, 5), got (2, 2, 5)");
    values[4] = 2;
    CHECK_THROWS_WITH(metric.update(prediction, values),
                      "[mean_average_precision] expected a class in [0, 2) or a negative one for no object, got 2 at image 0, row 0");
    CHECK_THROWS_AS(metric.update(Tensor<float>{Shape{3, 8, 8, 4}}, values), ShapeError);
    CHECK(metric.count() == 0);
    CHECK_THROWS_AS((MeanAveragePrecision{{.decode = {.top_k = 0}}}), ValueError);
    metrics::PerTask all{{"objects", metric}};
    Named<Tensor<float>> outputs{{"objects", prediction}};
    all.update(outputs, {{"objects", pack(objects)}});
    CHECK(all.metrics().at("objects").as<MeanAveragePrecision<>>().summary().ap50 > 0.99);
}
