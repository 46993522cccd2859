// SPDX-License-Identifier: MIT
#include <espalier/nn/linear.hpp>
#include <espalier/nn/load_state.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <memory>

using namespace espalier;
using testing::same_bits;
using Names = std::vector<std::string>;

namespace {

/// A trunk under a name, and a head of so many outputs.
struct WithHead : nn::Module<WithHead, float> {
    nn::Sequential<float> trunk{nn::Linear{3, 4}, nn::BatchNorm{4}};
    nn::Linear<float> head;
    explicit WithHead(Index outputs) : head{4, outputs} {}
    void visit(nn::Visitor<float>& v) {
        v("trunk", trunk);
        v("head", head);
    }
};

}  // namespace

TEST_CASE("a warm start loads what agrees in path and shape, and says what does not", "[nn][load_state]") {
    const WithHead from{2};
    WithHead to{5};
    const auto fresh = to.state_dict();
    auto state = from.state_dict();
    state.insert("other.weight", Tensor<float>{});
    const auto handle = to.trunk.parameters()[0];
    const auto report = to.load_state_dict(state, {.strict = false});
    CHECK(report.loaded ==
          Names{"trunk.0.weight", "trunk.0.bias", "trunk.1.weight", "trunk.1.bias", "trunk.1.running_mean", "trunk.1.running_var"});
    CHECK(report.missing.empty());
    REQUIRE(report.mismatched.size() == 2);
    CHECK(report.mismatched[0].path == "head.weight");
    CHECK(report.mismatched[0].expected == Shape{5, 4});
    CHECK(report.mismatched[0].got == Shape{2, 4});
    CHECK(report.unexpected == Names{"other.weight"});
    CHECK_FALSE(report.complete());
    CHECK(report.text() == "head.weight of shape (5, 4) came as (2, 4); head.bias of shape (5,) came as (2,); unexpected other.weight");
    CHECK(same_bits(to.trunk.state_dict(), from.trunk.state_dict()));
    CHECK(handle.value() == from.trunk.parameters()[0].value());
    CHECK(same_bits(to.state_dict().at("head.weight"), fresh.at("head.weight")));

    const auto all = to.load_state_dict(fresh);
    CHECK(all.complete());
    CHECK(all.text().empty());
    CHECK(all.loaded.size() == fresh.size());
}

TEST_CASE("a trunk that was saved alone goes under its name, and the reverse", "[nn][load_state]") {
    const WithHead from{2};
    WithHead to{2};
    const auto report = to.load_state_dict(from.trunk.state_dict(),
                                           {.strict = false, .rename = [](const std::string& name) { return "trunk." + name; }});
    CHECK(report.loaded.size() == 6);
    CHECK(report.missing == Names{"head.weight", "head.bias"});
    CHECK(same_bits(to.trunk.state_dict(), from.trunk.state_dict()));

    nn::Sequential<float> alone{nn::Linear{3, 4}, nn::BatchNorm{4}};
    const auto below = [](const std::string& name) { return name.starts_with("trunk.") ? name.substr(6) : std::string{}; };
    CHECK(alone.load_state_dict(from.state_dict(), {.rename = below}).complete());  // what is left out is not unexpected
    CHECK(same_bits(alone.state_dict(), from.trunk.state_dict()));
}

TEST_CASE("a state of which nothing fits, or that says two things, is refused whole", "[nn][load_state]") {
    WithHead to{2};
    const auto before = to.state_dict();
    const Named<Tensor<float>> other{{"weight", Tensor<float>{Shape{2, 4}}}, {"head.bias", Tensor<float>{Shape{7}}}};
    CHECK_THROWS_AS(to.load_state_dict(other, {.strict = false}), StateError);
    CHECK_THROWS_WITH(to.load_state_dict(other, {.strict = false}),
                      "[load_state_dict] expected the tensors of this model, got others; head.bias of shape (2,) came as (7,); missing "
                      "trunk.0.weight; missing trunk.0.bias; missing trunk.1.weight; missing trunk.1.bias; missing trunk.1.running_mean; "
                      "missing trunk.1.running_var; missing head.weight; unexpected weight");
    const auto to_one = [](const std::string&) { return std::string{"head.bias"}; };
    CHECK_THROWS_WITH(to.load_state_dict(before, {.strict = false, .rename = to_one}),
                      "[named] expected each name once, got 'head.bias' twice");
    const auto throws = [](const std::string&) -> std::string { throw 1; };
    CHECK_THROWS_AS(to.load_state_dict(before, {.rename = throws}), int);
    CHECK(same_bits(to.state_dict(), before));

    struct Tied : nn::Module<Tied, float> {
        std::shared_ptr<nn::Linear<float>> inner = std::make_shared<nn::Linear<float>>(2, 1);
        void visit(nn::Visitor<float>& v) {
            v("a", *inner);
            v("b", *inner);
        }
    };
    Tied tied;
    auto state = tied.state_dict();
    const auto kept = tied.state_dict();
    state.at("a.weight")[0] += 1;
    CHECK_THROWS_WITH(tied.load_state_dict(state, {.strict = false}),
                      "[load_state_dict] expected the tensors of this model, got others; b.weight is the same parameter as a.weight and "
                      "came with other values");
    CHECK(same_bits(tied.state_dict(), kept));
    const Named<Tensor<float>> one{{"b.weight", Tensor<float>{{1, 2}, {3, 4}}}};
    CHECK(tied.load_state_dict(one, {.strict = false}).missing == Names{"a.bias", "b.bias"});  // one of its paths is enough
    CHECK(tied.inner->weight().value() == one.at("b.weight"));
}
