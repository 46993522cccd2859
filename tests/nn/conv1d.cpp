// SPDX-License-Identifier: MIT
#include <espalier/nn/conv1d.hpp>
#include <espalier/nn/pooling1d.hpp>

#include <espalier/autograd/reshape.hpp>

#include "nn/testing.hpp"
#include "threads.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

const Tensor<Index> some_lengths{{9}, {3, 9, 0, 9, 1, 5, 5, 2, 7}};

/// The first `length` steps of sample i.
template <class T>
Tensor<T> part(const Tensor<T>& all, Index i, Index length) {
    const Index row = all.size(-1);
    const auto sample = all.slice(i, i + 1);
    return {{1, length, row}, sample.span().first(static_cast<std::size_t>(length * row))};
}

/// Whether `layer` gives each sequence of a batch, padded with NaN, the bits that it gives it alone, there and back.
template <class T, class Layer>
void same_alone(const Layer& layer, Index features) {
    const Index samples = some_lengths.numel(), longest = 9;
    auto values = normal<T>({samples, longest, features});
    const auto ends = layer.output_lengths(some_lengths);
    const Variable<T> batch{values, true};
    auto cotangents = normal<T>(layer(batch, some_lengths).shape(), 2);
    const auto spoil = [](Tensor<T>& all, const Tensor<Index>& lengths) {
        const Index row = all.size(1) * all.size(2);
        for (Index i = 0; i < all.size(0); ++i)
            std::fill(all.data() + i * row + lengths[i] * all.size(2), all.data() + (i + 1) * row, std::numeric_limits<T>::quiet_NaN());
    };
    spoil(values, some_lengths);
    spoil(cotangents, ends);
    for (const int threads : {1, 3}) {
        const testing::Threads guard{threads};
        const Variable<T> x{values, true};
        const auto y = layer(x, some_lengths);
        const auto dx = autograd::vjp<T>(y, cotangents.reshape(y.shape().prepended(1)), std::vector{x})[0].reshape(x.shape());
        for (Index i = 0; i < samples; ++i) {
            CAPTURE(threads, i);
            for (Index j = ends[i] * y.size(2); j < y.size(1) * y.size(2); ++j)
                REQUIRE(y.value()[i * y.size(1) * y.size(2) + j] == 0);
            for (Index j = (ends[i] ? some_lengths[i] : 0) * features; j < longest * features; ++j)
                REQUIRE(dx[i * longest * features + j] == 0);
            if (ends[i] == 0)
                continue;
            const Variable<T> alone{part(values, i, some_lengths[i]), true};
            const auto own = layer(alone);
            CHECK(same_bits(own.value(), part(y.value(), i, ends[i])));
            const auto cotangent = part(cotangents, i, ends[i]);
            const auto own_dx = autograd::vjp<T>(own, cotangent.reshape(cotangent.shape().prepended(1)), std::vector{alone})[0];
            CHECK(same_bits(own_dx.reshape(alone.shape()), part(dx, i, some_lengths[i])));
        }
    }
}

}  // namespace

TEMPLATE_TEST_CASE("a sequence alone and in a padded batch is convolved and pooled to the same bits, there and back", "[nn][conv1d]", float,
                   double) {
    using T = TestType;
    manual_seed(1);
    same_alone<T>(nn::Conv1d<T>{5, 8, 3}, 5);
    same_alone<T>(nn::Conv1d<T>{16, 16, 3, {.padding = 1}}, 16);
    same_alone<T>(nn::Conv1d<T>{6, 6, 3, {.stride = 2, .padding = 2, .dilation = 2, .groups = 6}}, 6);
    same_alone<T>(nn::Conv1d<T>{17, 33, 1, {.bias = false}}, 17);
    same_alone<T>(nn::MaxPool1d{2}, 5);
    same_alone<T>(nn::MaxPool1d{3, {.stride = 2, .padding = 1, .ceil_mode = true}}, 18);
    same_alone<T>(nn::AvgPool1d{2}, 5);
    same_alone<T>(nn::AvgPool1d{3, {.stride = 2, .padding = 1, .ceil_mode = true}}, 18);
    same_alone<T>(nn::AvgPool1d{3, {.stride = 2, .padding = 1, .count_include_pad = false}}, 18);
}

