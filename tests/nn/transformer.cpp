// SPDX-License-Identifier: MIT
#include <espalier/nn/transformer.hpp>

#include "nn/golden_layer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;
using testing::names;
using testing::normal;
using testing::same_as_pytorch;
using testing::same_bits;

namespace {

Tensor<Index> lengths(std::initializer_list<Index> values) {
    Tensor<Index> result{Shape{static_cast<Index>(values.size())}};
    std::copy(values.begin(), values.end(), result.begin());
    return result;
}

}  // namespace

TEMPLATE_TEST_CASE("multi-head attention gives PyTorch's values and gradients", "[nn][attention]", float, double) {
    using T = TestType;
    using nn::MultiheadAttention;
    const auto itself = [](auto& layer, const auto& x) { return layer(x[0]); };
    same_as_pytorch<T>("attention", "multihead/self", MultiheadAttention<T>{6, 2}, itself);
    same_as_pytorch<T>("attention", "multihead/plain", MultiheadAttention<T>{6, 1, {.bias = false}}, itself);
    same_as_pytorch<T>("attention", "multihead/causal", MultiheadAttention<T>{6, 3},
                       [](auto& layer, const auto& x) { return layer(x[0], nn::AttentionMask{.causal = true}); });
    same_as_pytorch<T>("attention", "multihead/cross", MultiheadAttention<T>{6, 2}, [](auto& layer, const auto& x) {
        return layer(x[0], x[1], nn::AttentionMask{.memory_lengths = lengths({5, 2})});
    });
}

TEMPLATE_TEST_CASE("layers of a Transformer give PyTorch's values and gradients", "[nn][attention]", float, double) {
    using T = TestType;
    for (const bool first : {false, true}) {
        const std::string kind = first ? "pre" : "post";
        const nn::TransformerOptions relu{.feed_forward = 10, .dropout = 0, .norm_first = first};
        const nn::TransformerOptions gelu{
            .feed_forward = 10, .dropout = 0, .activation = nn::FeedForwardActivation::gelu, .norm_first = first};
        const auto encode = [](auto& layer, const auto& x) { return layer(x[0]); };
        same_as_pytorch<T>("attention", "encoder/" + kind + "_relu", nn::TransformerEncoderLayer<T>{6, 2, relu}, encode);
        same_as_pytorch<T>("attention", "encoder/" + kind + "_gelu", nn::TransformerEncoderLayer<T>{6, 2, gelu}, encode);
        same_as_pytorch<T>("attention", "decoder/" + kind, nn::TransformerDecoderLayer<T>{6, 2, relu}, [](auto& layer, const auto& x) {
            return layer(x[0], x[1], nn::AttentionMask{.causal = true, .memory_lengths = lengths({5, 2})});
        });
    }
}

TEMPLATE_TEST_CASE("a stack of decoder layers gives PyTorch's values and gradients", "[nn][attention]", float, double) {
    using T = TestType;
    for (const bool first : {false, true}) {
        nn::TransformerDecoder<T> decoder{6, 2, 2, {.feed_forward = 10, .dropout = 0, .norm_first = first}};
        CHECK(names(decoder.named_parameters()).front() == "layers.0.self_attn.in_proj_weight");
        CHECK(names(decoder.named_parameters()).back() == (first ? "norm.bias" : "layers.1.norm3.bias"));
        same_as_pytorch<T>("sequences", first ? "decoder/pre" : "decoder/post", decoder, [](auto& layer, const auto& x) {
            return layer(x[0], x[1], nn::AttentionMask{.causal = true, .memory_lengths = lengths({5, 2})});
        });
    }
}

TEMPLATE_TEST_CASE("rotary attention and gated feed-forward layers give PyTorch's values and gradients", "[nn][attention]", float, double) {
    using T = TestType;
    same_as_pytorch<T>("sequences", "rotary_attention", nn::MultiheadAttention<T>{8, 2, {.rotary = true}},
                       [](auto& layer, const auto& x) { return layer(x[0]); });
    same_as_pytorch<T>("sequences", "swiglu_encoder",
                       nn::TransformerEncoderLayer<T>{
                           6, 2, {.feed_forward = 10, .dropout = 0, .activation = nn::FeedForwardActivation::swiglu, .norm_first = true}},
                       [](auto& layer, const auto& x) { return layer(x[0]); });
}

TEST_CASE("a decoder's sequences and memories of different lengths are what they are alone", "[nn][attention]") {
    manual_seed(1);
    nn::TransformerDecoder decoder{8, 2, 2, {.feed_forward = 12, .dropout = 0, .rotary = true}};
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const auto spoiled = [nan](Tensor<float> values, Index length) {  // the first sample
        std::fill(values.data() + length * 8, values.data() + values.size(1) * 8, nan);
        return values;
    };
    const auto part = [](const Tensor<float>& values, Index length) {
        return Tensor<float>{{1, length, 8}, values.span().first(static_cast<std::size_t>(length * 8))};
    };
    const auto values = normal<float>({2, 6, 8}), memory = normal<float>({2, 5, 8}, 2);
    const Variable<> x{spoiled(values, 3), true}, m{spoiled(memory, 2), true}, alone{part(values, 3), true}, own{part(memory, 2), true};
    const auto y = decoder(x, m, {.causal = true, .lengths = lengths({3, 6}), .memory_lengths = lengths({2, 5})});
    const auto expected = decoder(alone, own);
    CHECK(same_bits(part(y.value(), 3), expected.value()));
    sum(expected * expected).backward();
    const auto first = autograd::narrow(autograd::narrow(y, 0, 0, 1), 1, 0, 3);
    sum(first * first).backward();
    CHECK(same_bits(part(x.grad(), 3), alone.grad()));
    CHECK(same_bits(part(m.grad(), 2), own.grad()));
}

