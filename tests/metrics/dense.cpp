// SPDX-License-Identifier: MIT
/// @file Metrics of dense prediction against numpy's values in golden/dense_metrics.json.
#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/boundary_f.hpp>
#include <espalier/metrics/depth.hpp>
#include <espalier/metrics/mean_angle.hpp>
#include <espalier/metrics/mean_iou.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/panoptic_quality.hpp>

#include "metrics/testing.hpp"

#include <cmath>
#include <fstream>

using namespace espalier;
using losses::Target;
using metrics::Metric;

namespace {

const nlohmann::json& dense_golden() {
    static const nlohmann::json content = nlohmann::json::parse(std::ifstream{ESPALIER_GOLDEN_DIR "/dense_metrics.json"});
    return content;
}

const Shape map{3, 9, 11, 1};

void require_close(double got, double expected) { REQUIRE(got == Approx(expected).epsilon(1e-9)); }

/// The same from one update as from one an image, and nothing left after a reset.
template <class M>
void update_twice(M& metric, const Tensor<double>& x, const Target<double>& target) {
    metric.update(x, target);
    const double whole = metric.value();
    const Index count = metric.count();
    metric.reset();
    REQUIRE(metric.count() == 0);
    REQUIRE_THROWS_AS(metric.value(), StateError);
    for (Index n = 0; n < target.size(); ++n)
        metric.update(x.gather(std::vector<Index>{n}), target.gather(std::vector<Index>{n}));
    REQUIRE(metric.value() == Approx(whole).epsilon(1e-12));
    REQUIRE(metric.count() == count);
}

}  // namespace

TEST_CASE("The mean IoU is numpy's, without ignored pixels and absent classes", "[metrics]") {
    const auto& given = dense_golden()["mean_iou"];
    const auto scores = testing::tensor<double>(given["scores"], {3, 9, 11, 5});
    const auto labels = testing::tensor<Index>(given["labels"], {3, 9, 11});
    metrics::MeanIoU<double> iou{{.ignore_index = 255}};
    update_twice(iou, scores, labels);
    require_close(iou.value(), given["value"].get<double>());
    const auto by_class = iou.by_class();
    for (Index c = 0; c < 4; ++c)
        require_close(by_class[c], given["by_class"][static_cast<std::size_t>(c)].get<double>());
    REQUIRE(std::isnan(by_class[4]));
    metrics::Accuracy<double> accuracy{{.ignore_index = 255}};
    accuracy.update(scores, labels);
    REQUIRE(accuracy.value() == iou.confusion().value());
    REQUIRE_THROWS_WITH(iou.update(Tensor<double>{{1, 2}}, Tensor<Index>{{1}}),
                        "[confusion_matrix] expected scores of 5 classes as before, got (1, 2)");
    metrics::MeanIoU<double> none;
    none.update(Tensor<double>{{0, 2}}, Tensor<Index>{{0}});
    REQUIRE_THROWS_WITH(none.value(), "[mean_iou] expected labelled samples, got none");
    REQUIRE(none.by_class().shape() == Shape{2});
}

TEST_CASE("The boundary F-score is numpy's for any tolerance", "[metrics]") {
    const auto& given = dense_golden()["boundary"];
    auto said = testing::tensor<double>(given["said"], map);
    auto real = testing::tensor<double>(given["real"], map);
    const auto counts = testing::tensor<Index>(given["counts"], map).cast<bool>();
    for (Index i = 0; i < said.numel(); ++i)
        if (!counts[i])
            said[i] = real[i] = std::nan("");
    for (const auto& result : given["results"]) {
        CAPTURE(result["tolerance"].get<double>());
        metrics::BoundaryF<double> f{{.tolerance = result["tolerance"].get<double>()}};
        update_twice(f, said, {real, counts});
        require_close(f.value(), result["value"].get<double>());
        require_close(f.precision(), result["precision"].get<double>());
        require_close(f.recall(), result["recall"].get<double>());
    }
}

