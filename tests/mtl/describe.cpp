// SPDX-License-Identifier: MIT
/// @file What nets are told to be made of, whatever the way of sharing.
#include "catch.hpp"

#include <espalier/mtl/describe.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/encoder.hpp>
#include <espalier/nn/freeze.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/trunks/reference.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using namespace espalier;
using mtl::Description;

namespace {

const Description::Part& part(const Description& description, const std::string& path) {
    const auto found = std::find_if(description.parts.begin(), description.parts.end(), [&](const auto& p) { return p.path == path; });
    REQUIRE(found != description.parts.end());
    return *found;
}

}  // namespace

TEST_CASE("the reference network is described stage by stage", "[describe]") {
    mtl::MultiTaskNet net{nn::trunks::reference({36, 36, 1}), {{"left", nn::Linear{1024, 10}}, {"right", nn::Linear{1024, 10}}}};
    const auto before = net.state_dict();
    const auto description = mtl::describe(net, {36, 36, 1});
    std::vector<std::string> paths;
    Index sum = 0;
    for (const auto& p : description.parts) {
        paths.push_back(p.path);
        sum += p.parameters;
    }
    CHECK(paths == std::vector<std::string>{"trunk.0", "trunk.1", "trunk.2", "trunk.3", "heads.left", "heads.right"});
    CHECK(part(description, "trunk.1").parameters == 64 * (32 * 9 + 1));
    CHECK(part(description, "trunk.1").multiply_adds == 18 * 18 * 64 * 32 * 9);
    CHECK(part(description, "trunk.2").multiply_adds == 8 * 8 * 128 * 64 * 9);  // of 9 x 9 pixels those that pooling reads
    CHECK(part(description, "trunk.1").tasks == std::vector<bool>{true, true});
    CHECK(part(description, "heads.right").tasks == std::vector<bool>{false, true});
    CHECK(part(description, "heads.right").multiply_adds == 10240);
    CHECK(description.parameters == net.parameter_count());
    CHECK(sum == net.parameter_count());
    CHECK(description.tasks[0].name == "left");
    CHECK(description.tasks[0].parameters == net.parameter_count() - 10250);
    CHECK(description.multiply_adds == description.tasks[0].multiply_adds + 10240);
    CHECK(net.state_dict() == before);
    std::ostringstream text;
    text << description;
    CHECK(text.str() == description.text());

    const auto shorter = mtl::describe(net, {36, 36, 1}, {.depth = 1});
    CHECK(part(shorter, "trunk").parameters == net.shared_size());
    CHECK(shorter.parts.size() == 3);
}

TEST_CASE("a description tells which tasks share what", "[describe]") {
    const auto linear = [] { return nn::Linear{6, 5}; };
    const auto gate = [] { return nn::Linear{6, 2, {.bias = false}}; };
    mtl::MultiTaskNet experts{mtl::MMoE<float>{mtl::repeat(2, linear), mtl::repeat(3, gate)},
                              {{"a", nn::Linear{5, 1}}, {"b", nn::Linear{5, 2}}, {"c", nn::Linear{5, 3}}}};
    const auto mmoe = mtl::describe(experts, {6});
    CHECK(part(mmoe, "trunk.experts").tasks == std::vector<bool>{true, true, true});
    CHECK(part(mmoe, "trunk.experts").multiply_adds == 60);
    CHECK(part(mmoe, "trunk.gates.1").tasks == std::vector<bool>{false, true, false});
    CHECK(mmoe.parts.size() == 7);
    mtl::MultiTaskNet own{mtl::Separate<float>{mtl::repeat(2, linear)}, {{"a", nn::Linear{5, 1}}, {"b", nn::Linear{5, 2}}}};
    for (const auto& p : mtl::describe(own, {6}).parts)
        CHECK(std::count(p.tasks.begin(), p.tasks.end(), true) == 1);
}

TEST_CASE("a description counts a layer in two places once, and tells frozen and unused ones", "[describe]") {
    struct Twice : nn::Module<Twice, float> {
        nn::Linear<> layer{4, 4}, unused{4, 7};
        Variable<float> operator()(const Variable<float>& x) { return layer(layer(x)); }
        void visit(nn::Visitor<float>& visitor) {
            visitor("layer", layer);
            visitor("unused", unused);
        }
    };
    mtl::MultiTaskNet net{Twice{}, {{"a", nn::Linear{4, 1}}}};
    nn::freeze(net.head("a"));
    const auto description = mtl::describe(net, {4});
    CHECK(part(description, "trunk.layer").parameters == 20);
    CHECK(part(description, "trunk.layer").multiply_adds == 32);
    CHECK(part(description, "trunk.unused").tasks == std::vector<bool>{false});
    CHECK(part(description, "heads.a").frozen);
    CHECK(part(description, "heads.a").multiply_adds == 4);
    CHECK(description.tasks[0].parameters == 25);
    CHECK(description.parameters == 60);
    CHECK_FALSE(net.head("a").parameters()[0].requires_grad());  // as before
}

TEST_CASE("a derived output is told with the parameters that it is made with", "[describe]") {
    mtl::MultiTaskNet net{nn::Linear{4, 3}, {{"a", nn::Linear{3, 1}}, {"b", nn::Linear{3, 1}}}};
    net.derive("twice a", [](const mtl::Outputs<>& outputs) { return outputs.at("a") * 2; });
    const auto description = mtl::describe(net, {4});
    CHECK(description.tasks[2].name == "twice a");
    CHECK(part(description, "heads.a").tasks == std::vector<bool>{true, false, true});
    CHECK(part(description, "heads.b").tasks == std::vector<bool>{false, true, false});
    CHECK(description.tasks[2].multiply_adds == description.tasks[0].multiply_adds);
    CHECK(description.multiply_adds == 12 + 3 + 3);
}

TEST_CASE("a net of inputs by name is described by a run on one of them", "[describe]") {
    const data::Inputs<float> inputs{{"numbers", Tensor<float>{{3, 4}}}, {"city", Tensor<Index>::full({3}, 2)}};
    mtl::MultiTaskNet net{nn::Concatenated{nn::From{"numbers", nn::Linear{4, 3}}, nn::From{"city", nn::Embedding{5, 2}}},
                          nn::Linear{5, 6},
                          {{"a", nn::Linear{6, 1}}, {"b", nn::Linear{6, 1}}}};
    const auto description = mtl::describe(net, inputs, {.depth = 1});
    CHECK(part(description, "encoder").parameters == 15 + 10);
    CHECK(part(description, "encoder").multiply_adds == 12);
    CHECK(part(description, "encoder").tasks == std::vector<bool>{true, true});
    CHECK(part(description, "trunk").multiply_adds == 30);
    CHECK_THROWS_AS(mtl::describe(net, data::Inputs<float>{{"numbers", Tensor<float>{{0, 4}}}}), ValueError);
    CHECK_THROWS_AS(mtl::describe(net, {4}), StateError);
}

TEST_CASE("a sample of another shape is refused by the description, which tells it", "[describe]") {
    mtl::MultiTaskNet net{nn::Linear{4, 4}, {{"a", nn::Linear{4, 1}}}};
    CHECK_THROWS_WITH(mtl::describe(net, {5}), ContainsSubstring("for samples of shape (5,)"));
}
