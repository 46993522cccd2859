// SPDX-License-Identifier: MIT
#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/confusion_matrix.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/per_task.hpp>
#include <espalier/metrics/regression.hpp>

#include "catch.hpp"

#include <cmath>
#include <type_traits>

using namespace espalier;
using metrics::Metric;

namespace {

/// That of the documentation.
class Within {
public:
    void update(const Tensor<float>& prediction, const losses::Target<float>& target) {
        for (Index i = 0; i < prediction.numel(); ++i)
            if (target.counts(i)) {
                within_ += std::abs(prediction[i] - target.values()[i]) <= 0.1F * std::abs(target.values()[i]);
                ++count_;
            }
    }
    [[nodiscard]] double value() const { return static_cast<double>(within_) / static_cast<double>(count_); }
    [[nodiscard]] Index count() const { return count_; }
    void reset() { within_ = count_ = 0; }

private:
    Index within_ = 0;
    Index count_ = 0;
};

/// A user's own: how many batches there were.
struct Batches {
    Index batches = 0;
    void update(const Tensor<float>&, const losses::Target<float>&) { ++batches; }
    [[nodiscard]] double value() const { return static_cast<double>(batches); }
    [[nodiscard]] Index count() const { return batches; }
    void reset() { batches = 0; }
};

}  // namespace

TEST_CASE("A metric of any kind is a value", "[metrics]") {
    Metric<float> metric = metrics::Accuracy{};
    metric.update(Tensor<float>{{1, 2}, {1, 0}}, Tensor<Index>{{1}, {0}});
    Metric<float> copy = metric;
    copy.update(Tensor<float>{{1, 2}, {1, 0}}, Tensor<Index>{{1}, {1}});
    REQUIRE(metric.value() == 1);
    REQUIRE(metric.count() == 1);
    REQUIRE(copy.value() == 0.5);
    copy = metrics::MAE{};
    copy.update(Tensor<float>{{1}, {3}}, Tensor<float>{{1}, {1}});
    REQUIRE(copy.value() == 2);
    copy.reset();
    REQUIRE_THROWS_AS(copy.value(), StateError);
    metric = Batches{};
    metric.update({}, {});
    REQUIRE(metric.value() == 1);
}

TEST_CASE("Only metrics of the same scalar convert", "[metrics]") {
    STATIC_REQUIRE(metrics::MetricOf<metrics::RMSE<double>, double>);
    STATIC_REQUIRE_FALSE(metrics::MetricOf<metrics::RMSE<double>, float>);  // does not compile, and says why: refused_metric
    STATIC_REQUIRE_FALSE(metrics::MetricOf<Metric<float>, float>);
    STATIC_REQUIRE(std::is_convertible_v<metrics::RMSE<double>, Metric<double>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<int, Metric<float>>);
}

TEST_CASE("A metric is read as what it is", "[metrics]") {
    Metric<float> metric = metrics::ConfusionMatrix{};
    metric.update(Tensor<float>{{1, 2}, {1, 0}}, Tensor<Index>{{1}, {1}});
    REQUIRE(metric.as<metrics::ConfusionMatrix<>>().matrix().at(1, 0) == 1);
    REQUIRE_THROWS_AS(metric.as<metrics::MAE<>>(), StateError);
    REQUIRE_THROWS_WITH(metric.as<metrics::MAE<>>(), "[metric] expected a metric of the type that was asked for, got another");
    const auto& matrix = Metric<float>{metric}.as<metrics::ConfusionMatrix<>>().matrix();  // values all the way
    REQUIRE(matrix.at(1, 0) == 1);
}

TEST_CASE("The metric of the documentation works", "[metrics]") {
    metrics::PerTask metrics{{"class", metrics::Accuracy{}}, {"price", Within{}}};
    metrics.update({{"class", Tensor<float>{{2, 2}, {1, 0, 1, 0}}}, {"price", Tensor<float>{{2, 1}, {1.05F, 3}}}},
                   {{"class", Tensor<Index>{{2}, {0, 1}}}, {"price", {Tensor<float>{{2, 1}, {1, 2}}, Tensor<bool>{{2}, {true, true}}}}});
    REQUIRE(metrics.value("price") == 0.5);
    REQUIRE(metrics.count("price") == 2);
}
