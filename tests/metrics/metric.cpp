// SPDX-License-Identifier: MIT
#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/metric.hpp>
#include <espalier/metrics/regression.hpp>

#include "catch.hpp"

#include <type_traits>

using namespace espalier;
using metrics::Metric;

namespace {

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
    STATIC_REQUIRE(std::is_convertible_v<metrics::RMSE<double>, Metric<double>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<metrics::RMSE<double>, Metric<float>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<int, Metric<float>>);
}
