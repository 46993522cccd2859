// SPDX-License-Identifier: MIT
#include <espalier/mtl/pareto.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace espalier;
using mtl::hypervolume;
using mtl::pareto_filter;
using mtl::spread;
using mtl::uniformity;

namespace {

/// Points with the coordinates 0 ... 4.
Tensor<double> grid_points(Index count, Index objectives, Random& random) {
    Tensor<double> points{{count, objectives}};
    for (double& coordinate : points)
        coordinate = static_cast<double>(random.below(5));
    return points;
}

/// Whether point i is as low as `at` in all objectives.
bool reaches(const Tensor<double>& points, Index i, const std::vector<double>& at) {
    for (std::size_t k = 0; k < at.size(); ++k)
        if (points.at(i, k) > at[k])
            return false;
    return true;
}

/// The hypervolume with the reference (5, 5, ...), by counting the cells of the grid that some point reaches.
double counted(const Tensor<double>& points) {
    std::vector<double> cell(static_cast<std::size_t>(points.size(1)), 0);
    double count = 0;
    for (;;) {
        bool reached = false;
        for (Index i = 0; i < points.size(0); ++i)
            reached = reached || reaches(points, i, cell);
        count += reached;
        std::size_t k = 0;
        while (k < cell.size() && ++cell[k] == 5)
            cell[k++] = 0;
        if (k == cell.size())
            return count;
    }
}

}  // namespace

TEST_CASE("hypervolume: what is dominated within the reference", "[mtl][pareto]") {
    const std::vector<double> two{2, 2};
    CHECK(hypervolume(Tensor<double>{{1, 2}, {0.5, 1}}, two) == 1.5);
    CHECK(hypervolume(Tensor<double>{{3, 2}, {0, 1, 1, 0, 0.5, 0.5}}, two) == 3.25);
    CHECK(hypervolume(Tensor<double>{{2, 2}, {0.5, 1, 0.5, 1}}, two) == 1.5);
    CHECK(hypervolume(Tensor<double>{{2, 2}, {0.5, 1, 0.75, 1.5}}, two) == 1.5);  // the second is dominated
    CHECK(hypervolume(Tensor<double>{{3, 2}, {2, 0, 3, -9, 0.5, 1}}, two) == 1.5);  // these reach the reference, and beyond
    CHECK(hypervolume(Tensor<double>{Shape{0, 2}}, two) == 0);
    CHECK(hypervolume(Tensor<double>{{2, 1}, {0.5, -1}}, std::vector<double>{2}) == 3);
    CHECK(hypervolume(Tensor<double>{{2, 3}, {0, 0, 1, 1, 1, 0}}, std::vector<double>{2, 2, 2}) == 5);
}

TEST_CASE("hypervolume is exact for any number of objectives", "[mtl][pareto]") {
    Random random{4};
    for (Index objectives = 1; objectives <= 5; ++objectives)
        for (const Index count : {1, 2, 5, 12}) {
            const auto points = grid_points(count, objectives, random);
            CAPTURE(objectives, count);
            CHECK(hypervolume(points, std::vector<double>(static_cast<std::size_t>(objectives), 5.0)) == counted(points));
        }
}

TEST_CASE("hypervolume of many points on a circle nears that of the disc", "[mtl][pareto]") {
    const Index count = 2000;
    Tensor<double> points{{count, 2}};
    for (Index i = 0; i < count; ++i) {
        const double angle = 1.5707963267948966 * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
        points[2 * i] = 1 - std::cos(angle);
        points[2 * i + 1] = 1 - std::sin(angle);
    }
    CHECK(hypervolume(points, std::vector<double>{1, 1}) == Approx(0.7853981634).margin(1e-3));
    CHECK(pareto_filter(points).size() == static_cast<std::size_t>(count));
}

