// SPDX-License-Identifier: MIT
#include <espalier/losses/target.hpp>

#include "catch.hpp"

#include <vector>

using namespace espalier;
using losses::Target;

TEST_CASE("A target holds class indices or values", "[losses]") {
    const Target<float> labels{Tensor<Index>{{3}, {1, 2, 0}}};
    REQUIRE(labels.has_labels());
    REQUIRE(labels.labels() == Tensor<Index>{{3}, {1, 2, 0}});
    REQUIRE(labels.size() == 3);
    REQUIRE(labels.mask() == nullptr);
    REQUIRE(labels.labelled_count() == 3);
    REQUIRE_THROWS_AS(labels.values(), StateError);
    REQUIRE_THROWS_WITH(labels.values(), "[target] expected values, got class indices of shape (3,)");
    const Target<float> values{Tensor<float>{{2, 1}, {0.5F, 1}}};
    REQUIRE_FALSE(values.has_labels());
    REQUIRE(values.values().size(0) == 2);
    REQUIRE_THROWS_WITH(values.labels(), "[target] expected class indices, got values of shape (2, 1)");
    REQUIRE(Target<float>{}.size() == 0);
}

TEST_CASE("A mask says which samples are labelled, and goes along when samples are gathered", "[losses]") {
    const Target<float> target{Tensor<Index>{{3}, {1, 2, 0}}, Tensor<bool>{{3}, {true, false, true}}};
    REQUIRE(target.labelled_count() == 2);
    REQUIRE_FALSE(target.labelled(1));
    const auto part = target.gather(std::vector<Index>{1, 2});
    REQUIRE(part.labels() == Tensor<Index>{{2}, {2, 0}});
    REQUIRE_FALSE(part.labelled(0));
    REQUIRE(part.labelled(1));
    REQUIRE_THROWS_AS(target.gather(std::vector<Index>{3}), ValueError);
}

TEST_CASE("A target refuses labels without a batch axis and masks of another shape", "[losses]") {
    REQUIRE_THROWS_WITH(Target<float>{Tensor<float>::scalar(1)}, "[target] expected a batch axis, got shape ()");
    REQUIRE_THROWS_AS((Target<float>{Tensor<Index>{{3}}, Tensor<bool>{{2}}}), ShapeError);
    REQUIRE_THROWS_WITH((Target<float>{Tensor<Index>{{3}}, Tensor<bool>{{2}}}),
                        "[target] expected a mask of shape (3,), got (2,)");
}
