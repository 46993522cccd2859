// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/stem.hpp>

#include <espalier/nn/embedding.hpp>
#include <espalier/nn/reshape.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <limits>

using namespace espalier;
using testing::same_bits;
using Layers = std::vector<nn::Layer<>>;

namespace {

/// Rows of a table for two indices, side by side.
nn::Sequential<> table() { return {nn::Embedding{5, 2}, nn::Flatten{}}; }
Layers tables(std::size_t tasks) { return mtl::repeat(tasks + 1, table); }
Layers linear(std::size_t count, Index out) {
    return mtl::repeat(count, [=] { return nn::Linear{4, out}; });
}

}  // namespace

TEST_CASE("a task reads the experts of others and trains its own tables and the shared ones", "[mtl][sharing]") {
    manual_seed(1);
    mtl::STEM<> stem{tables(2), {{.own = {linear(1, 3), linear(2, 3)}, .shared = linear(1, 3), .gates = linear(2, 4)}}};
    const auto features = stem(Tensor<float>{{2, 2}, {0, 1, 4, 2}});
    REQUIRE(features.size() == 2);
    CHECK(features[1].shape() == Shape{2, 3});
    sum(features[0]).backward();
    const auto parameters = stem.named_parameters();
    CHECK(parameters.at("tables.0.0.weight").has_grad());
    CHECK(parameters.at("tables.2.0.weight").has_grad());
    CHECK_FALSE(parameters.at("tables.1.0.weight").has_grad());
    CHECK_FALSE(parameters.at("levels.0.own.1.0.weight").has_grad());
    auto other = parameters.at("levels.0.own.1.0.bias");
    const auto before = features[0].value();
    other.mutable_value().fill(9);
    CHECK_FALSE(same_bits(stem(Tensor<float>{{2, 2}, {0, 1, 4, 2}})[0].value(), before));
}

TEST_CASE("gates that leave out what is of others make separate networks of their own tables", "[mtl][sharing]") {
    manual_seed(1);
    const auto own_tables = tables(2), experts = linear(2, 3);
    const auto only = [](Index which) {
        nn::Linear<> gate{4, 2};
        gate.weight().mutable_value().fill(0);
        gate.bias().mutable_value().fill(-std::numeric_limits<float>::infinity());
        gate.bias().mutable_value()[which] = 0;
        return gate;
    };
    mtl::STEM<> stem{own_tables, {{.own = {{experts[0]}, {experts[1]}}, .gates = {only(0), only(1)}}}};
    const Variable<float> x{Tensor<float>{{2, 2}, {0, 1, 4, 2}}};
    const auto features = stem(x);
    for (std::size_t i = 0; i < 2; ++i)
        CHECK(same_bits(features[i].value(), nn::Layer<>{experts[i]}(nn::Layer<>{own_tables[i]}(x)).value()));
}

TEST_CASE("tables and levels that do not fit are refused", "[mtl][sharing]") {
    const mtl::ExpertLevel<> level{.own = {linear(1, 3)}, .shared = linear(1, 3), .gates = linear(1, 2)};
    CHECK_THROWS_WITH((mtl::STEM<>{tables(2), {level}}), "[STEM] expected a table for each of 1 tasks and one for all, got 3");
    CHECK_THROWS_WITH((mtl::STEM<>{tables(0), {}}), "[STEM] expected at least one level of at least one task, got 0 levels");
    mtl::STEM<> shapes{{nn::Linear{3, 4}, nn::Linear{3, 1}}, {level}};
    CHECK_THROWS_WITH(shapes(ways::input<float>(false)), "[STEM] expected tables that give one shape, got (3, 4) and (3, 1)");
    mtl::STEM<> narrow{{nn::Linear{3, 4}, nn::Linear{3, 4}}, {{.own = {linear(1, 3)}, .shared = linear(2, 3), .gates = linear(1, 2)}}};
    CHECK_THROWS_WITH(narrow(ways::input<float>(false)),
                      "[STEM] expected 3 scores, one for each expert, from gate 0, got (3, 2) for input (3, 4), in level 0");
}
