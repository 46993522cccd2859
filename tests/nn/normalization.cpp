// SPDX-License-Identifier: MIT
#include <espalier/nn/normalization.hpp>

#include "nn/testing.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using testing::names;
using testing::normal;
using testing::same_bits;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("batch normalisation has parameters and running statistics", "[nn][normalization]", float, double) {
    using T = TestType;
    nn::BatchNorm<T> layer{2};
    CHECK(names(layer.named_parameters()) == Names{"weight", "bias"});
    CHECK(names(layer.state_dict()) == Names{"weight", "bias", "running_mean", "running_var"});
    CHECK(layer.parameter_count() == 4);
    CHECK(layer.state_dict().at("weight") == Tensor<T>::ones({2}));
    CHECK(layer.state_dict().at("bias") == Tensor<T>::zeros({2}));
    CHECK(layer.state_dict().at("running_mean") == Tensor<T>::zeros({2}));
    CHECK(layer.state_dict().at("running_var") == Tensor<T>::ones({2}));
}

TEMPLATE_TEST_CASE("batch normalisation: in training by the batch, in evaluation by what it remembers", "[nn][normalization]", float,
                   double) {
    using T = TestType;
    nn::BatchNorm<T> layer{2, {.eps = 0.5, .momentum = 0.25}};
    layer.parameters()[0].mutable_value() = Tensor<T>{{2}, {1, 2}};
    layer.parameters()[1].mutable_value() = Tensor<T>{{2}, {0, 10}};
    const Tensor<T> x{{4, 2}, {1, 0, 3, 0, 5, 4, 7, 4}};  // means 4 and 2, variances 5 and 4, unbiased 20/3 and 16/3
    const auto expected = [&](double m0, double m1, double v0, double v1) {
        auto y = Tensor<T>::empty(x.shape());
        for (Index n = 0; n < 4; ++n) {
            y.at(n, 0) = static_cast<T>((static_cast<double>(x.at(n, 0)) - m0) / std::sqrt(v0 + 0.5));
            y.at(n, 1) = static_cast<T>(10 + 2 * (static_cast<double>(x.at(n, 1)) - m1) / std::sqrt(v1 + 0.5));
        }
        return y;
    };
    testing::require_close(layer(x).value(), expected(4, 2, 5, 4), 1e-6);
    const auto running = layer.state_dict();
    testing::require_close(running.at("running_mean"), Tensor<T>{{2}, {1, 0.5}}, 1e-6);
    testing::require_close(running.at("running_var"), Tensor<T>{{2}, {static_cast<T>(0.75 + 5.0 / 3), static_cast<T>(0.75 + 4.0 / 3)}},
                           1e-6);
    layer.eval();
    testing::require_close(layer(x).value(), expected(1, 0.5, 0.75 + 5.0 / 3, 0.75 + 4.0 / 3), 1e-6);
    CHECK(same_bits(layer.state_dict(), running));
    CHECK(layer(x.slice(0, 1)).shape() == Shape{1, 2});  // one sample is enough in evaluation
}

TEST_CASE("a copied batch normalisation remembers on its own", "[nn][normalization]") {
    nn::BatchNorm a{3};
    const nn::BatchNorm<float> b = a;
    (void)a(normal<float>({2, 2, 2, 3}));
    CHECK(b.state_dict().at("running_mean") == Tensor<float>::zeros({3}));
    CHECK_FALSE(a.state_dict().at("running_mean") == Tensor<float>::zeros({3}));
}

