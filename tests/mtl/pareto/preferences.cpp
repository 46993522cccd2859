// SPDX-License-Identifier: MIT
#include <espalier/mtl/pareto/preferences.hpp>

#include <espalier/core/moments.hpp>

#include "nn/testing.hpp"

#include <cmath>
#include <vector>

using namespace espalier;
using mtl::draw_preference;
using mtl::with_preference;

TEST_CASE("preferences are drawn from a Dirichlet distribution", "[mtl][pareto]") {
    const std::vector<double> concentrations{0.2, 1.2, 3};
    const double total = 4.4;
    Random random{1};
    std::vector<Moments> moments(3);
    for (int i = 0; i < 20'000; ++i) {
        const auto preference = draw_preference(random, concentrations);
        REQUIRE(preference.size() == 3);
        CHECK(preference[0] + preference[1] + preference[2] == Approx(1));
        for (std::size_t k = 0; k < 3; ++k) {
            REQUIRE(preference[k] >= 0);
            moments[k].add(preference[k]);
        }
    }
    for (std::size_t k = 0; k < 3; ++k) {
        const double mean = concentrations[k] / total;
        CHECK(moments[k].mean() == Approx(mean).margin(0.005));
        CHECK(moments[k].sample_deviation() == Approx(std::sqrt(mean * (1 - mean) / (total + 1))).margin(0.005));
    }
    const std::vector<double> smallest(2, 0.01);
    for (int i = 0; i < 1000; ++i) {
        const auto preference = draw_preference(random, smallest);
        CHECK(preference[0] + preference[1] == Approx(1));
    }
    Random first{3}, second{3};
    CHECK(draw_preference(first, concentrations) == draw_preference(second, concentrations));
    CHECK_THROWS_WITH(draw_preference(random, std::vector<double>{}), "[draw_preference] expected at least one concentration, got none");
    CHECK_THROWS_WITH(draw_preference(random, std::vector<double>{1, 0}),
                      "[draw_preference] expected finite concentrations of at least 0.01, got 0");
    CHECK_THROWS_AS(draw_preference(random, std::vector<double>{INFINITY}), ValueError);
}

TEST_CASE("a preference is shown to a network as channels beside its input", "[mtl][pareto]") {
    const Tensor<float> table{{2, 3}, {1, 2, 3, 4, 5, 6}};
    CHECK(with_preference(table, std::vector<double>{0.25, 0.75}) == Tensor<float>{{2, 5}, {1, 2, 3, 0.25F, 0.75F, 4, 5, 6, 0.25F, 0.75F}});
    CHECK(with_preference(table, Tensor<double>{{2, 1}, {7, 8}}) == Tensor<float>{{2, 4}, {1, 2, 3, 7, 4, 5, 6, 8}});
    const Tensor<float> images{{2, 2, 1, 1}, {1, 2, 3, 4}};
    CHECK(with_preference(images, Tensor<double>{{2, 2}, {0, 1, 2, 3}}) ==
          Tensor<float>{{2, 2, 1, 3}, {1, 0, 1, 2, 0, 1, 3, 2, 3, 4, 2, 3}});
    const Variable<float> joined = with_preference(images, Tensor<double>{{2, 2}, {0, 1, 2, 3}});
    const auto [x, preference] = mtl::detail::split_preference("test", joined, 2);
    CHECK(x.value() == images);
    CHECK(preference.value() == Tensor<float>{{2, 2}, {0, 1, 2, 3}});
    CHECK(with_preference(Tensor<float>{Shape{0, 3}}, std::vector<double>{1}).shape() == Shape{0, 4});
}

TEST_CASE("what is no preference is refused", "[mtl][pareto]") {
    const Tensor<float> table{{2, 3}};
    CHECK_THROWS_WITH(with_preference(table, std::vector<double>{0, 0}), "[with_preference] expected a preference above 0, got none");
    CHECK_THROWS_WITH(with_preference(table, std::vector<double>{1, -1}),
                      "[with_preference] expected finite preferences of at least 0, got -1");
    CHECK_THROWS_AS(with_preference(table, std::vector<double>{NAN, 1}), ValueError);
    CHECK_THROWS_AS(with_preference(table, Tensor<double>{{2, 2}, {1, 1, 0, 0}}), ValueError);
    CHECK_THROWS_WITH(with_preference(table, std::vector<double>{}),
                      "[with_preference] expected inputs (N, ..., C) and a preference, got (2, 3) and 0 numbers");
    CHECK_THROWS_WITH(with_preference(table, Tensor<double>{{3, 2}}),
                      "[with_preference] expected inputs (N, ..., C) and preferences (N, T), got (2, 3) and (3, 2)");
    CHECK_THROWS_AS(with_preference(Tensor<float>{{2}}, std::vector<double>{1}), ShapeError);
    CHECK_THROWS_WITH(mtl::detail::split_preference("test", Variable<float>{table}, 3),
                      "[test] expected an input (N, ..., C) with a preference of 3 tasks behind its channels, got shape (2, 3)");
}
