// SPDX-License-Identifier: MIT
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/reshape.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <limits>

using namespace espalier;
using testing::names;

TEMPLATE_TEST_CASE("an embedding looks up rows of its table", "[nn][embedding]", float, double) {
    using T = TestType;
    manual_seed(2);
    nn::Embedding<T> layer{3, 2};
    CHECK(names(layer.named_parameters()) == std::vector<std::string>{"weight"});
    CHECK(layer.parameter_count() == 6);
    const auto table = layer.state_dict().at("weight");
    CHECK(table.shape() == Shape{3, 2});
    const Tensor<Index> indices{{2, 2}, {2, 0, 0, 1}};
    const Tensor<T> rows{{2, 2, 2}, {table[4], table[5], table[0], table[1], table[0], table[1], table[2], table[3]}};
    CHECK(layer(indices).value() == rows);
    CHECK(layer(Variable<T>{indices.template cast<T>()}).value() == rows);

    sum(layer(indices)).backward();  // a row collects from every place it was looked up
    CHECK(layer.parameters()[0].grad() == Tensor<T>{{3, 2}, {2, 2, 1, 1, 1, 1}});
}

TEST_CASE("a table begins standard normal", "[nn][embedding]") {
    manual_seed(3);
    const auto table = nn::Embedding{100, 100}.state_dict().at("weight");
    double sum = 0;
    double squares = 0;
    for (const float v : table) {
        sum += v;
        squares += static_cast<double>(v) * v;
    }
    CHECK(std::abs(sum / 10000) < 0.04);
    CHECK(squares / 10000 == Approx(1).epsilon(0.05));
}

TEST_CASE("an embedding is the first layer of a model over indices", "[nn][embedding]") {
    manual_seed(5);
    nn::Sequential net{nn::Embedding<double>{4, 3}, nn::Flatten{}, nn::Linear<double>{6, 2}};
    const Tensor<double> indices{{3, 2}, {0, 3, 3, 1, 2, 2}};
    CHECK(net(indices).shape() == Shape{3, 2});
    sum(net(indices)).backward();
    auto weight = net.named_parameters().at("0.weight");
    for (Index i = 0; i < weight.numel(); ++i) {
        const double before = weight.value()[i];
        weight.mutable_value()[i] = before + 1e-5;
        const double above = sum(net(indices)).item();
        weight.mutable_value()[i] = before - 1e-5;
        const double below = sum(net(indices)).item();
        weight.mutable_value()[i] = before;
        REQUIRE(weight.grad()[i] == Approx((above - below) / 2e-5).margin(1e-8));
    }
}

TEST_CASE("an embedding refuses what is no index of its table", "[nn][embedding]") {
    CHECK_THROWS_AS((nn::Embedding{0, 2}), ValueError);
    CHECK_THROWS_WITH((nn::Embedding{0, 2}), "[Embedding] expected positive counts, got 0 and 2");
    CHECK_THROWS_WITH((nn::Embedding{3, -2}), "[Embedding] expected positive counts, got 3 and -2");
    const nn::Embedding layer{3, 2};
    const auto index = [&](Index i) { return layer(Tensor<Index>{{1}, {i}}); };
    CHECK_THROWS_AS(index(3), ValueError);
    CHECK_THROWS_WITH(index(3), "[embedding] expected indices in [0, 3), got 3");
    CHECK_THROWS_WITH(index(-1), "[embedding] expected indices in [0, 3), got -1");
    const auto value = [&](float v) { return layer(Variable<float>{Tensor<float>{{1}, {v}}}); };
    CHECK_THROWS_WITH(value(0.5f), "[embedding] expected whole indices in [0, 3), got 0.5");
    CHECK_THROWS_WITH(value(3), "[embedding] expected whole indices in [0, 3), got 3");
    CHECK_THROWS_WITH(value(-1), "[embedding] expected whole indices in [0, 3), got -1");
    CHECK_THROWS_AS(value(std::numeric_limits<float>::infinity()), ValueError);
    CHECK_THROWS_AS(value(std::numeric_limits<float>::quiet_NaN()), ValueError);
    CHECK_THROWS_AS(value(1e30f), ValueError);  // an Index could not hold it
}

TEST_CASE("an embedding begins with vectors that are known", "[nn][embedding]") {
    const nn::Embedding layer{Tensor<float>{{3, 2}, {1, 2, 3, 4, 5, 6}}};
    CHECK(layer(Tensor<Index>{{2}, {2, 0}}).value() == Tensor<float>{{2, 2}, {5, 6, 1, 2}});
    CHECK(layer.parameters()[0].requires_grad());
    CHECK_THROWS_AS((nn::Embedding{Tensor<float>{Shape{3}}}), ShapeError);
    CHECK_THROWS_WITH((nn::Embedding{Tensor<float>{Shape{3, 0}}}), "[Embedding] expected vectors (entries, width), got shape (3, 0)");
}

TEST_CASE("a sparse embedding looks up the same, and its gradient lists rows", "[nn][embedding][sparse]") {
    const Tensor<double> vectors{{3, 2}, {1, 2, 3, 4, 5, 6}};
    const nn::Embedding<double> sparse{vectors, {.sparse = true}};
    const auto copy = sparse;  // an option travels with the layer
    const Tensor<Index> indices{{2, 2}, {2, 0, 2, 2}};
    const nn::Embedding<double> dense{vectors};
    CHECK(copy(indices).value() == dense(indices).value());
    sum(copy(indices)).backward();
    auto layer = copy;
    sum(layer(Variable<double>{indices.cast<double>()})).backward();
    const auto weight = layer.parameters()[0];
    REQUIRE(weight.has_sparse_grad());
    CHECK(weight.sparse_grad().rows == Tensor<Index>{{2}, {2, 0}});
    CHECK(weight.grad() == Tensor<double>{{3, 2}, {1, 1, 0, 0, 3, 3}});
}
