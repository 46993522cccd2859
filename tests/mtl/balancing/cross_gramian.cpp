// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/mtl/balancing/cross_gramian.hpp>

using namespace espalier;
using mtl::CrossGramian;
using mtl::Weights;

TEST_CASE("a product of two batches is read by rows of the first", "[mtl]") {
    const CrossGramian products{{1, 2}, {3, -4}};
    CHECK(products.size() == 2);
    CHECK(products(0, 1) == 2);
    CHECK(products(1, 0) == 3);
    CHECK(products.matrix()(1, 1) == -4);
    CHECK(products.losses().size() == 2);
    CHECK(products.context().task_count == 2);
}

TEST_CASE("a rule of two batches is no weighting of one", "[mtl]") {
    const auto crossed = [](const CrossGramian& products) { return Weights(products.size(), 1.0); };
    const auto plain = [](const mtl::Gramian& gramian) { return Weights(gramian.size(), 1.0); };
    STATIC_REQUIRE(mtl::CrossWeighting<decltype(crossed)>);
    STATIC_REQUIRE(!mtl::Weighting<decltype(crossed)>);
    STATIC_REQUIRE(!mtl::CrossWeighting<decltype(plain)>);
}