TEMPLATE_TEST_CASE("padding that a mask hides is as if behind lengths: never read", "[nn][attention]", float, double) {
    using T = TestType;
    const auto spoiled = [](Tensor<T> values, Index length) {  // the first sample
        std::fill(values.data() + length * 6, values.data() + values.size(1) * 6, std::numeric_limits<T>::quiet_NaN());
        return values;
    };
    const auto q = spoiled(normal<T>({2, 4, 6}), 2), k = spoiled(normal<T>({2, 5, 6}, 2), 3), v = spoiled(normal<T>({2, 5, 6}, 3), 3);
    Tensor<bool> mask{Shape{2, 4, 5}};
    for (Index i = 0; i < 4; ++i)
        for (Index j = 0; j < 5; ++j) {
            mask.at(0, i, j) = i < 2 && j < 3;
            mask.at(1, i, j) = true;
        }
    const auto values_and_gradients = [&](const autograd::AttentionOptions& options) {
        const Variable<T> queries{q, true}, keys{k, true}, values{v, true};
        const auto y = autograd::scaled_dot_product_attention(queries, keys, values, options);
        sum(y * y).backward();
        return std::vector{y.value(), queries.grad(), keys.grad(), values.grad()};
    };
    for (const bool causal : {false, true}) {
        const autograd::AttentionOptions hidden{.heads = 2, .causal = causal, .mask = mask};
        const auto expected = values_and_gradients(
            {.heads = 2, .causal = causal, .query_lengths = lengths({2, 4}), .key_lengths = lengths({3, 5})});
        const auto got = values_and_gradients(hidden);
        for (std::size_t i = 0; i < got.size(); ++i) {
            CHECK(std::all_of(got[i].begin(), got[i].end(), [](T value) { return std::isfinite(value); }));
            CHECK(same_bits(got[i], expected[i]));
        }
    }
    Tensor<bool> nothing{Shape{4, 5}};
    for (const auto& result : values_and_gradients({.heads = 2, .mask = nothing}))
        CHECK(std::all_of(result.begin(), result.end(), [](T value) { return value == 0; }));
}

TEST_CASE("behind the ends of sequences anything may stand, and no parameter's gradient shows it", "[nn][attention]") {
    const auto gradients = [](auto& layer, const auto& forward) {
        for (auto [name, parameter] : layer.named_parameters())
            parameter.zero_grad();
        const auto y = forward(layer);
        const auto first = autograd::narrow(autograd::narrow(y, 0, 0, 1), 1, 0, 3);
        sum(first * first).backward();
        std::vector<Tensor<float>> result;
        for (const auto& [name, parameter] : layer.named_parameters())
            result.push_back(parameter.grad());
        return result;
    };
    const auto filled = [](Tensor<float> values, Index length, float with) {  // the first sample
        std::fill(values.data() + length * 8, values.data() + values.size(1) * 8, with);
        return Variable<float>{std::move(values)};
    };
    const auto compare = [&](auto layer, const auto& forward) {
        const auto expected = gradients(layer, [&](auto& l) { return forward(l, 0.0F); });
        for (const float with : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 1e30F}) {
            const auto got = gradients(layer, [&](auto& l) { return forward(l, with); });
            for (std::size_t i = 0; i < got.size(); ++i)
                CHECK(same_bits(got[i], expected[i]));
        }
    };
    manual_seed(1);
    const auto x = normal<float>({2, 6, 8}), memory = normal<float>({2, 5, 8}, 2);
    const nn::AttentionMask mask{.lengths = lengths({3, 6}), .memory_lengths = lengths({2, 5})};
    const auto itself = [&](auto& layer, float with) { return layer(filled(x, 3, with), mask); };
    const auto other = [&](auto& layer, float with) { return layer(filled(x, 3, with), filled(memory, 2, with), mask); };
    compare(nn::MultiheadAttention<float>{8, 2}, itself);
    compare(nn::MultiheadAttention<float>{8, 2}, other);
    for (const bool first : {false, true}) {
        const nn::TransformerOptions options{.feed_forward = 12, .dropout = 0, .norm_first = first};
        compare(nn::TransformerEncoderLayer<float>{8, 2, options}, itself);
        compare(nn::TransformerDecoderLayer<float>{8, 2, options}, other);
    }
}