TEST_CASE("The boundary F-score of no edge is 1, of edges on one side 0, and it weighs images", "[metrics]") {
    const Tensor<float> none = Tensor<float>::full({1, 2, 2, 1}, -1);
    const Tensor<float> edge{{1, 2, 2, 1}, {1, -1, -1, -1}};
    const Tensor<float> truth{{1, 2, 2, 1}, {1, 0, 0, 0}};
    metrics::BoundaryF f{{.tolerance = 1e30}};
    f.update(none, Tensor<float>{{1, 2, 2, 1}});
    REQUIRE(f.value() == 1);
    f.update(none, truth);
    REQUIRE(f.value() == 0);
    f.update(edge, Target<float>{truth, {.mask = {}, .weight = Tensor<float>{{1}, {3}}}});
    REQUIRE(f.recall() == 0.75);
    REQUIRE_THROWS_WITH(f.update(edge, Tensor<float>::full({1, 2, 2, 1}, 2)), "[boundary_f] expected values 0 and 1, got 2 at sample 0");
    REQUIRE_THROWS_WITH(f.update(Tensor<float>{{1, 2}}, Tensor<float>{{1, 2}}), "[boundary_f] expected edge maps (N, H, W, 1), got (1, 2)");
    REQUIRE_THROWS_WITH(metrics::BoundaryF{{.tolerance = -1}}, "[boundary_f] expected a finite tolerance of at least 0, got -1");
    f.reset();
    f.update(Tensor<float>{Shape{0, 2, 2, 1}}, Tensor<float>{Shape{0, 2, 2, 1}});
    REQUIRE_THROWS_WITH(f.value(), "[boundary_f] expected labelled samples, got none");
}

TEST_CASE("Errors of depths are numpy's, with masks and weights", "[metrics]") {
    const auto& given = dense_golden()["depth"];
    auto said = testing::tensor<double>(given["said"], map);
    auto real = testing::tensor<double>(given["real"], map);
    const auto counts = testing::tensor<Index>(given["counts"], map).cast<bool>();
    for (Index i = 0; i < said.numel(); ++i)
        if (!counts[i])
            said[i] = real[i] = std::nan("");
    const Target<double> target{real, {.mask = counts, .weight = testing::tensor<double>(given["weight"], {3})}};
    metrics::AbsRel<double> relative;
    update_twice(relative, said, target);
    require_close(relative.value(), given["abs_rel"].get<double>());
    for (const int power : {1, 2, 3}) {
        metrics::WithinFactor<double> within{{.factor = std::pow(1.25, power)}};
        update_twice(within, said, target);
        require_close(within.value(), given["within"][static_cast<std::size_t>(power - 1)].get<double>());
    }
    REQUIRE_THROWS_WITH(relative.update(Tensor<double>{{2}}, Tensor<double>{{2}, {1, 0}}),
                        "[abs_rel] expected depths above 0, got 0 at sample 1");
    REQUIRE_THROWS_WITH(metrics::WithinFactor{{.factor = 1}}, "[within_factor] expected a finite factor above 1, got 1");
    metrics::WithinFactor within;
    within.update(Tensor<float>{{4}, {0, -1, std::nanf(""), 1}}, Tensor<float>::ones({4}));
    REQUIRE(within.value() == 0.25);
}

TEST_CASE("The mean angle is numpy's, and exact for small angles", "[metrics]") {
    const auto& given = dense_golden()["angle"];
    metrics::MeanAngle<double> angle;
    update_twice(angle, testing::tensor<double>(given["said"], {3, 9, 11, 3}), testing::tensor<double>(given["real"], {3, 9, 11, 3}));
    require_close(angle.value(), given["value"].get<double>());
    angle.reset();
    angle.update(Tensor<double>{{1, 2}, {3, 3e-9}}, Tensor<double>{{1, 2}, {2, 0}});
    require_close(angle.value() * 1e9, 180 / std::acos(-1.0));
    angle.reset();
    const double nan = std::nan("");
    angle.update(Tensor<double>{{3, 2}, {0, 0, 1, 0, nan, 1}},
                 {Tensor<double>{{3, 2}, {1, 0, -1, 0, nan, 1}}, Tensor<bool>{{3, 2}, {true, true, true, true, false, true}}});
    REQUIRE(angle.value() == 135);
    REQUIRE(angle.count() == 2);
    REQUIRE_THROWS_WITH(angle.update(Tensor<double>{{2}}, Tensor<double>{{2}}), "[mean_angle] expected vectors (N, ..., K), got (2,)");
}

