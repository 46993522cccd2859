// SPDX-License-Identifier: MIT
#include <espalier/nn/arena.hpp>

#include "nn/testing.hpp"

#include <array>
#include <memory>

using namespace espalier;

TEMPLATE_TEST_CASE("an arena lays parameters side by side", "[nn][arena]", float, double) {
    using T = TestType;
    nn::Parameter<T> a{Tensor<T>{{2, 1}, {1, 2}}};
    nn::Parameter<T> none{Tensor<T>{}};
    nn::Parameter<T> b{Tensor<T>{{3}, {3, 4, 5}}};
    const Variable<T> before = a;
    const std::array<nn::Parameter<T>*, 3> parameters{&a, &none, &b};
    const nn::Arena<T> arena{parameters};
    CHECK(arena.values() == Tensor<T>{{5}, {1, 2, 3, 4, 5}});
    CHECK(a.shape() == Shape{2, 1});
    CHECK(before.value().data() == arena.values().data());
    CHECK(b.value().data() == arena.values().data() + 2);

    (sum(before) * 2 + sum(b.variable()) * 3).backward();
    CHECK(arena.gradients() == Tensor<T>{{5}, {2, 2, 3, 3, 3}});
    b.mutable_value()[2] = 9;
    CHECK(arena.values()[4] == 9);
}

TEST_CASE("parameters outlive their arena", "[nn][arena]") {
    nn::Parameter<float> a{Tensor<float>{{2}, {1, 2}}};
    const std::array<nn::Parameter<float>*, 1> parameters{&a};
    auto arena = std::make_unique<nn::Arena<float>>(parameters);
    arena.reset();
    sum(a.variable()).backward();
    CHECK(a.value() == Tensor<float>{{2}, {1, 2}});
    CHECK(a.variable().grad() == Tensor<float>{{2}, {1, 1}});
    CHECK(nn::Arena<float>{}.values().numel() == 0);
}