TEST_CASE("what rotary attention sees depends on distances alone", "[nn][attention]") {
    manual_seed(1);
    nn::MultiheadAttention<double> layer{8, 2, {.rotary = true}};
    const auto values = normal<double>({1, 6, 8});
    auto later = Tensor<double>{Shape{1, 9, 8}};  // three steps further on
    std::copy(values.begin(), values.end(), later.begin() + 24);
    Tensor<bool> pairs{Shape{9, 9}};
    for (Index i = 3; i < 9; ++i)
        for (Index j = 3; j < 9; ++j)
            pairs.at(i, j) = true;
    const auto y = layer(Variable<double>{later}, {.pairs = pairs});
    testing::require_close(autograd::narrow(y, 1, 3, 6).value(), layer(Variable<double>{values}).value(), 1e-12);
    CHECK_THROWS_WITH((nn::MultiheadAttention{6, 2, {.rotary = true}}),
                      "[MultiheadAttention] expected heads of an even width for a rotary one, got 3");
}

TEST_CASE("what is behind a sequence's end changes nothing, not even the bits", "[nn][attention][long]") {
    struct Sizes {
        Index features, feed_forward, samples, length;
    };
    for (const auto& [features, feed_forward, samples, length] : {Sizes{8, 12, 2, 7}, {64, 160, 30, 9}, {512, 1040, 2, 12}}) {
        CAPTURE(features);
        manual_seed(1);
        nn::TransformerEncoder encoder{features, 2, 2, {.feed_forward = feed_forward, .dropout = 0}};
        auto alone = normal<float>({1, 3, features});
        auto padded = normal<float>({samples, length, features}, 3);
        std::fill_n(std::copy(alone.begin(), alone.end(), padded.begin()), (length - 3) * features,
                    std::numeric_limits<float>::quiet_NaN());
        auto ends = Tensor<Index>::full({samples}, length);
        ends[0] = 3;
        const Variable<> x{alone, true}, y{padded, true};
        const auto expected = encoder(x);
        const auto got = encoder(y, {.lengths = ends});
        CHECK(same_bits(autograd::narrow(autograd::narrow(got, 0, 0, 1), 1, 0, 3).value(), expected.value()));
        sum(expected * expected).backward();
        const auto part = autograd::narrow(autograd::narrow(got, 0, 0, 1), 1, 0, 3);
        sum(part * part).backward();
        const auto of_part = autograd::narrow(autograd::narrow(Variable<>{y.grad()}, 0, 0, 1), 1, 0, 3);
        CHECK(same_bits(of_part.value(), x.grad()));
    }
}

TEST_CASE("a Transformer with dropout draws anew in training, and not at all in evaluation", "[nn][attention]") {
    manual_seed(1);
    nn::TransformerEncoder encoder{8, 2, 2, {.feed_forward = 12, .dropout = 0.5, .norm_first = true}};
    auto copy = encoder;
    const Variable<> x{normal<float>({2, 5, 8})};
    const auto first = encoder(x), second = encoder(x);
    CHECK_FALSE(same_bits(first.value(), second.value()));
    CHECK(same_bits(copy(x).value(), first.value()));
    const nn::EvalScope evaluation;
    CHECK(same_bits(encoder(x).value(), copy(x).value()));
    CHECK(names(encoder.named_parameters()).back() == "norm.bias");
}

TEST_CASE("attention of nothing", "[nn][attention]") {
    manual_seed(1);
    nn::TransformerEncoder encoder{6, 3, 1, {.feed_forward = 4}};
    CHECK(encoder(Tensor<float>{Shape{0, 5, 6}}).shape() == Shape{0, 5, 6});
    CHECK(encoder(Tensor<float>{Shape{2, 0, 6}}).shape() == Shape{2, 0, 6});
    CHECK(encoder(normal<float>({1, 1, 6})).shape() == Shape{1, 1, 6});
    const auto y = encoder(normal<float>({2, 3, 6}), {.lengths = lengths({0, 3})});
    for (const float value : y.value())
        CHECK(std::isfinite(value));
}

TEST_CASE("what attention refuses", "[nn][attention]") {
    CHECK_THROWS_WITH((nn::MultiheadAttention{6, 4}), "[MultiheadAttention] expected heads that divide at least one feature, got 4 and 6");
    CHECK_THROWS_AS((nn::MultiheadAttention{6, 2, {.dropout = 1}}), ValueError);
    CHECK_THROWS_AS((nn::TransformerEncoderLayer{6, 2, {.feed_forward = 0}}), ValueError);
    CHECK_THROWS_AS((nn::TransformerEncoder{6, 2, 0}), ValueError);
    CHECK_THROWS_WITH((nn::TransformerDecoder{6, 2, 0}), "[TransformerDecoder] expected at least one layer, got 0");
    nn::MultiheadAttention layer{6, 2};
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{2, 3, 5}}), "[MultiheadAttention] expected sequences (N, L, 6), got (2, 3, 5)");
    CHECK_THROWS_WITH(layer(normal<float>({2, 3, 6}), {.lengths = lengths({4, 1})}),
                      "[self_attention] expected lengths of 0 to 3 of the queries, got 4");
}
