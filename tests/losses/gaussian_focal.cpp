// SPDX-License-Identifier: MIT
#include <espalier/losses/gaussian_focal.hpp>

#include "losses/testing.hpp"

using namespace espalier;
using losses::GaussianFocal;
using losses::Target;

TEST_CASE("the focal loss of heat maps counts places and what is far from them", "[losses]") {
    const Tensor<double> x{{4}, {0, 0, 1, -1}}, y{{4}, {1, 0, 0.5, 1}};
    const auto p = [](double logit) { return 1 / (1 + std::exp(-logit)); };
    const double a = 0.25 * std::log(2.0), c = std::pow(0.5, 4) * p(1) * p(1) * -std::log(1 - p(1)), d = p(1) * p(1) * -std::log(p(-1));
    const losses::Loss<double> mean = GaussianFocal<double>{}, none = GaussianFocal<double>{{.reduction = losses::Reduction::none}};
    testing::require_loss(none, x, y, {a, a, c, d}, {});
    testing::require_loss(mean, x, y, {(2 * a + c + d) / 2}, {});  // two places
    testing::require_loss(mean, x, Tensor<double>{Shape{4}},
                          {2 * a + (p(1) * p(1) * -std::log(1 - p(1))) + p(-1) * p(-1) * -std::log(1 - p(-1))}, {});
    testing::require_gradients(mean, x, y);
    testing::require_gradients(none, x, y);
    testing::require_masked(none, x, y);
}

TEST_CASE("beyond the clamped sigmoid the slope is 0, and no logit overflows", "[losses]") {
    const Variable<float> x{Tensor<float>{{4}, {-10, 10, -1e30F, 1e30F}}, true};
    const auto y = losses::gaussian_focal_loss(x, Tensor<float>{{4}, {1, 0, 1, 0}});
    CHECK(std::isfinite(y.item()));
    y.backward();
    CHECK(x.grad() == Tensor<float>{Shape{4}});
}

TEMPLATE_TEST_CASE("weights are relative to the largest, and the places are weighted", "[losses]", float, double) {
    using T = TestType;
    const Tensor<T> x{{2, 2}, {1, -2, 0, 3}}, y{{2, 2}, {1, T(0.2), 1, 1}};
    const auto of = [&](T a, T b) {
        return static_cast<double>(losses::gaussian_focal_loss(x, Target<T>{y, {.mask = {}, .weight = Tensor<T>{{2}, {a, b}}}}).item());
    };
    CHECK(of(2, 2) == static_cast<double>(losses::gaussian_focal_loss(x, y).item()));
    CHECK(of(1, 4) == of(2, 8));
    const double first = of(1, 0), second = of(0, 1);
    CHECK(of(1, 4) == Approx((first / 4 + 2 * second) / 2.25).epsilon(1e-6));
}

TEST_CASE("values that no heat map has, and bad options, are refused", "[losses]") {
    const Tensor<float> x{Shape{2, 2}};
    const Tensor<float> y{{2, 2}, {0, 1, -0.5F, 1}};
    CHECK_THROWS_WITH(losses::gaussian_focal_loss(x, y), "[gaussian_focal_loss] expected values in [0, 1], got -0.5 at sample 1");
    CHECK_NOTHROW(losses::gaussian_focal_loss(x, Target<float>{y, Tensor<bool>{{2}, {true, false}}}));
    CHECK_THROWS_AS(losses::gaussian_focal_loss(x, Tensor<float>::full({2, 2}, std::nanf(""))), ValueError);
    CHECK_THROWS_WITH((GaussianFocal{{.alpha = -1}}), "[gaussian_focal_loss] expected a finite alpha and beta of at least 0, got -1 and 4");
    CHECK_THROWS_AS((GaussianFocal{{.beta = INFINITY}}), ValueError);
}
