// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/related_towers.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using testing::same_bits;
using Parents = std::vector<std::vector<std::size_t>>;

TEST_CASE("towers without relations are separate networks", "[mtl][sharing]") {
    const auto towers = ways::networks<float>(2, true);
    mtl::RelatedTowers related{towers, {nn::Identity{}, nn::Identity{}}, Parents(2)};
    const auto x = ways::input<float>(true);
    const auto a = related(x), b = mtl::Separate{towers}(x);
    for (std::size_t i = 0; i < 2; ++i)
        CHECK(same_bits(a[i].value(), b[i].value()));
}

TEST_CASE("a task reads those that it depends on, and they those that they depend on", "[mtl][sharing]") {
    auto towers = ways::networks<float>(4, false);
    mtl::RelatedTowers related{towers, std::vector<nn::Layer<>>(4, nn::Identity{}), {{}, {0}, {1}, {2, 0}}};
    const auto x = ways::input<float>(false);
    const auto features = related(x);
    std::vector<Variable<float>> of_towers;
    for (auto& tower : towers)
        of_towers.push_back(tower(x));
    const auto side_by_side = [&](std::vector<std::size_t> order) {
        std::vector<Variable<float>> parts;
        for (const std::size_t i : order)
            parts.push_back(of_towers[i]);
        return autograd::cat(parts, -1).value();
    };
    CHECK(same_bits(features[0].value(), side_by_side({0})));
    CHECK(same_bits(features[1].value(), side_by_side({1, 0})));
    CHECK(same_bits(features[2].value(), side_by_side({2, 1, 0})));
    CHECK(same_bits(features[3].value(), side_by_side({3, 2, 1, 0, 0})));
}

TEST_CASE("relations that do not fit are refused", "[mtl][sharing]") {
    const auto towers = ways::networks<float>(2, false);
    const auto relations = ways::linears<float>(2);
    CHECK_THROWS_WITH((mtl::RelatedTowers{towers, relations, Parents(3)}),
                      "[RelatedTowers] expected a tower, a relation layer and parents for each task, got 2, 2 and 3");
    CHECK_THROWS_WITH((mtl::RelatedTowers<>{{}, {}, {}}),
                      "[RelatedTowers] expected a tower, a relation layer and parents for each task, got 0, 0 and 0");
    for (const std::size_t parent : {0U, 1U})  // itself, or a circle
        CHECK_THROWS_WITH((mtl::RelatedTowers{towers, relations, Parents{{parent}, {}}}),
                          "[RelatedTowers] expected parents of task 0 among the tasks before it, got " + std::to_string(parent));
    mtl::RelatedTowers narrow{towers, relations, Parents{{}, {0}}};
    CHECK_THROWS_WITH(narrow(ways::input<float>(false)), "[linear] expected 4 input features, got input (3, 8), in relation 1");
}
