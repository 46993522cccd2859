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
