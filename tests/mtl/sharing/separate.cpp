// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/separate.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

using namespace espalier;
using testing::same_bits;

TEST_CASE("separate networks are networks of one task side by side", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(2, true);
    const nn::Linear<> a{4, 1}, b{4, 2};
    mtl::MultiTaskNet both{mtl::Separate{networks}, {{"a", a}, {"b", b}}};
    mtl::MultiTaskNet first{networks[0], {{"a", a}}}, second{networks[1], {{"b", b}}};
    const auto x = ways::input<float>(true);
    CHECK(same_bits(both(x).at("a").value(), first(x).at("a").value()));
    CHECK(same_bits(both(x).at("b").value(), second(x).at("b").value()));
    CHECK_THROWS_WITH(mtl::Separate<>{std::vector<nn::Layer<>>{}}, "[Separate] expected a network for each task, got none");
}

TEST_CASE("networks that are repeated begin with values of their own", "[mtl][sharing]") {
    auto layers = mtl::repeat(2, [] { return nn::Linear{3, 4}; });
    REQUIRE(layers.size() == 2);
    CHECK_FALSE(layers[0].parameters()[0].value() == layers[1].parameters()[0].value());
    CHECK(mtl::repeat(0, [] { return nn::Linear{3, 4}; }).empty());
}
