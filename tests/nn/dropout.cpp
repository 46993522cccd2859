// SPDX-License-Identifier: MIT
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/layer.hpp>

#include "nn/testing.hpp"

#include <algorithm>

using namespace espalier;
using testing::normal;

TEMPLATE_TEST_CASE("dropout drops a share of the elements and scales the others", "[nn][dropout]", float, double) {
    using T = TestType;
    manual_seed(1);
    nn::Layer<T> layer = nn::Dropout{0.25};
    const Tensor<T> x = Tensor<T>::full({100, 100}, 3);
    const auto y = layer(Variable<T>{x, true});
    const auto dropped = std::count(y.value().begin(), y.value().end(), T(0));
    const auto kept = std::count(y.value().begin(), y.value().end(), T(4));
    CHECK(dropped + kept == 10000);
    CHECK(dropped > 2300);  // 2500 expected, with a deviation of 43
    CHECK(dropped < 2700);
    CHECK_FALSE(layer(Variable<T>{x}).value() == y.value());  // another mask each time
}

TEST_CASE("dropout passes the gradient where it passed the value", "[nn][dropout]") {
    nn::Dropout layer{0.5};
    const Variable<float> x{Tensor<float>::ones({50}), true};
    const auto y = layer(x);
    sum(y).backward();
    CHECK(x.grad() == y.value());
}

TEST_CASE("dropout does nothing in evaluation, and nothing for probability 0", "[nn][dropout]") {
    const Variable<float> x{normal<float>({4, 4})};
    nn::Layer<float> layer = nn::Dropout{};
    CHECK_FALSE(layer(x).value() == x.value());
    layer.eval();
    CHECK(layer(x).value() == x.value());
    layer.train();
    CHECK_FALSE(layer(x).value() == x.value());
    CHECK(nn::Dropout{0}(x).value() == x.value());
    CHECK(layer.state_dict().empty());
}

TEST_CASE("the same seed drops the same elements, and a copy goes on with its stream", "[nn][dropout]") {
    const Variable<float> x{Tensor<float>::ones({64})};
    manual_seed(4);
    nn::Dropout a;
    nn::Dropout other;
    manual_seed(4);
    nn::Dropout b;
    CHECK(a(x).value() == b(x).value());
    CHECK_FALSE(other(x).value() == a(x).value());
    (void)b(x);
    nn::Dropout copy = b;
    CHECK(copy(x).value() == b(x).value());
}

TEST_CASE("a probability outside [0, 1) is refused", "[nn][dropout]") {
    CHECK_THROWS_AS(nn::Dropout{1.0}, ValueError);
    CHECK_THROWS_WITH(nn::Dropout{1.0}, "[Dropout] expected a probability in [0, 1), got 1");
    CHECK_THROWS_WITH(nn::Dropout{-0.1}, "[Dropout] expected a probability in [0, 1), got -0.1");
}
