// SPDX-License-Identifier: MIT
#include <espalier/metrics.hpp>

#include "catch.hpp"

using namespace espalier;

namespace {
using Outputs = Named<Variable<float>>;
const Outputs outputs{{"class", Variable<float>{Tensor<float>{{2, 2}, {1, 0, 1, 0}}}},
                      {"value", Variable<float>{Tensor<float>{{2, 1}, {1, 5}}}}};
const losses::Targets<float> targets{{"value", Tensor<float>{{2, 1}, {2, 2}}}, {"class", Tensor<Index>{{2}, {0, 1}}}};
}  // namespace

TEST_CASE("Each task has its own metric", "[metrics]") {
    metrics::PerTask metrics{{"class", metrics::Accuracy{}}, {"value", metrics::MAE{}}};
    metrics.update(outputs, targets);
    metrics.update(outputs, targets);
    REQUIRE(metrics.value("class") == 0.5);
    REQUIRE(metrics.value("value") == 2);
    REQUIRE(metrics.count("value") == 4);
    const Named<double> values = metrics.value();
    REQUIRE(values.names() == "'class', 'value'");
    REQUIRE(values.at("value") == 2);
    metrics.reset();
    REQUIRE(metrics.count("class") == 0);
    REQUIRE_THROWS_AS(metrics.value(), StateError);
    REQUIRE_THROWS_WITH(metrics.value("speed"), "[named] expected one of 'class', 'value', got 'speed'");
}

TEST_CASE("Outputs and targets without a metric are left out", "[metrics]") {
    metrics::PerTask metrics{{"value", metrics::RMSE{}}};
    metrics.update(outputs, targets);
    REQUIRE(metrics.count("value") == 2);
    REQUIRE(metrics.metrics().size() == 1);
}

TEST_CASE("A missing task or a bad batch counts for no task", "[metrics]") {
    metrics::PerTask metrics{{"class", metrics::Accuracy{}}, {"value", metrics::MAE{}}};
    const Outputs one{{"class", outputs.at("class")}};
    REQUIRE_THROWS_AS(metrics.update(one, targets), StateError);
    REQUIRE_THROWS_WITH(metrics.update(one, targets), "[per_task] expected an output of task 'value', got those of 'class'");
    const losses::Targets<float> only_class{{"class", targets.at("class")}};
    REQUIRE_THROWS_WITH(metrics.update(outputs, only_class), "[per_task] expected a target of task 'value', got those of 'class'");
    const losses::Targets<float> misfit{{"class", targets.at("class")}, {"value", Tensor<float>{{2}}}};
    REQUIRE_THROWS_AS(metrics.update(outputs, misfit), ShapeError);
    REQUIRE(metrics.count("class") == 0);
    REQUIRE_THROWS_AS((metrics::PerTask{{"a", metrics::MAE{}}, {"a", metrics::MAE{}}}), StateError);
}

TEST_CASE("What predict gives is taken as it is", "[metrics]") {
    const Named<Tensor<float>> predicted{{"class", outputs.at("class").value()}, {"value", outputs.at("value").value()}};
    metrics::PerTask from_variables{{"class", metrics::Accuracy{}}, {"value", metrics::MAE{}}};
    metrics::PerTask from_tensors = from_variables;
    from_variables.update(outputs, targets);
    from_tensors.update(predicted, targets);
    from_tensors.update({{"class", predicted.at("class")}, {"value", outputs.at("value")}}, targets);
    REQUIRE(from_tensors.value("class") == from_variables.value("class"));
    REQUIRE(from_tensors.count("value") == 2 * from_variables.count("value"));
    const Named<Tensor<float>> one{{"class", predicted.at("class")}};
    REQUIRE_THROWS_WITH(from_tensors.update(one, targets), "[per_task] expected an output of task 'value', got those of 'class'");
}

TEST_CASE("The error of a metric names its task", "[metrics]") {
    metrics::PerTask metrics{{"class", metrics::Accuracy{}}, {"value", metrics::MAE{}}};
    const losses::Targets<float> misfit{{"class", Tensor<Index>{{2}, {0, 2}}}, {"value", Tensor<float>{{2}}}};
    REQUIRE_THROWS_AS(metrics.update(outputs, misfit), ValueError);
    REQUIRE_THROWS_WITH(metrics.update(outputs, misfit), "[accuracy] expected labels in [0, 2), got 2 at sample 1, for task 'class'");
    REQUIRE_THROWS_WITH(metrics.value("value"), "[mae] expected labelled samples, got none, for task 'value'");
    REQUIRE_THROWS_WITH(metrics.value(), "[accuracy] expected labelled samples, got none, for task 'class'");
}

