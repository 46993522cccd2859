// SPDX-License-Identifier: MIT
/// @file Metrics of rankings, of several labels and of probabilities against scikit-learn's values in golden/ranking.json.
#include <espalier/metrics/auroc.hpp>
#include <espalier/metrics/average_precision.hpp>
#include <espalier/metrics/calibration.hpp>
#include <espalier/metrics/gauc.hpp>
#include <espalier/metrics/label_ranking.hpp>
#include <espalier/metrics/log_loss.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/multilabel.hpp>
#include <espalier/metrics/retrieval.hpp>

#include "metrics/testing.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace espalier;
using losses::Target;
using metrics::Average;

namespace {

const nlohmann::json& ranking_golden() {
    static const nlohmann::json content = nlohmann::json::parse(std::ifstream{ESPALIER_GOLDEN_DIR "/ranking.json"});
    return content;
}

const float nan_value = std::nanf("");

/// In batches and at once, and nothing is left after a reset.
template <class T, class M>
void require_value(M metric, const Tensor<T>& scores, const Target<T>& target, const nlohmann::json& expected, double tolerance = 1e-12) {
    testing::update_in_batches(metric, scores, target);
    REQUIRE(metric.value() == Approx(expected.get<double>()).epsilon(tolerance));
    const Index count = metric.count();
    metric.reset();
    REQUIRE(metric.count() == 0);
    REQUIRE_THROWS_AS(metric.value(), StateError);
    metric.update(scores, target);
    REQUIRE(metric.value() == Approx(expected.get<double>()).epsilon(tolerance));
    REQUIRE(metric.count() == count);
    metric.update(Tensor<T>{scores.shape().with(0, 0)}, Tensor<T>{target.shape().with(0, 0)});
    REQUIRE(metric.count() == count);
}

template <class T, template <class> class M>
void require_averages(const Tensor<T>& scores, const Target<T>& target, const nlohmann::json& expected) {
    for (const auto& [average, key] : {std::pair{Average::macro, "macro"}, {Average::micro, "micro"}, {Average::weighted, "weighted"}}) {
        CAPTURE(key);
        M<T> metric{{.average = average}};
        require_value<T>(metric, scores, target, expected[key]);
        metric.update(scores, target);
        const auto by_label = metric.by_label();
        for (Index l = 0; l < by_label.numel(); ++l)
            REQUIRE(by_label[l] == Approx(expected["by_label"][static_cast<std::size_t>(l)].template get<double>()).epsilon(1e-12));
    }
}

/// Every row with a mask that is not there, garbage in its place, must change nothing.
template <class T>
std::pair<Tensor<T>, Target<T>> with_masked_column(const Tensor<T>& scores, const Target<T>& target) {
    const Index width = scores.size(-1);
    const Shape shape{scores.size(0), width + 1};
    Tensor<T> wide{shape}, values{shape};
    Tensor<bool> mask{shape};
    for (Index i = 0; i < shape.numel(); ++i) {
        const bool there = i % (width + 1) < width;
        const Index from = i / (width + 1) * width + i % (width + 1);
        wide[i] = there ? scores[from] : static_cast<T>(nan_value);
        values[i] = there ? target.values()[from] : static_cast<T>(nan_value);
        mask[i] = there;
    }
    return {wide, Target<T>{values, losses::TargetOptions<T>{.mask = mask, .weight = target.options().weight}}};
}

}  // namespace