TEST_CASE("values that are not finite never enter the running statistics", "[nn][normalization]") {
    nn::BatchNorm layer{2};
    (void)layer(normal<float>({4, 2}));
    const auto before = layer.state_dict();
    auto x = normal<float>({4, 2});
    x.at(1, 1) = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_AS(layer(x), ValueError);
    CHECK_THROWS_WITH(layer(x), ContainsSubstring("[batch_norm] expected finite running statistics, got mean ") &&
                                    ContainsSubstring("nan in channel 1 after input (4, 2)"));
    x.at(1, 1) = std::numeric_limits<float>::infinity();
    CHECK_THROWS_AS(layer(x), ValueError);
    x.at(1, 1) = 1e30f;  // finite, its square is not
    CHECK_THROWS_AS(layer(x), ValueError);
    CHECK(same_bits(layer.state_dict(), before));
}

TEMPLATE_TEST_CASE("layer normalisation is over the last axis of each row", "[nn][normalization]", float, double) {
    using T = TestType;
    nn::LayerNorm<T> layer{2, 1.0};
    CHECK(names(layer.state_dict()) == Names{"weight", "bias"});
    CHECK(layer.parameter_count() == 4);
    layer.parameters()[0].mutable_value() = Tensor<T>{{2}, {2, 1}};
    layer.parameters()[1].mutable_value() = Tensor<T>{{2}, {0, 5}};
    const T r = static_cast<T>(1 / std::sqrt(2.0));  // of values one off their mean, with eps 1
    testing::require_close(layer(Tensor<T>{{2, 2}, {1, 3, 9, 7}}).value(), Tensor<T>{{2, 2}, {-2 * r, 5 + r, 2 * r, 5 - r}}, 1e-6);
}

TEST_CASE("gradients of normalising layers", "[nn][normalization]") {
    nn::BatchNorm<double> batch{3};
    nn::LayerNorm<double> rows{3};
    for (auto parameters : {batch.parameters(), rows.parameters()})
        for (std::size_t i = 0; i < parameters.size(); ++i)
            parameters[i].mutable_value() = normal<double>({3}, 4 + i);
    const auto x = normal<double>({2, 2, 2, 3}, 2);
    testing::require_gradients(batch, x);
    batch.eval();
    testing::require_gradients(batch, x);
    testing::require_gradients(rows, x);
}

TEST_CASE("normalising layers refuse what does not fit", "[nn][normalization]") {
    CHECK_THROWS_AS(nn::BatchNorm{0}, ValueError);
    CHECK_THROWS_WITH(nn::BatchNorm{0}, "[BatchNorm] expected at least one channel, got 0");
    CHECK_THROWS_WITH((nn::BatchNorm{2, {.eps = 0}}), "[BatchNorm] expected an eps above 0, got 0");
    CHECK_THROWS_WITH((nn::BatchNorm{2, {.momentum = 1.5}}), "[BatchNorm] expected a momentum in [0, 1], got 1.5");
    CHECK_THROWS_WITH(nn::LayerNorm{-3}, "[LayerNorm] expected at least one channel, got -3");
    CHECK_THROWS_WITH((nn::LayerNorm{3, -1.0}), "[LayerNorm] expected an eps above 0, got -1");
    nn::BatchNorm batch{3};
    const auto before = batch.state_dict();
    CHECK_THROWS_AS(batch(Tensor<float>{Shape{4, 2}}), ShapeError);
    CHECK_THROWS_WITH(batch(Tensor<float>{Shape{4, 2}}), "[batch_norm] expected 3 channels, got input (4, 2), weight (3,), bias (3,)");
    CHECK_THROWS_WITH(batch(Tensor<float>{Shape{3}}), "[batch_norm] expected (N, ..., C), got input (3,)");
    CHECK_THROWS_AS(batch(Tensor<float>{Shape{1, 3}}), ValueError);
    CHECK_THROWS_WITH(batch(Tensor<float>{Shape{1, 3}}),
                      "[batch_norm] expected more than one value for each channel in training, got input (1, 3)");
    CHECK(same_bits(batch.state_dict(), before));
    CHECK_THROWS_WITH(nn::LayerNorm{3}(Tensor<float>{Shape{4, 2}}),
                      "[layer_norm] expected 3 channels, got input (4, 2), weight (3,), bias (3,)");
}