TEST_CASE("pareto_filter keeps what nothing dominates, equal points among it", "[mtl][pareto]") {
    const Tensor<double> points{{6, 2}, {1, 3, 2, 2, 3, 1, 2, 3, 2, 2, 0, 9}};
    CHECK(pareto_filter(points) == std::vector<Index>{0, 1, 2, 4, 5});
    CHECK(points.gather(pareto_filter(points)).size(0) == 5);
    CHECK(pareto_filter(Tensor<double>{{3, 1}, {2, 1, 1}}) == std::vector<Index>{1, 2});
    CHECK(pareto_filter(Tensor<double>{Shape{0, 3}}).empty());

    Random random{7};
    for (const Index objectives : {2, 3, 4}) {
        const auto all = grid_points(30, objectives, random);
        const auto kept = pareto_filter(all);
        for (Index i = 0; i < 30; ++i) {
            bool dominated = false;
            for (Index j = 0; j < 30; ++j) {
                Index lower = 0;
                Index higher = 0;
                for (Index k = 0; k < objectives; ++k) {
                    lower += all.at(j, k) < all.at(i, k);
                    higher += all.at(j, k) > all.at(i, k);
                }
                dominated = dominated || (lower > 0 && higher == 0);
            }
            CHECK(std::binary_search(kept.begin(), kept.end(), i) == !dominated);
        }
        const std::vector<double> reference(static_cast<std::size_t>(objectives), 5.0);
        CHECK(hypervolume(all.gather(kept), reference) == hypervolume(all, reference));
    }
}

TEST_CASE("spread: the diagonal of the box around the points", "[mtl][pareto]") {
    CHECK(spread(Tensor<double>{{3, 2}, {1, 2, 4, 6, 2, 3}}) == 5);
    CHECK(spread(Tensor<double>{{2, 3}, {0, 0, 0, 2, 1, -2}}) == 3);
    CHECK(spread(Tensor<double>{{1, 2}, {1, 2}}) == 0);
    CHECK(spread(Tensor<double>{Shape{0, 2}}) == 0);
}

TEST_CASE("uniformity: 1 on the rays of the preferences, less beside them", "[mtl][pareto]") {
    const Tensor<double> on_rays{{2, 2}, {0.3, 0.2, 1, 4}}, preferences{{2, 2}, {0.4, 0.6, 0.8, 0.2}};
    CHECK(uniformity(on_rays, preferences) == Approx(1));
    // Shares 1/4 and 3/4.
    const double quarter = 0.25 * std::log(0.5) + 0.75 * std::log(1.5);
    CHECK(uniformity(Tensor<double>{{1, 2}, {1, 3}}, Tensor<double>{{1, 2}, {0.5, 0.5}}) == Approx(1 - quarter));
    CHECK(uniformity(Tensor<double>{{2, 2}, {1, 3, 0, 0}}, Tensor<double>{{2, 2}, {1, 1, 1, 1}}) == Approx(1 - quarter / 2));
    CHECK(uniformity(Tensor<double>{{1, 3}, {1, 2, 3}}, Tensor<double>{{1, 3}, {0, 0, 7}}) == Approx(1 - std::log(3)));
    CHECK_THROWS_WITH(uniformity(on_rays, Tensor<double>{{1, 2}}),
                      "[uniformity] expected a preference for each of the points (2, 2), got (1, 2)");
    CHECK_THROWS_WITH(uniformity(Tensor<double>{{1, 2}, {1, -3}}, Tensor<double>{{1, 2}}),
                      "[uniformity] expected losses and preferences of at least 0, got -3");
    CHECK_THROWS_AS(uniformity(Tensor<double>{Shape{0, 2}}, Tensor<double>{Shape{0, 2}}), ShapeError);
    CHECK_THROWS_AS(uniformity(Tensor<double>{{1, 2}}, Tensor<double>{{1, 2}, {1, NAN}}), ValueError);
}

TEST_CASE("what are no points is refused", "[mtl][pareto]") {
    CHECK_THROWS_WITH(pareto_filter(Tensor<double>{{3}}), "[pareto_filter] expected points (N, objectives), got (3,)");
    CHECK_THROWS_AS(pareto_filter(Tensor<double>{Shape{3, 0}}), ShapeError);
    CHECK_THROWS_AS(spread(Tensor<double>{{2, 1}, {0, INFINITY}}), ValueError);
    CHECK_THROWS_WITH(hypervolume(Tensor<double>{{1, 2}}, std::vector<double>{1}),
                      "[hypervolume] expected a reference of 2 objectives, got 1");
    CHECK_THROWS_AS(hypervolume(Tensor<double>{{1, 1}, {NAN}}, std::vector<double>{1}), ValueError);
    CHECK_THROWS_AS(hypervolume(Tensor<double>{{1, 1}}, std::vector<double>{INFINITY}), ValueError);
}
