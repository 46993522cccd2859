// SPDX-License-Identifier: MIT
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/module.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <limits>
#include <stdexcept>

using namespace espalier;
using testing::names;
using testing::same_bits;
using Names = std::vector<std::string>;

namespace {

/// A module as a user writes one: parameters, a buffer, children and a mode.
class Block : public nn::Module<Block, float> {
public:
    Variable<float> operator()(const Variable<float>& x) {
        training_seen = mode_.training();
        return norm_(body_(x)) * scale_.variable();
    }
    void visit(nn::Visitor<float>& v) {
        v("scale", scale_);
        v("body", body_);
        v("steps", steps_);
        v("norm", norm_);
        v.mode(mode_);
    }
    bool training() const { return mode_.training(); }
    bool training_seen = false;

private:
    nn::Parameter<float> scale_{Tensor<float>::ones({2})};
    nn::Sequential<float> body_{nn::Linear{3, 2}, nn::Dropout{0.5}, nn::Linear{2, 2, {.bias = false}}};
    Tensor<float> steps_{Tensor<float>::full({1}, 5)};
    nn::BatchNorm<float> norm_{2};
    nn::Mode mode_;
};

struct Modes final : nn::Visitor<float> {
    std::vector<bool> all;

private:
    void on_mode(nn::Mode& mode) override { all.push_back(mode.training()); }
};

std::vector<bool> modes(Block& block) {
    Modes collect;
    block.visit(collect);
    return collect.all;
}

}  // namespace

TEST_CASE("parameters and state come under dotted paths in the order of the visit", "[nn][module]") {
    const Block block;
    CHECK(names(block.named_parameters()) == Names{"scale", "body.0.weight", "body.0.bias", "body.2.weight", "norm.weight", "norm.bias"});
    CHECK(names(block.state_dict()) == Names{"scale", "body.0.weight", "body.0.bias", "body.2.weight", "steps", "norm.weight", "norm.bias",
                                             "norm.running_mean", "norm.running_var"});
    CHECK(block.parameters().size() == 6);
    CHECK(block.parameter_count() == 2 + 6 + 2 + 4 + 2 + 2);
}

TEST_CASE("parameters are handles, state is a copy", "[nn][module]") {
    Block block;
    auto state = block.state_dict();
    block.named_parameters().at("scale").mutable_value()[0] = 42;
    CHECK(block.state_dict().at("scale")[0] == 42);
    CHECK(state.at("scale")[0] == 1);
    state.at("steps")[0] = 6;
    CHECK(block.state_dict().at("steps")[0] == 5);
}

TEST_CASE("a state goes into another model of the same structure, in place", "[nn][module]") {
    const Block from;
    Block to;
    CHECK_FALSE(same_bits(from.state_dict(), to.state_dict()));
    const auto handle = to.named_parameters().at("body.0.weight");
    const float* const place = handle.value().data();
    to.load_state_dict(from.state_dict());
    CHECK(same_bits(from.state_dict(), to.state_dict()));
    CHECK(handle.value().data() == place);
    CHECK(handle.value() == from.state_dict().at("body.0.weight"));

    Named<Tensor<float>> reversed;  // the order of a file is not that of the model
    const auto state = from.state_dict();
    for (std::size_t i = state.size(); i-- > 0;)
        reversed.insert((state.begin() + static_cast<std::ptrdiff_t>(i))->first, (state.begin() + static_cast<std::ptrdiff_t>(i))->second);
    Block other;
    other.load_state_dict(reversed);
    CHECK(same_bits(from.state_dict(), other.state_dict()));
}