TEMPLATE_TEST_CASE("the gradients of a batch are the sums of its sequences', whichever of them have one length", "[nn][conv1d]", float,
                   double) {
    using T = TestType;
    manual_seed(1);
    nn::Conv1d<T> layer{2, 32, 5, {.padding = 2}};  // of images so many filters scatter the gradient of the input, of four or more
    const Tensor<Index> lengths{{7}, {6, 4, 6, 6, 4, 6, 6}};
    const Variable<T> x{normal<T>({7, 8, 2}), true};
    const auto y = layer(x, lengths);
    sum(y * y).backward();
    const auto together = testing::flat_gradients(layer.parameters());
    for (auto& parameter : layer.parameters())
        parameter.zero_grad();
    for (Index i = 0; i < 7; ++i) {
        CAPTURE(i);
        const Variable<T> alone{part(x.value(), i, lengths[i]), true};
        const auto own = layer(alone);
        sum(own * own).backward();
        CHECK(same_bits(part(x.grad(), i, lengths[i]), alone.grad()));
    }
    testing::require_close(together, testing::flat_gradients(layer.parameters()), 1e-5);
}

TEMPLATE_TEST_CASE("gradients of weights are those of the sequences alone, however long the padding is", "[nn][conv1d]", float, double) {
    using T = TestType;
    manual_seed(1);
    nn::Conv1d<T> layer{3, 4, 3, {.padding = 1}};
    std::vector<Tensor<T>> gradients;
    const Tensor<Index> lengths{{3}, {4, 0, 2}};
    for (const Index longest : {4, 4, 30}) {
        const auto values = normal<T>({3, 4, 3});
        auto padded = Tensor<T>::full({3, longest, 3}, std::numeric_limits<T>::quiet_NaN());
        for (Index i = 0; i < 3; ++i)
            std::copy_n(values.data() + i * 12, lengths[i] * 3, padded.data() + i * longest * 3);
        for (auto& parameter : layer.parameters())
            parameter.zero_grad();
        sum(layer(Variable<T>{padded}, lengths)).backward();
        gradients.push_back(testing::flat_gradients(layer.parameters()));
    }
    CHECK(same_bits(gradients[0], gradients[1]));
    CHECK(same_bits(gradients[0], gradients[2]));
    CHECK(layer.bias().variable().grad() == Tensor<T>::full({4}, 6));
}

TEST_CASE("lengths of what a convolution or a pooling gives", "[nn][conv1d]") {
    const auto of = [](const auto& layer) {
        const auto lengths = layer.output_lengths(Tensor<Index>{{6}, {0, 1, 2, 5, 6, 100}});
        return std::vector<Index>(lengths.begin(), lengths.end());
    };
    CHECK(of(nn::Conv1d{2, 3, 3}) == std::vector<Index>{0, 0, 0, 3, 4, 98});
    CHECK(of(nn::Conv1d{2, 3, 3, {.stride = 2, .padding = 1}}) == std::vector<Index>{0, 1, 1, 3, 3, 50});
    CHECK(of(nn::Conv1d{2, 3, 2, {.padding = 1, .dilation = 3}}) == std::vector<Index>{0, 0, 1, 4, 5, 99});
    CHECK(of(nn::MaxPool1d{2}) == std::vector<Index>{0, 0, 1, 2, 3, 50});
    CHECK(of(nn::MaxPool1d{2, {.ceil_mode = true}}) == std::vector<Index>{0, 1, 1, 3, 3, 50});
    CHECK(of(nn::AvgPool1d{2, {.stride = 1, .padding = 1}}) == std::vector<Index>{0, 2, 3, 6, 7, 101});
    CHECK_THROWS_WITH(nn::MaxPool1d{2}.output_lengths(Tensor<Index>{{1}, {-1}}), "[pool1d_lengths] expected lengths of at least 0, got -1");
}

