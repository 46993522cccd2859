// SPDX-License-Identifier: MIT
#include <espalier/nn/activation.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/linear.hpp>

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
    bool training = true;
    Variable<T> operator()(const Variable<T>& x) const { return x * factor.variable(); }
    void visit(nn::Visitor<T>& v) {
        v("factor", factor);
        v.mode(training);
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
    CHECK_FALSE(own.template get_if<Scale<T>>()->training);
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
    CHECK(layer.state().at("bias") == Tensor<float>::ones({3}));
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
    CHECK(a.get_if<Scale<float>>()->training);
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