TEMPLATE_TEST_CASE("metrics of several labels are scikit-learn's, with ties, weights and masks", "[metrics]", float, double) {
    using T = TestType;
    const auto& given = ranking_golden()["labels"];
    const auto scores = testing::tensor<T>(given["scores"], {40, 6});
    for (const std::string results : {"plain", "weighted"}) {
        CAPTURE(results);
        const auto& expected = given[results];
        Target<T> target{testing::tensor<T>(given["truth"], {40, 6})};
        if (results == "weighted")
            target = {target.values(), losses::TargetOptions<T>{.mask = {}, .weight = testing::tensor<T>(given["weight"], {40})}};
        require_averages<T, metrics::MultilabelPrecision>(scores, target, expected["precision"]);
        require_averages<T, metrics::MultilabelRecall>(scores, target, expected["recall"]);
        require_averages<T, metrics::MultilabelF1Score>(scores, target, expected["f1"]);
        require_averages<T, metrics::MultilabelAveragePrecision>(scores, target, expected["ap"]);
        const auto masked = with_masked_column(scores, target);
        for (const auto& [x, y] : {std::pair{scores, target}, {masked.first, masked.second}}) {
            require_value<T>(metrics::HammingLoss<T>{}, x, y, expected["hamming"]);
            require_value<T>(metrics::ExactMatch<T>{}, x, y, expected["exact"]);
            require_value<T>(metrics::MultilabelRankingAveragePrecision<T>{}, x, y, expected["lrap"]);
            require_value<T>(metrics::MultilabelRankingLoss<T>{}, x, y, expected["ranking_loss"]);
            require_value<T>(metrics::MultilabelCoverageError<T>{}, x, y, expected["coverage"]);
            require_value<T>(metrics::GAUC<T>{}, x, y, expected["gauc"]);
            require_value<T>(metrics::MultilabelF1Score<T>{}, x, y, expected["f1"]["macro"]);
            require_value<T>(metrics::MultilabelAveragePrecision<T>{}, x, y, expected["ap"]["macro"]);
        }
    }
}

TEMPLATE_TEST_CASE("metrics of ranked lists are what their definitions give, for rows and for groups", "[metrics]", float, double) {
    using T = TestType;
    const auto& given = ranking_golden()["lists"];
    const auto scores = testing::tensor<T>(given["scores"], {30, 8});
    const auto relevance = testing::tensor<T>(given["relevance"], {30, 8});
    const auto weight = testing::tensor<T>(given["weight"], {30});
    const Target<T> target{relevance, losses::TargetOptions<T>{.mask = {}, .weight = weight}};
    const auto both = [&](auto metric, const nlohmann::json& expected) {
        require_value<T>(metric, scores, target, expected);
        const auto masked = with_masked_column(scores, target);
        require_value<T>(metric, masked.first, masked.second, expected);
        for (Index column = 0; column < 8; ++column) {  // elements of a list that come one in each batch
            Tensor<T> x{Shape{30}}, y{Shape{30}};
            Tensor<Index> groups{Shape{30}};
            for (Index i = 0; i < 30; ++i) {
                x[i] = scores[i * 8 + column];
                y[i] = relevance[i * 8 + column];
                groups[i] = 1000 - 7 * i;
            }
            metric.update(x, Target<T>{y, losses::TargetOptions<T>{.mask = {}, .weight = weight}}, groups);
        }
        REQUIRE(metric.count() == 240);
        REQUIRE(metric.value() == Approx(expected.get<double>()).epsilon(1e-12));
    };
    for (const auto& expected : given["results"]) {
        const auto k = expected["k"].template get<Index>();
        CAPTURE(k);
        both(metrics::RetrievalRecall<T>{{.top_k = k}}, expected["recall"]);
        both(metrics::RetrievalPrecision<T>{{.top_k = k}}, expected["precision"]);
        both(metrics::RetrievalHitRate<T>{{.top_k = k}}, expected["hit_rate"]);
        both(metrics::RetrievalMRR<T>{{.top_k = k}}, expected["mrr"]);
        both(metrics::RetrievalMAP<T>{{.top_k = k}}, expected["map"]);
        both(metrics::RetrievalNormalizedDCG<T>{{.top_k = k, .count_empty = true}}, expected["ndcg"]);
        both(metrics::RetrievalNormalizedDCG<T>{{.top_k = k, .gain = metrics::Gain::exponential}}, expected["ndcg_exponential"]);
    }
    require_value<T>(metrics::RetrievalMAP<T>{}, scores, Target<T>{relevance}, given["map_of_all"]);
}

