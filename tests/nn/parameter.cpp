// SPDX-License-Identifier: MIT
#include <espalier/nn/parameter.hpp>

#include "nn/testing.hpp"

#include <utility>

using namespace espalier;

TEMPLATE_TEST_CASE("a parameter is a leaf that collects a gradient", "[nn][parameter]", float, double) {
    using T = TestType;
    const nn::Parameter<T> p{Tensor<T>{{2}, {1, 2}}};
    CHECK(p.shape() == Shape{2});
    CHECK(p.variable().requires_grad());
    CHECK(p.variable().is_leaf());
    const Variable<T>& handle = p;
    sum(handle * handle).backward();
    CHECK(p.variable().grad() == Tensor<T>{{2}, {2, 4}});
    CHECK(nn::Parameter<T>{}.shape() == Shape{0});
}

TEST_CASE("copying a parameter copies its value and nothing else", "[nn][parameter]") {
    nn::Parameter<float> a{Tensor<float>{{2}, {1, 2}}};
    sum(a.variable() * 3).backward();
    nn::Parameter<float> b = a;
    CHECK_FALSE(b.variable().has_grad());
    b.mutable_value()[0] = 7;
    CHECK(a.value() == Tensor<float>{{2}, {1, 2}});
    sum(b.variable() * 5).backward();
    CHECK(a.variable().grad() == Tensor<float>{{2}, {3, 3}});
    CHECK(b.variable().grad() == Tensor<float>{{2}, {5, 5}});

    const Variable<float> old = a;
    a = b;  // another parameter from here on: who holds the old one keeps it
    CHECK(a.value() == Tensor<float>{{2}, {7, 2}});
    CHECK(old.value() == Tensor<float>{{2}, {1, 2}});
    CHECK(a.variable().node() != b.variable().node());
}

TEST_CASE("moving a parameter keeps its handles", "[nn][parameter]") {
    nn::Parameter<float> a{Tensor<float>{{1}, {1}}};
    Variable<float> handle = a;
    nn::Parameter<float> b = std::move(a);
    handle.mutable_value()[0] = 4;
    CHECK(b.value()[0] == 4);
    a = nn::Parameter<float>{Tensor<float>{{1}, {9}}};
    CHECK(a.value()[0] == 9);
    CHECK(b.value()[0] == 4);
}

TEST_CASE("a parameter that moves into other memory keeps its value and its handles", "[nn][parameter]") {
    nn::Parameter<float> p{Tensor<float>{{2, 2}, {1, 2, 3, 4}}};
    const Variable<float> handle = p;
    sum(handle).backward();
    Tensor<float> values{Shape{6}};
    Tensor<float> gradients{Shape{6}};
    p.rebind(values.alias({2, 2}, 1), gradients.alias({2, 2}, 1));
    CHECK(values == Tensor<float>{{6}, {0, 1, 2, 3, 4, 0}});
    CHECK(handle.value().data() == values.data() + 1);
    CHECK_FALSE(handle.has_grad());

    values[1] = 10;
    CHECK(handle.value()[0] == 10);
    sum(handle * handle).backward();
    CHECK(gradients == Tensor<float>{{6}, {0, 20, 4, 6, 8, 0}});
    CHECK(handle.grad().data() == gradients.data() + 1);

    const nn::Parameter<float> copy = p;
    CHECK(copy.value() == p.value());
    CHECK(copy.value().data() != p.value().data());
}
