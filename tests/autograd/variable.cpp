// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using namespace espalier;

TEST_CASE("a variable is a handle: copies share the tensor, and its gradient", "[variable]") {
    Variable<float> x{Tensor<float>({2}, {1, 2}), true};
    const Variable<float> copy = x;
    x.mutable_value()[0] = 5;
    CHECK(copy.value()[0] == 5);
    CHECK(copy.node() == x.node());
    (void)autograd::vjp<float>(x * x, Tensor<float>::ones({1, 2}), std::span<const Variable<float>>{&x, 1});
    CHECK_FALSE(copy.has_grad());
    const Variable<float> s{Tensor<float>::scalar(4), true};
    Variable<float> same = s;
    (s * s).backward();
    CHECK(same.grad().item() == 8);
    same.zero_grad();
    CHECK_FALSE(s.has_grad());
}

TEST_CASE("a variable made without more is an empty constant", "[variable]") {
    const Variable<> x;
    CHECK(x.shape() == Shape{0});
    CHECK_FALSE(x.requires_grad());
    CHECK(x.is_leaf());
    CHECK(std::string{x.operation()} == "leaf");
}

TEST_CASE("a result names its operation and needs a gradient if an input does", "[variable]") {
    const Variable<double> x{Tensor<double>::ones({3}), true};
    const Variable<double> constant{Tensor<double>::ones({3})};
    const auto y = x + constant;
    CHECK(std::string{y.operation()} == "add");
    CHECK(y.requires_grad());
    CHECK_FALSE(y.is_leaf());
    CHECK((constant + constant).is_leaf());
    CHECK_FALSE((constant + constant).requires_grad());
}

TEST_CASE("detach gives the same value as a constant of its own", "[variable]") {
    Variable<double> x{Tensor<double>::scalar(3), true};
    const auto cut = (x * x).detach();
    CHECK(cut.item() == 9);
    CHECK_FALSE(cut.requires_grad());
    (x * cut).backward();
    CHECK(x.grad().item() == 9);
    Variable<double> other = x.detach();
    other.mutable_value()[0] = 0;
    CHECK(x.item() == 3);
}

TEST_CASE("no_grad records nothing, nests, and ends with its scope, by an exception too", "[variable]") {
    const Variable<double> x{Tensor<double>::scalar(3), true};
    CHECK_FALSE(no_grad([&] { return x * x; }).requires_grad());
    CHECK((x * x).requires_grad());
    {
        const NoGrad outer;
        { const NoGrad inner; }
        CHECK_FALSE((x * x).requires_grad());
    }
    CHECK_THROWS_AS(no_grad([]() -> int { throw std::runtime_error{"out"}; }), std::runtime_error);
    CHECK((x * x).requires_grad());
    int value = 3;
    CHECK(&no_grad([&]() -> int& { return value; }) == &value);
}

TEST_CASE("item and grad say what is missing", "[variable]") {
    const Variable<float> x{Tensor<float>({2, 3}), true};
    CHECK_THROWS_AS((void)x.item(), ShapeError);
    CHECK_THROWS_WITH(x.item(), "[item] expected one element, got shape (2, 3)");
    CHECK_THROWS_AS(x.grad(), StateError);
    CHECK_THROWS_WITH(x.grad(), "[grad] expected a gradient of leaf (2, 3), got none: no backward pass has reached it");
    auto y = autograd::exp(x);
    CHECK_THROWS_WITH(y.mutable_grad(), "[grad] expected a gradient of exp (2, 3), got none: no backward pass has reached it");
}

TEST_CASE("zero_grad forgets the gradient, and the next backward pass overwrites it", "[variable]") {
    Variable<double> x{Tensor<double>::scalar(3), true};
    (x * 2.0).backward();
    CHECK(x.grad().item() == 2);
    x.zero_grad();
    CHECK_FALSE(x.has_grad());
    CHECK_THROWS_AS(x.grad(), StateError);
    (x * 5.0).backward();
    CHECK(x.grad().item() == 5);
    x.mutable_grad()[0] = 1;
    (x * 5.0).backward();
    CHECK(x.grad().item() == 6);
}

TEST_CASE("dropping a chain of 100,000 results does not recurse", "[variable]") {
    Variable<float> x{Tensor<float>::scalar(1), true};
    auto y = x;
    for (int i = 0; i < 100'000; ++i)
        y = y + x;
    std::weak_ptr<autograd::detail::Node<float>> middle = y.node()->inputs[0].node;
    y = {};
    CHECK(middle.expired());
    CHECK(x.node().use_count() == 1);
}

TEST_CASE("what a temporary variable gives is a value of its own", "[variable]") {
    const auto make = [] { return Variable<float>{Tensor<float>{{2}, {1, 2}}, true}; };
    const auto& value = make().value();  // lives as long as the reference
    const auto& shape = make().shape();
    CHECK(value == Tensor<float>{{2}, {1, 2}});
    CHECK(shape == Shape{2});
    Variable<float> x = make();
    autograd::sum(x * 3.0f).backward();
    auto copy = Variable<float>{x}.grad();
    copy[0] = 7;
    CHECK(x.grad()[0] == 3);
    auto reshaped = autograd::reshape(x, {2, 1}).value();
    reshaped[0] = 9;
    CHECK(x.value()[0] == 1);
}

TEST_CASE("set_requires_grad is for leaves, and off forgets the gradient", "[variable]") {
    Variable<float> x{Tensor<float>{{2}, {1, 2}}, true};
    auto y = autograd::sum(x * x);
    CHECK_THROWS_WITH(y.set_requires_grad(false), "[set_requires_grad] expected a leaf, got the result of sum ()");
    y.backward();
    x.set_requires_grad(false);
    CHECK_FALSE(x.has_grad());
    CHECK_FALSE((x * x).requires_grad());
    x.set_requires_grad(true);
    autograd::sum(x * x).backward();
    CHECK(x.grad() == Tensor<float>{{2}, {2, 4}});
}

TEST_CASE("add_grad adds as a backward pass does", "[variable]") {
    Variable<double> x{Tensor<double>{{2}, {1, 2}}, true};
    const std::vector<double> first{1, 2}, wrong{1};
    x.add_grad(first);
    CHECK(x.grad() == Tensor<double>{{2}, {1, 2}});
    autograd::sum(x).backward();
    x.add_grad(first);
    CHECK(x.grad() == Tensor<double>{{2}, {3, 5}});
    x.zero_grad();
    x.add_grad(first);
    CHECK(x.grad() == Tensor<double>{{2}, {1, 2}});
    CHECK_THROWS_WITH(x.add_grad(wrong), "[add_grad] expected 2 values for a gradient of (2,), got 1");
    CHECK_THROWS_AS((Variable<double>{Tensor<double>{{2}}}.add_grad(first)), StateError);
    CHECK_THROWS_AS((x * x).add_grad(first), StateError);
}