TEMPLATE_TEST_CASE("log loss and calibration are scikit-learn's", "[metrics]", float, double) {
    using T = TestType;
    const auto& given = ranking_golden()["probabilities"];
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-9;
    const auto p = testing::tensor<T>(given["p"], {80});
    const auto truth = testing::tensor<T>(given["truth"], {80});
    const auto weight = testing::tensor<T>(given["weight"], {80});
    const losses::TargetOptions<T> weighted{.mask = {}, .weight = weight};
    auto logits = p;
    for (T& x : logits)
        x = std::log(x / (1 - x));
    const metrics::LogLossOptions of_probabilities{.probabilities = true};
    require_value<T>(metrics::BinaryLogLoss<T>{of_probabilities}, p, truth, given["log_loss"], tolerance);
    require_value<T>(metrics::BinaryLogLoss<T>{}, logits, truth, given["log_loss"], tolerance);
    require_value<T>(metrics::BinaryLogLoss<T>{}, logits, {truth, weighted}, given["weighted_log_loss"], tolerance);
    for (const auto& diagram : given["diagrams"]) {
        metrics::BinaryCalibrationError<T> error{{.bins = diagram["bins"].template get<Index>(), .probabilities = true}};
        require_value<T>(error, p, truth, diagram["error"], tolerance);
        error.update(p, truth);
        const auto points = error.diagram();
        std::size_t at = 0;
        for (Index bin = 0; bin < points.weight.numel(); ++bin)
            if (points.weight[bin] > 0) {
                REQUIRE(points.accuracy[bin] == Approx(diagram["accuracy"][at].template get<double>()).epsilon(tolerance));
                REQUIRE(points.confidence[bin] == Approx(diagram["confidence"][at++].template get<double>()).epsilon(tolerance));
            } else {
                REQUIRE(std::isnan(points.confidence[bin]));
            }
        REQUIRE(at == diagram["accuracy"].size());
    }
    const auto scores = testing::tensor<T>(given["logits"], {80, 4});
    const auto labels = testing::tensor<Index>(given["labels"], {80});
    metrics::LogLoss<T> loss;
    loss.update(scores, {labels, weighted});
    REQUIRE(loss.value() == Approx(given["class_log_loss"].template get<double>()).epsilon(tolerance));
    for (const Index bins : {10, 15}) {
        metrics::CalibrationError<T> error{{.bins = bins}};
        testing::update_in_batches(error, scores, Target<T>{labels});
        REQUIRE(error.value() == Approx(given["errors"][bins == 15].template get<double>()).epsilon(tolerance));
    }
}

TEST_CASE("what says the same of everything ranks nothing high", "[metrics]") {
    const Tensor<float> same{Shape{1, 4}}, first{{1, 4}, {1, 0, 0, 0}};
    metrics::RetrievalHitRate hit{{.top_k = 3}};
    hit.update(same, first);
    REQUIRE(hit.value() == 0);
    metrics::RetrievalMRR mrr;
    mrr.update(same, first);
    REQUIRE(mrr.value() == 0.25);
    metrics::RetrievalMRR of_labels;  // the one that is relevant
    of_labels.update(Tensor<float>{{2, 3}, {3, 2, 1, 1, 2, 3}}, Tensor<Index>{{2}, {1, 2}});
    REQUIRE(of_labels.value() == 0.75);
}

TEST_CASE("a list of one element has that one relevant if its label says so", "[metrics]") {
    const Tensor<float> scores{{2, 1}, {3, -1}};
    metrics::RetrievalHitRate by_place{{.top_k = 1}}, by_relevance{{.top_k = 1, .count_empty = true}};
    by_place.update(scores, Tensor<Index>{{2}, {0, 0}});
    REQUIRE(by_place.value() == 1);
    by_relevance.update(scores, Tensor<Index>{{2, 1}, {1, 0}});
    REQUIRE(by_relevance.value() == 0.5);
    REQUIRE_THROWS_WITH(by_place.update(scores, Tensor<Index>{{2}, {0, 1}}), "[retrieval_hit_rate] expected labels in [0, 1), got 1");
}

