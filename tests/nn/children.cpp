// SPDX-License-Identifier: MIT
#include <espalier/nn/children.hpp>

#include <espalier/nn/layer.hpp>
#include <espalier/nn/linear.hpp>

#include "nn/testing.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using Layers = nn::Children<nn::Layer<>>;

namespace {

struct Model : nn::Module<Model, float> {
    nn::Children<Layers> lists;
    explicit Model(std::size_t count) {
        lists.push_back(Layers{{nn::Linear{2, 3}}});
        for (std::size_t i = 1; i < count; ++i)
            lists.push_back(Layers{{nn::Linear{2, 3}, nn::Linear{3, 1}}});
    }
    void visit(nn::Visitor<float>& visitor) { visitor("lists", lists); }
};

}  // namespace

TEST_CASE("children are shown by position, lists of them too", "[nn][children]") {
    CHECK(testing::names(Model{2}.named_parameters()) == std::vector<std::string>{"lists.0.0.weight", "lists.0.0.bias", "lists.1.0.weight",
                                                                                  "lists.1.0.bias", "lists.1.1.weight", "lists.1.1.bias"});
    CHECK(Model{2}.lists.size() == 2);
    CHECK(Layers{}.empty());
}

TEST_CASE("assigned as many children, values move into the parameters that are there", "[nn][children]") {
    Model model{2}, other{2};
    const auto before = model.parameters();
    const auto values = testing::flat_values(other);
    model = other;
    CHECK(testing::same_bits(testing::flat_values(model), values));
    CHECK(model.parameters()[3].node() == before[3].node());
    CHECK(other.parameters()[3].node() != before[3].node());
    model = std::move(other);
    CHECK(model.parameters()[3].node() == before[3].node());
    auto& same = model;
    model = same;
    CHECK(testing::same_bits(testing::flat_values(model), values));
}

TEST_CASE("assigned another number of children, a model has those", "[nn][children]") {
    Model model{1};
    const Model other{3};
    model = other;
    CHECK(testing::same_bits(testing::flat_values(model), testing::flat_values(other)));
    CHECK(model.parameters()[0].node() != other.parameters()[0].node());
}
