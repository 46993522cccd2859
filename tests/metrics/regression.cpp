// SPDX-License-Identifier: MIT
#include <espalier/metrics/regression.hpp>

#include "catch.hpp"

#include <cmath>

using namespace espalier;
using losses::Target;

TEMPLATE_TEST_CASE("MAE and RMSE gather over batches of any size", "[metrics]", float, double) {
    metrics::MAE<TestType> mae;
    metrics::RMSE<TestType> rmse;
    const auto both = [&](const Tensor<TestType>& prediction, const Target<TestType>& target) {
        mae.update(prediction, target);
        rmse.update(prediction, target);
    };
    both(Tensor<TestType>{{2, 1}, {1, 5}}, Tensor<TestType>{{2, 1}, {2, 2}});
    both(Tensor<TestType>{{1, 1}, {4}}, Tensor<TestType>{{1, 1}, {2}});
    REQUIRE(mae.value() == 2);
    REQUIRE(rmse.value() == std::sqrt(14.0 / 3));
    REQUIRE(mae.count() == 3);
    mae.reset();
    rmse.reset();
    both(Tensor<TestType>{{1}, {4}}, Tensor<TestType>{{1}, {1}});
    REQUIRE(mae.value() == 3);
    REQUIRE(rmse.value() == 3);
    REQUIRE(rmse.count() == 1);
}

TEST_CASE("MAE and RMSE leave out unlabelled samples, whatever they hold", "[metrics]") {
    const auto nan = static_cast<float>(std::nan(""));
    const Tensor<float> prediction{{3, 2}, {1, 2, nan, nan, 3, 4}};
    const Target<float> target{Tensor<float>{{3, 2}}, Tensor<bool>{{3}, {true, false, true}}};
    metrics::MAE mae;
    mae.update(prediction, target);
    REQUIRE(mae.value() == 2.5);
    REQUIRE(mae.count() == 4);
    metrics::RMSE rmse;
    rmse.update(prediction, target);
    REQUIRE(rmse.value() == std::sqrt(7.5));
}

TEST_CASE("MAE and RMSE name what does not fit", "[metrics]") {
    metrics::MAE mae;
    metrics::RMSE rmse;
    const Tensor<float> prediction{{3, 1}};
    REQUIRE_THROWS_AS(mae.update(prediction, Tensor<float>{{3}}), ShapeError);
    REQUIRE_THROWS_WITH(mae.update(prediction, Tensor<float>{{3}}),
                        "[mae] expected values of the shape of the prediction (3, 1), got (3,): reshape them to (3, 1)");
    REQUIRE_THROWS_AS(rmse.update(prediction, Tensor<Index>{{3}}), StateError);
    REQUIRE_THROWS_WITH(rmse.update(prediction, Tensor<Index>{{3}}),
                        "[rmse] expected a target of values, got class indices of shape (3,): give values as a Tensor<float>");
    REQUIRE_THROWS_WITH(mae.value(), "[mae] expected labelled samples, got none");
    REQUIRE_THROWS_WITH(rmse.value(), "[rmse] expected labelled samples, got none");
}

TEST_CASE("MAE and RMSE weigh samples and mask elements", "[metrics]") {
    const auto nan = static_cast<float>(std::nan(""));
    const Tensor<float> prediction{{3, 2}, {1, nan, 2, 4, 3, nan}};
    const Target<float> target{
        Tensor<float>{{3, 2}, {0, 0, 0, 0, nan, nan}},
        {.mask = Tensor<bool>{{3, 2}, {true, false, true, true, true, true}}, .weight = Tensor<float>{{3}, {3, 0.5F, 0}}}};
    metrics::MAE mae;
    mae.update(prediction, target);
    REQUIRE(mae.value() == (3 * 1 + 0.5 * 2 + 0.5 * 4) / 4);
    REQUIRE(mae.count() == 3);
    metrics::RMSE rmse;
    rmse.update(prediction, target);
    REQUIRE(rmse.value() == std::sqrt((3 * 1 + 0.5 * 4 + 0.5 * 16) / 4));
}
