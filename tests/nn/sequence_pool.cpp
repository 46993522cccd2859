// SPDX-License-Identifier: MIT
#include <espalier/io/safetensors.hpp>
#include <espalier/nn/sequence_pool.hpp>

#include "nn/golden_layer.hpp"

#include <algorithm>
#include <limits>

using namespace espalier;
using nn::SequencePooling;
using testing::normal;
using testing::same_bits;

namespace {

/// Whether `layer` gives each sequence of a batch, padded with NaN, the bits that it gives it alone, there and back.
template <class T, class Layer>
void same_alone(Layer& layer, Index features) {
    const Tensor<Index> lengths{{5}, {3, 6, 0, 1, 6}};
    auto values = normal<T>({5, 6, features});
    for (Index i = 0; i < 5; ++i)
        std::fill(values.data() + (i * 6 + lengths[i]) * features, values.data() + (i + 1) * 6 * features,
                  std::numeric_limits<T>::quiet_NaN());
    const Variable<T> x{values, true};
    const auto y = layer(x, lengths);
    REQUIRE(y.shape() == Shape{5, features});
    const auto cotangents = normal<T>(y.shape(), 2);
    const auto dx = autograd::vjp<T>(y, cotangents.reshape(y.shape().prepended(1)), std::vector{x})[0];
    for (Index i = 0; i < 5; ++i) {
        CAPTURE(i);
        for (Index j = lengths[i] * features; j < 6 * features; ++j)
            REQUIRE(dx[i * 6 * features + j] == 0);
        if (lengths[i] == 0) {
            CHECK(y.value().slice(i, i + 1) == Tensor<T>{Shape{1, features}});
            continue;
        }
        const auto part = [&](const Tensor<T>& all) {
            const auto sample = all.slice(i, i + 1);
            return Tensor<T>{{1, lengths[i], features}, sample.span().first(static_cast<std::size_t>(lengths[i] * features))};
        };
        const Variable<T> alone{part(values), true};
        const auto own = layer(alone);
        CHECK(same_bits(own.value(), y.value().slice(i, i + 1)));
        const auto own_dx = autograd::vjp<T>(own, cotangents.slice(i, i + 1).reshape({1, 1, features}), std::vector{alone})[0].reshape(
            alone.shape());
        CHECK(same_bits(own_dx, part(dx.reshape(values.shape()))));
    }
}

}  // namespace

TEMPLATE_TEST_CASE("a sequence alone and in a padded batch is pooled to the same bits, there and back", "[nn][sequence_pool]", float,
                   double) {
    using T = TestType;
    manual_seed(1);
    for (const Index features : {1, 7, 40}) {
        for (const auto pooling : {SequencePooling::mean, SequencePooling::max, SequencePooling::last}) {
            CAPTURE(features, static_cast<int>(pooling));
            nn::SequencePool layer{pooling};
            same_alone<T>(layer, features);
        }
        nn::AttentionPool<T> layer{features, 5};
        same_alone<T>(layer, features);
    }
}

TEMPLATE_TEST_CASE("attention pooling gives PyTorch's values and gradients", "[nn][sequence_pool]", float, double) {
    testing::same_as_pytorch<TestType>("sequences", "attention_pool", nn::AttentionPool<TestType>{4, 6}, [](auto& layer, const auto& x) {
        return layer(x[0], Tensor<Index>{{3}, {5, 1, 3}});
    });
}

TEST_CASE("pooling of the largest takes the first of equals, and NaN passes", "[nn][sequence_pool]") {
    const nn::SequencePool layer{SequencePooling::max};
    const Variable<> x{Tensor<float>{{1, 4, 1}, {-3, -2, -2, 5}}, true};
    const auto y = layer(x, Tensor<Index>{{1}, {3}});
    CHECK(y.value()[0] == -2);
    sum(y).backward();
    CHECK(x.grad() == Tensor<float>{{1, 4, 1}, {0, 1, 0, 0}});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(layer(Variable<>{Tensor<float>{{1, 3, 1}, {1, nan, 2}}}).value()[0]));
}

TEST_CASE("padding that is NaN reaches no weight of attention pooling", "[nn][sequence_pool]") {
    manual_seed(1);
    nn::AttentionPool<> layer{3, 4};
    auto values = normal<float>({2, 5, 3});
    std::fill(values.data() + 6, values.data() + 15, std::numeric_limits<float>::quiet_NaN());
    sum(layer(Variable<>{values}, Tensor<Index>{{2}, {2, 5}})).backward();
    for (const auto& parameter : layer.parameters())
        for (const float gradient : parameter.grad())
            CHECK(std::isfinite(gradient));
}

TEST_CASE("sequences that are all empty, and batches of nothing", "[nn][sequence_pool]") {
    nn::AttentionPool<> layer{3, 4};
    const Tensor<Index> none{Shape{2}};
    Variable<> x{normal<float>({2, 5, 3}), true};
    for (const auto& y : {layer(x, none), nn::SequencePool{}(x, none), nn::SequencePool{SequencePooling::max}(x, none),
                          nn::SequencePool{SequencePooling::last}(x, none)}) {
        CHECK(y.value() == Tensor<float>{Shape{2, 3}});
        x.zero_grad();
        sum(y).backward();
        CHECK(x.grad() == Tensor<float>{x.shape()});
    }
    CHECK(layer(Variable<>{Tensor<float>{Shape{0, 5, 3}}}).shape() == Shape{0, 3});
    CHECK(layer(Variable<>{Tensor<float>{Shape{2, 0, 3}}}).value() == Tensor<float>{Shape{2, 3}});
    CHECK(nn::SequencePool{}(Variable<>{Tensor<float>{Shape{2, 0, 3}}}).value() == Tensor<float>{Shape{2, 3}});
}

TEST_CASE("what pooling over sequences refuses", "[nn][sequence_pool]") {
    CHECK_THROWS_WITH((nn::AttentionPool{0, 4}), "[AttentionPool] expected positive features and hidden units, got 0 and 4");
    nn::AttentionPool<> layer{3, 4};
    CHECK(layer.named_parameters().names() == "'proj.weight', 'proj.bias', 'query'");
    CHECK_THROWS_WITH(layer(Variable<>{Tensor<float>{Shape{2, 5, 4}}}), "[AttentionPool] expected sequences (N, L, 3), got (2, 5, 4)");
    CHECK_THROWS_WITH(layer(Variable<>{Tensor<float>{Shape{2, 5, 3}}}, Tensor<Index>{{2}, {6, 1}}),
                      "[conv1d] expected lengths of 0 to 5, got 6");
    CHECK_THROWS_WITH(nn::SequencePool{}(Variable<>{Tensor<float>{Shape{2, 5}}}),
                      "[sequence_mean] expected sequences (N, L, C), got input (2, 5)");
}