TEST_CASE("areas and gains are at most 1, however weights are rounded", "[metrics]") {
    Random random{1};
    double largest = 0;
    for (int trial = 0; trial < 2000; ++trial) {
        Tensor<float> scores{Shape{9}}, truth{Shape{9}}, weight{Shape{9}};
        for (Index i = 0; i < 9; ++i) {
            scores[i] = truth[i] = i < 4 ? 0.0F : 1.0F;
            weight[i] = random.uniform<float>() + 0.01F;
        }
        const Target<float> target{truth, {.mask = {}, .weight = weight}};
        metrics::AUROC auroc;
        auroc.update(scores, target);
        metrics::GAUC gauc;
        gauc.update(scores, target, Tensor<Index>{Shape{9}});
        const auto list = Tensor<float>{weight}.reshape({1, 9});
        metrics::RetrievalNormalizedDCG ndcg;
        ndcg.update(list, list);
        largest = std::max({largest, auroc.value(), gauc.value(), ndcg.value()});
    }
    REQUIRE(largest == 1);
}

TEST_CASE("gains of small relevances are their ratios", "[metrics]") {
    for (const double unit : {1e-300, 1e-30, 1e-9}) {
        metrics::RetrievalNormalizedDCG<double> exponential{{.gain = metrics::Gain::exponential}}, linear;
        const Tensor<double> scores{{1, 3}, {3, 1, 2}}, relevance{{1, 3}, {unit, 2 * unit, 3 * unit}};
        exponential.update(scores, relevance);
        linear.update(scores, relevance);
        CAPTURE(unit);
        REQUIRE(exponential.value() == Approx(linear.value()).epsilon(1e-8));  // 2^r - 1 is r log 2 there
    }
}

TEST_CASE("lists without anything relevant are left out, or count 0", "[metrics]") {
    const Tensor<float> scores{{2, 2}, {2, 1, 2, 1}}, values{{2, 2}, {1, 0, 0, 0}};
    metrics::RetrievalRecall left_out{{.top_k = 1}}, counted{{.top_k = 1, .count_empty = true}};
    left_out.update(scores, values);
    counted.update(scores, values);
    REQUIRE(left_out.value() == 1);
    REQUIRE(counted.value() == 0.5);
    metrics::RetrievalRecall none;
    none.update(scores, Tensor<float>{Shape{2, 2}});
    REQUIRE_THROWS_WITH(none.value(), "[retrieval_recall] expected a list with anything relevant, got none");
    metrics::GAUC gauc;
    gauc.update(scores, Tensor<float>::ones({2, 2}));
    REQUIRE_THROWS_WITH(gauc.value(), "[gauc] expected a list with both answers, got none");
    gauc.update(scores, {values, Tensor<bool>{Shape{2}}});  // nothing counts
    REQUIRE(gauc.count() == 4);
}

TEST_CASE("groups weigh by their impressions, over batches", "[metrics]") {
    metrics::GAUC gauc;
    gauc.update(Tensor<float>{{4, 1}, {1, 2, 5, nan_value}},
                Target<float>{Tensor<float>{{4, 1}, {0, 1, 1, 0}}, Tensor<bool>{{4}, {true, true, true, false}}},
                Tensor<Index>{{4}, {7, 7, 9, 9}});
    REQUIRE(gauc.value() == 1);  // of group 9 one answer is known
    gauc.update(Tensor<float>{{3, 1}, {6, 7, 8}}, Tensor<float>{Shape{3, 1}}, Tensor<Index>{{3}, {9, 9, 9}});
    REQUIRE(gauc.value() == Approx(2.0 / 6));  // 1 of two impressions, 0 of four
    metrics::Metric<float> any{gauc};
    REQUIRE(any.value() == gauc.value());
}

TEST_CASE("a label that never holds has no average precision", "[metrics]") {
    metrics::MultilabelAveragePrecision map;
    map.update(Tensor<float>{{2, 2}, {2, 1, 1, 2}}, Tensor<Index>{{2, 2}, {1, 0, 0, 0}});
    REQUIRE(map.value() == 1);
    REQUIRE(std::isnan(map.by_label()[1]));
    metrics::BinaryAveragePrecision ap;
    REQUIRE_THROWS_AS(ap.value(), StateError);
    ap.update(Tensor<float>{{3}, {3, 2, 1}}, Tensor<Index>{{3}, {0, 1, 0}});
    REQUIRE(ap.value() == 0.5);
}

