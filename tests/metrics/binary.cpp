// SPDX-License-Identifier: MIT
#include <espalier/metrics/binary.hpp>

#include "metrics/testing.hpp"

#include <cmath>

using namespace espalier;
using losses::Target;

namespace {

template <class Scalar>
struct All {
    metrics::BinaryAccuracy<Scalar> accuracy;
    metrics::BinaryPrecision<Scalar> precision;
    metrics::BinaryRecall<Scalar> recall;
    metrics::BinaryF1Score<Scalar> f1;

    explicit All(const metrics::BinaryOptions& options = {}) : accuracy{options}, precision{options}, recall{options}, f1{options} {}
    void update(const Tensor<Scalar>& prediction, const Target<Scalar>& target) {
        accuracy.update(prediction, target);
        precision.update(prediction, target);
        recall.update(prediction, target);
        f1.update(prediction, target);
    }
    std::vector<double> values() const { return {accuracy.value(), precision.value(), recall.value(), f1.value()}; }
};

template <class Scalar>
void require_golden(const Tensor<Scalar>& prediction, const Target<Scalar>& target, const std::string& results) {
    All<Scalar> all;
    testing::update_in_batches(all, prediction, target);
    const auto& expected = testing::golden()["binary"][results];
    REQUIRE(all.accuracy.value() == Approx(expected["accuracy"].get<double>()).epsilon(1e-12));
    REQUIRE(all.precision.value() == Approx(expected["precision"].get<double>()).epsilon(1e-12));
    REQUIRE(all.recall.value() == Approx(expected["recall"].get<double>()).epsilon(1e-12));
    REQUIRE(all.f1.value() == Approx(expected["f1"].get<double>()).epsilon(1e-12));
}

}  // namespace

TEMPLATE_TEST_CASE("Binary metrics are scikit-learn's, for values and for labels, with weights and without", "[metrics]", float, double) {
    using T = TestType;
    const auto& given = testing::golden()["binary"];
    const auto scores = testing::tensor<T>(given["scores"], {60});
    const auto values = testing::tensor<T>(given["truth"], {60});
    const auto labels = testing::tensor<Index>(given["truth"], {60});
    const auto weight = testing::tensor<T>(given["weight"], {60});
    require_golden<T>(scores, values, "plain");
    require_golden<T>(scores, labels, "plain");
    require_golden<T>(scores.reshape({60, 1}), values.reshape({60, 1}), "plain");
    require_golden<T>(scores.reshape({60, 1}), labels, "plain");
    require_golden<T>(scores.reshape({60, 1}), labels.reshape({60, 1}), "plain");
    require_golden<T>(scores, {values, {.mask = {}, .weight = weight}}, "weighted");
    require_golden<T>(scores.reshape({60, 1}), {labels, {.mask = {}, .weight = weight}}, "weighted");
}

TEST_CASE("A prediction above the threshold says 1", "[metrics]") {
    const Tensor<float> probabilities{{4}, {0.2F, 0.5F, 0.6F, 0.9F}};
    const Tensor<float> values{{4}, {0, 1, 1, 1}};
    All<float> half{{.threshold = 0.5}};
    half.update(probabilities, values);
    REQUIRE(half.values() == std::vector<double>{0.75, 1, 2.0 / 3, 0.8});
    All<float> zero;
    zero.update(probabilities, values);
    REQUIRE(zero.values() == std::vector<double>{0.75, 0.75, 1, 6.0 / 7});
    REQUIRE_THROWS_WITH(metrics::BinaryRecall{{.threshold = std::nan("")}}, "[binary_recall] expected a number as threshold, got nan");
}

TEST_CASE("Binary metrics are 0 where there is nothing to divide by, and NaN is wrong", "[metrics]") {
    All<float> nothing_true;
    nothing_true.update(Tensor<float>{{2}, {-1, -2}}, Tensor<float>{{2}});
    REQUIRE(nothing_true.values() == std::vector<double>{1, 0, 0, 0});
    const auto nan = std::nanf("");
    All<float> not_a_number;
    not_a_number.update(Tensor<float>{{3}, {nan, nan, 1}}, Tensor<float>{{3}, {0, 1, 1}});
    REQUIRE(not_a_number.values() == std::vector<double>{1.0 / 3, 0.5, 0.5, 0.5});
}

TEST_CASE("Binary metrics leave out what is not labelled, and start again after a reset", "[metrics]") {
    All<float> all;
    const Tensor<float> prediction{{2, 2}, {1, -1, std::nanf(""), 1}};
    all.update(prediction, Target<float>{Tensor<float>{{2, 2}, {1, 1, 7, 0}}, Tensor<bool>{{2, 2}, {true, true, false, true}}});
    REQUIRE(all.accuracy.count() == 3);
    REQUIRE(all.values() == std::vector<double>{1.0 / 3, 0.5, 0.5, 0.5});
    all.accuracy.reset();
    REQUIRE(all.accuracy.count() == 0);
    all.accuracy.update(Tensor<float>{{0, 1}}, Tensor<float>{{0, 1}});
    REQUIRE_THROWS_AS(all.accuracy.value(), StateError);
    REQUIRE_THROWS_WITH(all.accuracy.value(), "[binary_accuracy] expected labelled samples, got none");
}

TEST_CASE("Binary metrics name what does not fit, and count nothing then", "[metrics]") {
    metrics::BinaryF1Score f1;
    const Tensor<float> x{{4, 1}};
    REQUIRE_THROWS_AS(f1.update(x, Tensor<float>{{4}}), ShapeError);
    REQUIRE_THROWS_WITH(f1.update(x, Tensor<float>{{4}}),
                        "[binary_f1_score] expected values of the shape of the prediction (4, 1), got (4,): reshape them to (4, 1)");
    REQUIRE_THROWS_WITH(f1.update(x, Tensor<float>{{4, 1}, {1, 0.5F, 1, 1}}),
                        "[binary_f1_score] expected values 0 and 1, got 0.5 at sample 1");
    REQUIRE_THROWS_AS(f1.update(x, Tensor<Index>{{4}, {0, 1, 0, 2}}), ValueError);
    REQUIRE_THROWS_WITH(f1.update(x, Tensor<Index>{{4}, {0, 1, 0, 2}}), "[binary_f1_score] expected labels 0 and 1, got 2 at sample 3");
    REQUIRE_THROWS_WITH(f1.update(Tensor<float>{{4, 2}}, Tensor<Index>{{4}}),
                        "[binary_f1_score] expected a label for each prediction (4, 2), got (4,): for scores of several classes take the "
                        "metrics of classes");
    REQUIRE_THROWS_WITH(f1.update(x, Tensor<Index>{{3}}),
                        "[binary_f1_score] expected a label for each prediction (4, 1), got (3,): for scores of several classes take the "
                        "metrics of classes");
    REQUIRE(f1.count() == 0);
}
