// SPDX-License-Identifier: MIT
#include <espalier/nn/activation.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <type_traits>

using namespace espalier;
using testing::names;
using Names = std::vector<std::string>;

namespace {

/// A layer as a user writes one, without a base class.
template <class T>
struct Scale {
    nn::Parameter<T> factor{Tensor<T>::full({1}, 2)};
    nn::Mode mode;
    Variable<T> operator()(const Variable<T>& x) const { return x * factor.variable(); }
    void visit(nn::Visitor<T>& v) {
        v("factor", factor);
        v.mode(mode);
    }
};

}  // namespace

TEMPLATE_TEST_CASE("anything that is called with a variable is a layer", "[nn][layer]", float, double) {
    using T = TestType;
    const Variable<T> x{Tensor<T>{{2}, {-1, 3}}};
    nn::Layer<T> lambda = [](const Variable<T>& v) { return v * 3; };
    CHECK(lambda(x).value() == Tensor<T>{{2}, {-3, 9}});
    CHECK(lambda.parameters().empty());

    nn::Layer<T> counting = [calls = 0](const Variable<T>& v) mutable { return v + static_cast<T>(++calls); };
    CHECK(counting(x).value()[0] == 0);
    CHECK(counting(x).value()[0] == 1);

    nn::Layer<T> library = nn::ReLU{};
    CHECK(library(x).value() == Tensor<T>{{2}, {0, 3}});

    nn::Layer<T> own = Scale<T>{};
    CHECK(own(x).value() == Tensor<T>{{2}, {-2, 6}});
    CHECK(names(own.named_parameters()) == Names{"factor"});
    CHECK(own.parameter_count() == 1);
    own.eval();
    CHECK_FALSE(own.template get_if<Scale<T>>()->mode.training());
}

TEST_CASE("a class that is made of a layer is one", "[nn][layer]") {
    struct Twice : nn::Module<Twice, float> {
        nn::Layer<float> inner;
        explicit Twice(nn::Layer<float> layer) : inner{std::move(layer)} {}
        Variable<float> operator()(const Variable<float>& x) { return inner(inner(x)); }
        void visit(nn::Visitor<float>& visitor) { visitor("inner", inner); }
    };
    nn::Layer<float> layer = Twice{nn::Linear{2, 2}};
    const nn::Layer<float> nested = Twice{layer};
    CHECK(layer(Tensor<float>{Shape{1, 2}}).shape() == Shape{1, 2});
    CHECK(testing::names(nested.named_parameters()) == std::vector<std::string>{"inner.inner.weight", "inner.inner.bias"});
}

TEST_CASE("what is no layer does not convert to one", "[nn][layer]") {
    CHECK(std::is_constructible_v<nn::Layer<float>, nn::Linear<float>>);
    CHECK_FALSE(std::is_constructible_v<nn::Layer<float>, nn::Linear<double>>);
    CHECK_FALSE(std::is_constructible_v<nn::Layer<float>, int>);
    CHECK_FALSE(std::is_constructible_v<nn::Layer<float>, decltype([](int) { return 0; })>);
    CHECK_FALSE(nn::LayerOf<std::unique_ptr<int>, float>);
}

TEST_CASE("a held layer is found by its type", "[nn][layer]") {
    nn::Layer<float> layer = nn::Linear{2, 3};
    REQUIRE(layer.get_if<nn::Linear<float>>() != nullptr);
    CHECK(layer.get_if<nn::ReLU>() == nullptr);
    layer.get_if<nn::Linear<float>>()->bias().mutable_value().fill(1);
    CHECK(layer.state_dict().at("bias") == Tensor<float>::ones({3}));
}

TEST_CASE("copies of a layer share nothing", "[nn][layer]") {
    nn::Layer<float> a = Scale<float>{};
    nn::Layer<float> b = a;
    b.parameters()[0].mutable_value()[0] = 5;
    const Variable<float> x{Tensor<float>{{1}, {1}}};
    CHECK(a(x).item() == 2);
    CHECK(b(x).item() == 5);
    sum(b(x)).backward();
    CHECK(b.parameters()[0].has_grad());
    CHECK_FALSE(a.parameters()[0].has_grad());
    b.eval();
    CHECK(a.get_if<Scale<float>>()->mode.training());
    a = b;
    CHECK(a(x).item() == 5);
    a.parameters()[0].mutable_value()[0] = 6;
    CHECK(b(x).item() == 5);
}

TEST_CASE("moving a layer keeps its parameters, and what is left can be assigned to", "[nn][layer]") {
    nn::Layer<float> a = Scale<float>{};
    const auto handle = a.parameters()[0];
    nn::Layer<float> b = std::move(a);
    CHECK(b.parameters()[0].node() == handle.node());
    const Variable<float> x{Tensor<float>{{1}, {1}}};
    CHECK_THROWS_AS(a(x), StateError);
    CHECK_THROWS_WITH(a(x), "[layer] expected a layer, got one that was moved from");
    CHECK_THROWS_WITH(a.parameters(), "[layer] expected a layer, got one that was moved from");
    const nn::Layer<float> copy = a;
    CHECK(a.get_if<Scale<float>>() == nullptr);
    a = b;
    CHECK(a(x).item() == 2);
}