TEST_CASE("metrics of rankings name what does not fit, and count nothing then", "[metrics]") {
    metrics::RetrievalNormalizedDCG ndcg;
    REQUIRE_THROWS_WITH(ndcg.update(Tensor<float>{{2}}, Tensor<float>{{2}}),
                        "[retrieval_normalized_dcg] expected lists of scores (N, ..., L), or groups beside them, got (2,)");
    REQUIRE_THROWS_WITH(ndcg.update(Tensor<float>{{1, 2}}, Tensor<float>{{1, 2}, {1, -1}}),
                        "[retrieval_normalized_dcg] expected a finite relevance of at least 0, got -1 at sample 0");
    REQUIRE_THROWS_WITH(ndcg.update(Tensor<float>{{1, 2}, {1, nan_value}}, Tensor<float>{{1, 2}}),
                        "[retrieval_normalized_dcg] expected scores that have an order, got NaN at sample 0");
    REQUIRE_THROWS_WITH(ndcg.update(Tensor<float>{{2}}, Tensor<float>{{2}}, Tensor<Index>{{3}}),
                        "[retrieval_normalized_dcg] expected scores (M,) or (M, 1) and groups (M,), got (2,) and (3,)");
    REQUIRE_THROWS_WITH(ndcg.update(Tensor<float>::scalar(1), Tensor<float>{{1}, {1}}, Tensor<Index>{{1}, {0}}),
                        "[retrieval_normalized_dcg] expected scores (M,) or (M, 1) and groups (M,), got () and (1,)");
    REQUIRE_THROWS_AS(ndcg.update(Tensor<float>{{1, 2}}, Tensor<Index>{{1}, {2}}), ValueError);
    REQUIRE(ndcg.count() == 0);
    REQUIRE_THROWS_WITH(metrics::RetrievalMAP{{.top_k = -1}}, "[retrieval_map] expected a top_k of at least 0, got -1");
    REQUIRE_THROWS_WITH(metrics::GAUC{}.update(Tensor<float>{{1, 2}}, Tensor<float>{{1, 2}, {0, 2}}),
                        "[gauc] expected values 0 and 1, got 2 at sample 0");
    metrics::MultilabelRecall recall;
    recall.update(Tensor<float>{{1, 3}}, Tensor<float>{{1, 3}});
    REQUIRE_THROWS_WITH(recall.update(Tensor<float>{{1, 2}}, Tensor<float>{{1, 2}}),
                        "[multilabel_recall] expected predictions of 3 labels as before, got (1, 2)");
    metrics::BinaryLogLoss<float> binary{{.probabilities = true}};
    REQUIRE_THROWS_WITH(binary.update(Tensor<float>{{2}, {0.5, 3}}, Tensor<float>{{2}, {1, 1}}),  // a logit
                        "[binary_log_loss] expected probabilities in [0, 1], got 3 at sample 1");
    metrics::LogLoss<float> classes{{.probabilities = true}};
    REQUIRE_THROWS_WITH(classes.update(Tensor<float>{{1, 2}, {2, -2}}, Tensor<Index>{{1}, {1}}),
                        "[log_loss] expected probabilities in [0, 1], got -2 at sample 0");
    REQUIRE((binary.count() == 0 && classes.count() == 0));
    binary.update(Tensor<float>{{2}, {1 + 1e-6F, 7}}, {Tensor<float>{{2}, {1, 1}}, Tensor<bool>{{2}, {true, false}}});  // rounding
    REQUIRE(binary.value() < 1e-6);
    classes.update(Tensor<float>{{1, 2}, {nan_value, 1}}, Tensor<Index>{{1}, {0}});
    REQUIRE(std::isnan(classes.value()));
    REQUIRE_THROWS_AS(metrics::CalibrationError{{.bins = 0}}, ValueError);
    metrics::BinaryCalibrationError error{{.probabilities = true}};
    REQUIRE_THROWS_WITH(error.update(Tensor<float>{{1}, {1.5}}, Tensor<float>{{1}}),
                        "[binary_calibration_error] expected probabilities in [0, 1], got 1.5 at sample 0");
    REQUIRE_THROWS_AS(error.update(Tensor<float>{{1}, {nan_value}}, Tensor<float>{{1}}), ValueError);
    error.update(Tensor<float>{{2}, {0, 1 + 1e-7F}}, Tensor<float>{{2}, {0, 1}});  // rounding
    REQUIRE(error.value() == 0);
}