TEST_CASE("The panoptic quality is numpy's for all, things and stuff", "[metrics]") {
    const auto& given = dense_golden()["panoptic"];
    const auto said = testing::tensor<double>(given["said"], {3, 24, 24, 2});
    const auto real = testing::tensor<Index>(given["real"], {3, 24, 24, 2});
    metrics::PanopticQuality<double> quality{{.stuff = {0, 1}, .void_label = 9}};
    update_twice(quality, said, real);
    const auto check = [&](const metrics::PanopticScores& got, const char* name) {
        require_close(got.pq, given[name][0].get<double>());
        require_close(got.sq, given[name][1].get<double>());
        require_close(got.rq, given[name][2].get<double>());
    };
    check(quality.scores(), "all");
    check(quality.things(), "things");
    check(quality.stuff(), "stuff");
    REQUIRE(quality.value() == quality.scores().pq);
}

TEST_CASE("The panoptic quality of half a segment, of void and of what is masked", "[metrics]") {
    metrics::PanopticQuality quality{{.stuff = {}, .void_label = 9}};
    const Tensor<float> said{{1, 1, 4, 2}, {0, 1, 0, 1, 0, 2, 0, 2}};
    const Tensor<Index> real{{1, 1, 4, 2}, {0, 7, 0, 7, 9, 0, 9, 0}};
    quality.update(said, real);
    REQUIRE(quality.value() == 1);  // a segment on void is no mistake
    quality.reset();
    quality.update(said, Tensor<Index>{{1, 1, 4, 2}, {0, 7, 0, 7, 0, 7, 0, 7}});
    REQUIRE(quality.value() == 0);  // two halves, none above a half
    REQUIRE(quality.of_class(0).sq == 0);
    REQUIRE_THROWS_AS(quality.of_class(1), StateError);
    quality.reset();
    auto spoilt = said;
    spoilt[4] = spoilt[6] = std::nanf("");
    auto mask = Tensor<bool>::full({1, 1, 4, 2}, true);
    mask[4] = mask[7] = mask[6] = false;
    quality.update(spoilt, Target<float>{Tensor<Index>{{1, 1, 4, 2}, {0, 7, 0, 7, 0, 7, 0, 7}}, mask});
    REQUIRE(quality.value() == 1);
    REQUIRE(quality.count() == 2);
    REQUIRE_THROWS_WITH(quality.update(spoilt, real), "[panoptic_quality] expected integers as classes and instances, got nan at sample 0");
    REQUIRE_THROWS_WITH(quality.update(said, Tensor<Index>{{1, 1, 4}}),
                        "[panoptic_quality] expected labels of the shape of the prediction (1, 1, 4, 2), got (1, 1, 4)");
    REQUIRE(quality.count() == 2);
    REQUIRE_THROWS_WITH(quality.stuff(), "[panoptic_quality] expected labelled samples with segments, got none");
}

TEST_CASE("Metrics of dense prediction are metrics", "[metrics]") {
    STATIC_REQUIRE(metrics::MetricOf<metrics::MeanIoU<float>, float>);
    STATIC_REQUIRE(metrics::MetricOf<metrics::BoundaryF<double>, double>);
    STATIC_REQUIRE(metrics::MetricOf<metrics::AbsRel<float>, float>);
    STATIC_REQUIRE(metrics::MetricOf<metrics::WithinFactor<float>, float>);
    STATIC_REQUIRE(metrics::MetricOf<metrics::MeanAngle<float>, float>);
    STATIC_REQUIRE(metrics::MetricOf<metrics::PanopticQuality<float>, float>);
    Metric<float> metric = metrics::PanopticQuality{{.stuff = {1}}};
    REQUIRE(metric.count() == 0);
}
