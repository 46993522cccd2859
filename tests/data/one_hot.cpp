// SPDX-License-Identifier: MIT
#include <espalier/data/one_hot.hpp>

#include "catch.hpp"

#include <cstdint>
#include <limits>

using namespace espalier;

TEST_CASE("a label is the place of the only 1", "[data][one_hot]") {
    CHECK(data::one_hot(Tensor<Index>{{3}, {2, 0, 1}}, 3) == Tensor<float>{{3, 3}, {0, 0, 1, 1, 0, 0, 0, 1, 0}});
    CHECK(data::one_hot<double>(Tensor<Index>{{2, 2}, {0, 1, 1, 1}}, 2) == Tensor<double>{{2, 2, 2}, {1, 0, 0, 1, 0, 1, 0, 1}});
    CHECK(data::one_hot<std::uint8_t>(Tensor<Index>{{1}, {0}}, 1) == Tensor<std::uint8_t>{{1, 1}, {1}});
    CHECK(data::one_hot(Tensor<Index>::scalar(1), 2) == Tensor<float>{{2}, {0, 1}});
    CHECK(data::one_hot(Tensor<Index>{}, 4).shape() == Shape{0, 4});
    CHECK(data::one_hot(Tensor<Index>{Shape{3, 0}}, 4).shape() == Shape{3, 0, 4});
}

TEST_CASE("labels that are no class are refused", "[data][one_hot]") {
    CHECK_THROWS_WITH(data::one_hot(Tensor<Index>{{2}, {0, 3}}, 3), "[one_hot] expected labels in [0, 3), got 3 at element 1");
    CHECK_THROWS_AS(data::one_hot(Tensor<Index>{{1}, {-1}}, 3), ValueError);
    CHECK_THROWS_AS(data::one_hot(Tensor<Index>{{1}, {std::numeric_limits<Index>::max()}}, 3), ValueError);
    CHECK_THROWS_WITH(data::one_hot(Tensor<Index>{}, 0), ContainsSubstring("expected at least one class, got 0"));
    CHECK_THROWS_AS(data::one_hot(Tensor<Index>{Shape{2}}, std::numeric_limits<Index>::max()), ShapeError);
    CHECK_THROWS_AS(data::one_hot(Tensor<Index>{Shape{1, 1, 1, 1, 1, 1, 1, 1}}, 2), ShapeError);
}