TEST_CASE("a state of another model is refused with all that is wrong, and changes nothing", "[nn][module]") {
    Block block;
    block.named_parameters().at("scale").mutable_value()[1] = std::numeric_limits<float>::quiet_NaN();
    const auto before = block.state_dict();
    Named<Tensor<float>> state;
    for (const auto& [name, tensor] : before)
        if (name != "scale" && name != "steps" && name != "norm.bias" && name != "body.0.weight")
            state.insert(name, Tensor<float>::full(tensor.shape(), 3));
    state.insert("body.0.weight", Tensor<float>{Shape{2, 4}});
    state.insert("norm.bias", Tensor<float>{Shape{2, 1}});
    state.insert("head.weight", Tensor<float>{});
    state.insert("more", Tensor<float>{});
    CHECK_THROWS_AS(block.load_state_dict(state), StateError);
    CHECK_THROWS_WITH(block.load_state_dict(state),
                      "[load_state_dict] expected the tensors of this model, got others; body.0.weight of shape (2, 3) came as (2, 4); "
                      "norm.bias of shape (2,) came as (2, 1); missing scale; missing steps; unexpected head.weight; unexpected more");
    CHECK(same_bits(block.state_dict(), before));
    CHECK_THROWS_AS(block.load_state_dict({}), StateError);
    CHECK(same_bits(block.state_dict(), before));
}

TEST_CASE("train and eval reach every layer", "[nn][module]") {
    Block block;
    CHECK(modes(block) == std::vector<bool>{true, true, true});
    block.eval();
    CHECK(modes(block) == std::vector<bool>{false, false, false});
    CHECK_FALSE(block.training());
    block.train();
    CHECK(modes(block) == std::vector<bool>{true, true, true});
    block.train(false);
    CHECK_FALSE(block.training());
}

TEST_CASE("a parameter under two names is one parameter with two places in the state", "[nn][module]") {
    struct Tied : nn::Module<Tied, float> {
        std::shared_ptr<nn::Linear<float>> a = std::make_shared<nn::Linear<float>>(2, 1), b = a;
        void visit(nn::Visitor<float>& v) {
            v("a", *a);
            v("b", *b);
        }
    };
    Tied tied;
    CHECK(names(tied.named_parameters()) == Names{"a.weight", "a.bias"});
    CHECK(tied.parameters().size() == 2);
    CHECK(tied.parameter_count() == 3);
    auto state = tied.state_dict();
    CHECK(names(state) == Names{"a.weight", "a.bias", "b.weight", "b.bias"});
    state.at("b.bias")[0] = 4;
    CHECK_THROWS_WITH(tied.load_state_dict(state),
                      "[load_state_dict] expected the tensors of this model, got others; b.bias is the same parameter "
                      "as a.bias and came with other values");
    state.at("a.bias")[0] = 4;
    tied.load_state_dict(state);
    CHECK(tied.b->bias().value()[0] == 4);
}

TEST_CASE("loading a state is a change that recorded graphs see", "[nn][module]") {
    nn::Linear<float> layer{1, 1};
    const auto loss = sum(layer(layer(Variable<float>{Tensor<float>{{1, 1}, {2}}})));
    layer.load_state_dict(layer.state_dict());
    CHECK_THROWS_WITH(loss.backward(), ContainsSubstring("got parameter weight (1, 1) changed since"));
}

TEST_CASE("a tensor that is shown twice under one name is an error", "[nn][module]") {
    struct Twice : nn::Module<Twice, float> {
        nn::Parameter<float> a{Tensor<float>{Shape{1}}};
        void visit(nn::Visitor<float>& v) {
            v("a", a);
            v("a", a);
        }
    };
    const Twice twice;
    CHECK_THROWS_WITH(twice.state_dict(), "[named] expected each name once, got 'a' twice");
}

TEST_CASE("a visitor without paths is shown everything under an empty one", "[nn][module]") {
    struct Paths final : nn::Visitor<float> {
        using nn::Visitor<float>::Visitor;
        std::vector<std::string> seen;
        void on_parameter(const std::string& path, nn::Parameter<float>&) override { seen.push_back(path); }
    };
    nn::Sequential<float> layers{nn::Linear{1, 1}, nn::Linear{1, 1, {.bias = false}}};
    Paths with, without{false};
    layers.visit(with);
    layers.visit(without);
    CHECK(with.seen == std::vector<std::string>{"0.weight", "0.bias", "1.weight"});
    CHECK(without.seen == std::vector<std::string>(3));
}

TEST_CASE("a module with nothing in it has no parameters", "[nn][module]") {
    nn::Sequential<double> empty;
    CHECK(empty.parameters().empty());
    CHECK(empty.parameter_count() == 0);
    CHECK(empty.state_dict().empty());
    empty.load_state_dict({});
    empty.eval();
}