namespace {

/// A metric without a check, which counts its copies and refuses a batch when it is told to.
struct Refusing {
    Index batches = 0;
    bool refuses = false;
    void update(const Tensor<float>&, const losses::Target<float>&) {
        ++batches;  // half done
        require<ValueError>(!refuses, "refusing", "expected nothing, got a batch");
    }
    [[nodiscard]] double value() const { return static_cast<double>(batches); }
    [[nodiscard]] Index count() const { return batches; }
    void reset() { batches = 0; }
};

/// A metric with a check; copying it is an error of the test.
struct NotCopied {
    Index batches = 0;
    bool* copied = nullptr;
    explicit NotCopied(bool* flag) : copied{flag} {}
    NotCopied(const NotCopied& other) : batches{other.batches}, copied{other.copied} { *copied = true; }
    NotCopied& operator=(const NotCopied&) = default;
    void check(const Tensor<float>& prediction, const losses::Target<float>&) const {
        require<ShapeError>(prediction.rank() > 0, "not_copied", "expected a batch axis, got ", prediction.shape());
    }
    void update(const Tensor<float>&, const losses::Target<float>&) { ++batches; }
    [[nodiscard]] double value() const { return static_cast<double>(batches); }
    [[nodiscard]] Index count() const { return batches; }
    void reset() { batches = 0; }
};

}  // namespace

TEST_CASE("One task's bad batch counts for no task, whether its metric can check or not", "[metrics]") {
    for (const bool last : {false, true}) {
        const std::pair<std::string, metrics::Metric<float>> refusing{"bad", Refusing{0, true}};
        metrics::PerTask metrics = last ? metrics::PerTask<float>{{"class", metrics::Accuracy{}}, {"user", Refusing{}}, refusing}
                                        : metrics::PerTask<float>{refusing, {"class", metrics::Accuracy{}}, {"user", Refusing{}}};
        const Named<Tensor<float>> predicted{
            {"class", outputs.at("class").value()}, {"user", Tensor<float>{{1}}}, {"bad", Tensor<float>{{1}}}};
        const losses::Targets<float> given{{"class", targets.at("class")}, {"user", Tensor<float>{{1}}}, {"bad", Tensor<float>{{1}}}};
        REQUIRE_THROWS_WITH(metrics.update(predicted, given), "[refusing] expected nothing, got a batch, for task 'bad'");
        for (const std::string task : {"class", "user", "bad"})
            REQUIRE(metrics.count(task) == 0);
    }
    metrics::PerTask metrics{{"user", Refusing{}}, {"value", metrics::MAE{}}};
    const losses::Targets<float> misfit{{"user", Tensor<float>{{1}}}, {"value", Tensor<float>{{2}}}};
    REQUIRE_THROWS_AS(metrics.update({{"user", Tensor<float>{{1}}}, {"value", Tensor<float>{{2, 1}}}}, misfit), ShapeError);
    REQUIRE(metrics.count("user") == 0);
}

TEST_CASE("A metric that can check is not copied for a batch", "[metrics]") {
    bool copied = false;
    metrics::PerTask metrics{{"a", NotCopied{&copied}}, {"b", Refusing{}}};
    copied = false;
    for (int i = 0; i < 3; ++i)
        metrics.update({{"a", Tensor<float>{{1}}}, {"b", Tensor<float>{{1}}}}, {{"a", Tensor<float>{{1}}}, {"b", Tensor<float>{{1}}}});
    REQUIRE_FALSE(copied);
    REQUIRE(metrics.count("a") == 3);
    REQUIRE(metrics.count("b") == 3);
    // All metrics of the library can.
    const auto x = Tensor<float>{{1, 1}};
    const losses::Target<float> values{Tensor<float>{{1, 1}}};
    const losses::Target<float> labels{Tensor<Index>{{1}}};
    for (const metrics::Metric<float>& metric :
         {metrics::Metric<float>{metrics::MAE{}}, metrics::Metric<float>{metrics::RMSE{}}, metrics::Metric<float>{metrics::AUROC{}},
          metrics::Metric<float>{metrics::BinaryAccuracy{}}, metrics::Metric<float>{metrics::BinaryPrecision{}},
          metrics::Metric<float>{metrics::BinaryRecall{}}, metrics::Metric<float>{metrics::BinaryF1Score{}}})
        REQUIRE(metric.check(x, values));
    for (const metrics::Metric<float>& metric :
         {metrics::Metric<float>{metrics::Accuracy{}}, metrics::Metric<float>{metrics::ConfusionMatrix{}},
          metrics::Metric<float>{metrics::Precision{}}, metrics::Metric<float>{metrics::Recall{}},
          metrics::Metric<float>{metrics::F1Score{}}})
        REQUIRE(metric.check(x, labels));
}

TEST_CASE("The metrics of a temporary are a value", "[metrics]") {
    const auto& kept = metrics::PerTask{{"value", metrics::MAE{}}}.metrics();
    REQUIRE(kept.names() == "'value'");
}