TEST_CASE("an assigned layer of the same type moves its values into the parameters that are there", "[nn][layer]") {
    nn::Layer<float> a = Scale<float>{};
    nn::Layer<float> b = Scale<float>{};
    b.parameters()[0].mutable_value()[0] = 5;
    const auto handle = a.parameters()[0];
    a = b;
    CHECK(handle.value()[0] == 5);
    CHECK(a.parameters()[0].node() == handle.node());
    b.parameters()[0].mutable_value()[0] = 7;
    a = std::move(b);
    CHECK(handle.value()[0] == 7);
    CHECK_THROWS_AS(b.parameters(), StateError);
    const auto& self = a;
    a = self;
    CHECK(handle.value()[0] == 7);
    CHECK_FALSE(handle.node()->orphaned);
    a = nn::Linear{2, 2};  // of another type: other parameters
    CHECK(a.parameters()[0].node() != handle.node());
    CHECK(handle.node()->orphaned);
    nn::Layer<float> lambda = [factor = 2.0f](const Variable<float>& x) { return x * factor; };  // cannot be assigned to
    nn::Layer<float> copy = lambda;
    copy = lambda;
    CHECK(copy(Variable<float>{Tensor<float>{{1}, {3}}}).item() == 6);
}

TEST_CASE("a copy that would share parameters is refused", "[nn][layer]") {
    struct Shared {
        std::shared_ptr<nn::Linear<float>> inner = std::make_shared<nn::Linear<float>>(2, 2);
        Variable<float> operator()(const Variable<float>& x) const { return (*inner)(x); }
        void visit(nn::Visitor<float>& v) { v("inner", *inner); }
    };
    const Shared one;
    nn::Layer<float> a = one;  // the user's own layer: one and the same parameters are meant
    CHECK_THROWS_AS(nn::Layer<float>{a}, StateError);
    CHECK_THROWS_WITH(nn::Layer<float>{a},
                      "[layer] expected a copy with parameters of its own, got inner.weight (2, 2) shared with the "
                      "original: hold layers and parameters by value");
    const nn::Sequential<float> net{nn::Linear{2, 2}, one};
    CHECK_THROWS_WITH(nn::Sequential<float>(net),
                      ContainsSubstring("[layer] expected a copy with parameters of its own, got inner.weight"));
    nn::Layer<float> b = nn::ReLU{};
    CHECK_THROWS_AS(b = a, StateError);
    CHECK(b.get_if<nn::ReLU>() != nullptr);
    const nn::Layer<float> moved = std::move(a);
    CHECK(moved.parameters().size() == 2);
}

TEST_CASE("a parameter that no visit shows is reported when the layer is first used in training", "[nn][layer]") {
    const Variable<float> x{Tensor<float>{Shape{3, 2}}};
    const auto message = ContainsSubstring("[layer] expected every parameter of a layer to be shown by its `visit`, got one of shape (2,)");
    nn::Linear captured{2, 2};
    const auto lambda = [captured](const Variable<float>& v) { return captured(v); };
    nn::Sequential net{nn::Linear{2, 2}, lambda};
    CHECK_THROWS_AS(net(x), StateError);
    CHECK_THROWS_WITH(net(x), message);
    CHECK(no_grad([&] { return net(x); }).shape() == Shape{3, 2});  // harmless where nothing is trained

    struct Forgetful : nn::Module<Forgetful, float> {
        nn::Linear<float> shown{2, 2}, forgotten{2, 2};
        Variable<float> operator()(const Variable<float>& v) const { return forgotten(shown(v)); }
        void visit(nn::Visitor<float>& v) { v("shown", shown); }
    };
    nn::Layer<float> forgetful = Forgetful{};
    CHECK_THROWS_WITH(forgetful(x), message);

    nn::Layer<float> borrowing = [&captured](const Variable<float>& v) { return captured(v); };
    CHECK_THROWS_WITH(borrowing(x), message);
    (void)captured.parameters();  // another model's: it is trained there
    CHECK(borrowing(x).shape() == Shape{3, 2});
    captured.weight().set_requires_grad(false);
    captured.bias().set_requires_grad(false);
    nn::Layer<float> fixed = lambda;
    CHECK_THROWS_AS(fixed(x), StateError);
    nn::Layer<float> frozen = [captured](const Variable<float>& v) { return captured(v); };
    CHECK(frozen(x).shape() == Shape{3, 2});
    const Variable<float> own{Tensor<float>::ones({2}), true};  // a leaf of the user's, who has its gradient
    nn::Layer<float> bare = [own](const Variable<float>& v) { return v * own; };
    CHECK(bare(x).requires_grad());
}

TEST_CASE("who walks a model may put another layer in the place of one", "[nn][layer]") {
    nn::Sequential<> inner{nn::Linear{2, 3}, nn::ReLU{}}, model;
    model.add(std::move(inner));
    model.add(nn::Linear{3, 1});
    nn::detail::CollectLayers<float> held;
    model.visit(held);
    REQUIRE(held.layers.size() == 4);  // parents first
    CHECK(held.layers[0]->get_if<nn::Sequential<>>());
    REQUIRE(held.layers[2]->get_if<nn::ReLU>());
    *held.layers[2] = nn::Linear{3, 3};
    CHECK(names(model.named_parameters()) == Names{"0.0.weight", "0.0.bias", "0.1.weight", "0.1.bias", "1.weight", "1.bias"});
    CHECK(model(Tensor<float>{Shape{2, 2}}).shape() == Shape{2, 1});
}
