// SPDX-License-Identifier: MIT
#include <espalier/mtl/comparison.hpp>

#include "catch.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using mtl::delta_m_drop;
using mtl::delta_m_improvement;
using mtl::MetricResult;

namespace {

/// A row of the tables of NYUv2 in the papers of Nash-MTL and FAMO, beside the single-task row of both.
std::vector<MetricResult> nyu(const std::vector<double>& row) {
    const double single[] = {38.30, 63.76, 0.6754, 0.2780, 25.01, 19.21, 30.14, 57.20, 69.15};
    const bool higher[] = {true, true, false, false, false, false, true, true, true};
    std::vector<MetricResult> result;
    for (std::size_t k = 0; k < row.size(); ++k)
        result.push_back({row[k], single[k], higher[k]});
    return result;
}

}  // namespace

TEST_CASE("delta_m agrees with the published tables", "[mtl][comparison]") {
    CHECK(delta_m_drop(nyu({39.29, 65.33, 0.5493, 0.2263, 28.15, 23.96, 22.09, 47.50, 61.08})) == Approx(5.59).margin(0.01));
    CHECK(delta_m_drop(nyu({40.13, 65.93, 0.5261, 0.2171, 25.26, 20.08, 28.40, 55.47, 68.15})) == Approx(-4.04).margin(0.01));
    const auto famo = nyu({38.88, 64.90, 0.5474, 0.2194, 25.06, 19.57, 29.21, 56.61, 68.98});
    CHECK(delta_m_drop(famo) == Approx(-4.10).margin(0.01));
    CHECK(delta_m_improvement(famo) == -delta_m_drop(famo));
}

TEST_CASE("delta_m: both signs, weights of the metrics, baselines below 0", "[mtl][comparison]") {
    const std::vector<MetricResult> one{{0.9, 0.8, true}};
    CHECK(delta_m_improvement(one) == Approx(12.5));
    CHECK(delta_m_drop(one) == Approx(-12.5));
    const std::vector<MetricResult> mixed{{0.9, 0.8, true}, {3, 2, false}};
    CHECK(delta_m_drop(mixed) == Approx((-12.5 + 50) / 2));
    const std::vector<MetricResult> tasks{{0.9, 0.8, true, 0.5}, {0.8, 0.8, true, 0.5}, {3, 2, false}};
    CHECK(delta_m_drop(tasks) == Approx((-12.5 / 2 + 50) / 2));
    const std::vector<MetricResult> likelihoods{{-1, -2, true}};
    CHECK(delta_m_improvement(likelihoods) == Approx(50));

    CHECK_THROWS_WITH(delta_m_drop({}), "[delta_m] expected at least one metric, got none");
    CHECK_THROWS_WITH(delta_m_drop(std::vector<MetricResult>{{1, 1}, {1, 0}}),
                      "[delta_m] expected finite metrics with baselines other than 0, got 1 with 0 at 1");
    CHECK_THROWS_AS(delta_m_improvement(std::vector<MetricResult>{{NAN, 1}}), ValueError);
    CHECK_THROWS_AS(delta_m_drop(std::vector<MetricResult>{{1, 1, true, 0}}), ValueError);
}

TEST_CASE("mean_rank: 1 is the best, equals share", "[mtl][comparison]") {
    const Tensor<double> results{{3, 2}, {0.9, 5, 0.8, 2, 0.7, 3}};  // accuracy, error
    CHECK(mtl::mean_rank(results, {true, false}) == std::vector<double>{2, 1.5, 2.5});
    const Tensor<double> equals{{4, 1}, {1, 2, 2, 3}};
    CHECK(mtl::mean_rank(equals, {false}) == std::vector<double>{1, 2.5, 2.5, 4});
    CHECK(mtl::mean_rank(equals, {true}) == std::vector<double>{4, 2.5, 2.5, 1});
    CHECK(mtl::mean_rank(Tensor<double>{{1, 2}}, {true, false}) == std::vector<double>{1});
    CHECK_THROWS_WITH(mtl::mean_rank(results, {true}), "[mean_rank] expected results (methods, 1) for as many flags, got (3, 2)");
    CHECK_THROWS_AS(mtl::mean_rank(Tensor<double>{Shape{3, 0}}, {}), ShapeError);
    CHECK_THROWS_AS(mtl::mean_rank(Tensor<double>{{1, 1}, {NAN}}, {true}), ValueError);
}