TEMPLATE_TEST_CASE("batches of nothing, sequences of nothing, and sequences that are all too short", "[nn][conv1d]", float, double) {
    using T = TestType;
    const nn::Conv1d<T> layer{3, 4, 3};
    CHECK(layer(Variable<T>{Tensor<T>{Shape{0, 5, 3}}}).shape() == Shape{0, 3, 4});
    CHECK(layer(Variable<T>{Tensor<T>{Shape{0, 5, 3}}}, Tensor<Index>{Shape{0}}).shape() == Shape{0, 3, 4});
    CHECK_THROWS_AS(layer(Variable<T>{Tensor<T>{Shape{2, 0, 3}}}), ShapeError);
    CHECK(layer(Variable<T>{Tensor<T>{Shape{2, 0, 3}}}, Tensor<Index>{Shape{2}}).shape() == Shape{2, 0, 4});
    CHECK(nn::MaxPool1d{2}(Variable<T>{Tensor<T>{Shape{2, 1, 3}}}, Tensor<Index>{{2}, {1, 0}}).shape() == Shape{2, 0, 3});
    const Variable<T> x{normal<T>({2, 5, 3}), true};
    auto y = layer(x, Tensor<Index>{{2}, {2, 0}});
    CHECK(y.value() == Tensor<T>{Shape{2, 3, 4}});  // not even the bias
    nn::Conv1d<T> copy = layer;
    sum(copy(x, Tensor<Index>{{2}, {2, 0}})).backward();
    CHECK(x.grad() == Tensor<T>{x.shape()});
    CHECK(copy.weight().variable().grad() == Tensor<T>{copy.weight().shape()});
    CHECK(copy.bias().variable().grad() == Tensor<T>{Shape{4}});
}

TEST_CASE("a convolution along sequences is a layer: named, initialised as PyTorch's, and right in its gradients", "[nn][conv1d]") {
    manual_seed(1);
    nn::Conv1d<double> layer{4, 6, 3, {.stride = 2, .padding = 1, .groups = 2}};
    CHECK(layer.named_parameters().names() == "'weight', 'bias'");
    CHECK(layer.weight().shape() == Shape{6, 3, 2});
    for (const double value : testing::flat_values(layer))
        CHECK(std::abs(value) <= 1 / std::sqrt(6.0));
    testing::require_gradients(layer, normal<double>({2, 7, 4}));
    CHECK(nn::Conv1d<double>{4, 6, 3, {.bias = false}}.named_parameters().names() == "'weight'");
}

TEST_CASE("what a convolution along sequences refuses", "[nn][conv1d]") {
    CHECK_THROWS_WITH((nn::Conv1d{0, 4, 3}), "[Conv1d] expected positive channels and kernel, got 0, 4 and 3");
    CHECK_THROWS_WITH((nn::Conv1d{4, 4, 0}), "[Conv1d] expected positive channels and kernel, got 4, 4 and 0");
    CHECK_THROWS_WITH((nn::Conv1d{4, 6, 3, {.groups = 4}}), "[Conv1d] expected groups that divide 4 and 6 channels, got 4");
    const nn::Conv1d<> layer{3, 4, 3};
    CHECK_THROWS_WITH(layer(Variable<>{Tensor<float>{Shape{2, 2, 3}}}),
                      "[conv1d] expected padded sequences of at least 3 steps, got input (2, 2, 3) with padding 0");
    CHECK_THROWS_WITH(layer(Variable<>{Tensor<float>{Shape{2, 5, 3}}}, Tensor<Index>{{2}, {6, 1}}),
                      "[conv1d] expected lengths of 0 to 5, got 6");
}
