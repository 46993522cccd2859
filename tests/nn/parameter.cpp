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

    const Variable<float> handle = a;
    const float* const place = handle.value().data();
    a = b;  // the same parameter with another value
    CHECK(handle.value() == Tensor<float>{{2}, {7, 2}});
    CHECK(handle.value().data() == place);
    CHECK_FALSE(handle.has_grad());
    CHECK(a.variable().node() != b.variable().node());
    b = nn::Parameter<float>{Tensor<float>{{1}, {4}}};
    a = std::move(b);
    CHECK(handle.value() == Tensor<float>{{1}, {4}});
    const auto& self = a;
    a = self;
    CHECK(handle.value() == Tensor<float>{{1}, {4}});
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

TEST_CASE("whether a parameter is trained is copied with it, and its end is seen by those who hold a handle", "[nn][parameter]") {
    Variable<float> handle;
    {
        nn::Parameter<float> a{Tensor<float>{{1}, {1}}};
        a.set_requires_grad(false);
        nn::Parameter<float> b = a, c;
        CHECK_FALSE(b.variable().requires_grad());
        c = a;
        CHECK_FALSE(c.variable().requires_grad());
        handle = c;
        const nn::Parameter<float> moved = std::move(c);
        CHECK_FALSE(handle.node()->orphaned);
    }
    CHECK(handle.node()->orphaned);
    const auto& value = nn::Parameter<float>{Tensor<float>{{1}, {3}}}.value();  // of a temporary: a tensor of its own
    CHECK(value[0] == 3);
}
