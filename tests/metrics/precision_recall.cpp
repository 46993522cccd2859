// SPDX-License-Identifier: MIT
#include <espalier/metrics/precision_recall.hpp>

#include "metrics/testing.hpp"

using namespace espalier;
using losses::Target;
using metrics::Average;

namespace {

template <class T, template <class> class Metric>
void require_golden(const std::string& name, const std::string& results) {
    const auto& given = testing::golden()["classes"];
    const auto scores = testing::tensor<T>(given["scores"], {50, 6});
    Target<T> target{testing::tensor<Index>(given["labels"], {50})};
    if (results == "weighted")
        target = {target.labels(), {.mask = {}, .weight = testing::tensor<T>(given["weight"], {50})}};
    const auto& expected = given[results][name];
    for (const auto& [average, key] : {std::pair{Average::macro, "macro"}, {Average::micro, "micro"}, {Average::weighted, "weighted"}}) {
        CAPTURE(name, results, key);
        Metric<T> metric{{.average = average}};
        testing::update_in_batches(metric, scores, target);
        REQUIRE(metric.value() == Approx(expected[key].template get<double>()).epsilon(1e-12));
        REQUIRE(metric.count() == 50);
        const auto by_class = metric.by_class();
        for (Index c = 0; c < 6; ++c)
            REQUIRE(by_class[c] == Approx(expected["by_class"][static_cast<std::size_t>(c)].template get<double>()).epsilon(1e-12));
    }
}

}  // namespace

TEMPLATE_TEST_CASE("Precision, recall and F1 of classes are scikit-learn's, by class and averaged", "[metrics]", float, double) {
    for (const std::string results : {"plain", "weighted"}) {
        require_golden<TestType, metrics::Precision>("precision", results);
        require_golden<TestType, metrics::Recall>("recall", results);
        require_golden<TestType, metrics::F1Score>("f1", results);
    }
}

TEST_CASE("Metrics of classes leave out what is ignored or not labelled", "[metrics]") {
    metrics::Recall recall{{.ignore_index = 2}};
    const Tensor<float> scores{{4, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0}};
    recall.update(scores, Target<float>{Tensor<Index>{{4}, {0, 0, 2, 55}}, Tensor<bool>{{4}, {true, true, true, false}}});
    REQUIRE(recall.by_class() == Tensor<double>{{3}, {0.5, 0, 0}});
    REQUIRE(recall.count() == 2);
    REQUIRE(recall.value() == 0.25);  // class 2 was neither label nor prediction, class 1 was predicted
    recall.reset();
    REQUIRE(recall.by_class().numel() == 0);
    REQUIRE_THROWS_WITH(recall.value(), "[recall] expected labelled samples, got none");
    recall.update(Tensor<float>{{1, 2}}, Tensor<Index>{{1}});
    REQUIRE(recall.value() == 1);
}

TEST_CASE("Metrics of classes name what does not fit, and count nothing then", "[metrics]") {
    metrics::F1Score f1;
    f1.update(Tensor<float>{{1, 5}}, Tensor<Index>{{1}});
    REQUIRE_THROWS_AS(f1.update(Tensor<float>{{4, 3}}, Tensor<Index>{{4}}), ShapeError);
    REQUIRE_THROWS_WITH(f1.update(Tensor<float>{{4, 3}}, Tensor<Index>{{4}}),
                        "[f1_score] expected scores of 5 classes as before, got (4, 3)");
    REQUIRE_THROWS_AS(f1.update(Tensor<float>{{1, 5}}, Tensor<Index>{{1}, {-1}}), ValueError);
    REQUIRE_THROWS_WITH(metrics::Precision{}.update(Tensor<float>{{4}}, Tensor<Index>{{4}}),
                        "[precision] expected scores (N, ..., classes) of at least 1 classes, got (4,)");
    REQUIRE(f1.count() == 1);
}
