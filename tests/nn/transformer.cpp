// SPDX-License-Identifier: MIT
#include <espalier/io/safetensors.hpp>
#include <espalier/nn/transformer.hpp>

#include "nn/testing.hpp"

#include <limits>

using namespace espalier;
using testing::names;
using testing::normal;
using testing::require_close;
using testing::same_bits;

namespace {

const io::TensorFile& golden() {
    static const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/attention.safetensors");
    return file;
}

/// `call(layer, inputs)` gives what PyTorch's layer of that case does, and its gradients.
template <class T, class Layer, class Call>
void same_as_pytorch(const std::string& key, Layer layer, const Call& call) {
    CAPTURE(key);
    const double tolerance = std::is_same_v<T, double> ? 1e-10 : 1e-5;
    auto parameters = layer.named_parameters();
    for (auto& [name, parameter] : parameters)
        parameter.mutable_value() = golden().get<T>(key + "/parameter/" + name);
    std::vector<Variable<T>> inputs;
    while (golden().contains(key + "/input" + std::to_string(inputs.size())))
        inputs.emplace_back(golden().get<T>(key + "/input" + std::to_string(inputs.size())), true);
    const Variable<T> y = call(layer, inputs);
    require_close(y.value(), golden().get<T>(key + "/output"), tolerance);
    sum(y * Variable<T>{golden().get<T>(key + "/cotangent")}).backward();
    for (std::size_t i = 0; i < inputs.size(); ++i)
        require_close(inputs[i].grad(), golden().get<T>(key + "/input_gradient" + std::to_string(i)), tolerance);
    for (auto& [name, parameter] : parameters)
        require_close(parameter.grad(), golden().get<T>(key + "/gradient/" + name), tolerance);
}

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
    same_as_pytorch<T>("multihead/self", MultiheadAttention<T>{6, 2}, itself);
    same_as_pytorch<T>("multihead/plain", MultiheadAttention<T>{6, 1, {.bias = false}}, itself);
    same_as_pytorch<T>("multihead/causal", MultiheadAttention<T>{6, 3},
                       [](auto& layer, const auto& x) { return layer(x[0], nn::AttentionMask{.causal = true}); });
    same_as_pytorch<T>("multihead/cross", MultiheadAttention<T>{6, 2}, [](auto& layer, const auto& x) {
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
        same_as_pytorch<T>("encoder/" + kind + "_relu", nn::TransformerEncoderLayer<T>{6, 2, relu}, encode);
        same_as_pytorch<T>("encoder/" + kind + "_gelu", nn::TransformerEncoderLayer<T>{6, 2, gelu}, encode);
        same_as_pytorch<T>("decoder/" + kind, nn::TransformerDecoderLayer<T>{6, 2, relu}, [](auto& layer, const auto& x) {
            return layer(x[0], x[1], nn::AttentionMask{.causal = true, .memory_lengths = lengths({5, 2})});
        });
    }
}

TEST_CASE("what is behind a sequence's end changes nothing, not even the bits", "[nn][attention]") {
    manual_seed(1);
    nn::TransformerEncoder encoder{8, 2, 2, {.feed_forward = 12, .dropout = 0}};
    auto alone = normal<float>({1, 3, 8});
    auto padded = Tensor<float>::full({2, 7, 8}, std::numeric_limits<float>::quiet_NaN());
    std::copy(alone.begin(), alone.end(), padded.begin());
    const auto other = normal<float>({7, 8});
    std::copy(other.begin(), other.end(), padded.begin() + 7 * 8);
    const Variable<> x{alone, true}, y{padded, true};
    const auto expected = encoder(x);
    const auto got = encoder(y, {.lengths = lengths({3, 7})});
    CHECK(same_bits(autograd::narrow(autograd::narrow(got, 0, 0, 1), 1, 0, 3).value(), expected.value()));
    sum(expected * expected).backward();
    const auto part = autograd::narrow(autograd::narrow(got, 0, 0, 1), 1, 0, 3);
    sum(part * part).backward();
    const auto of_part = autograd::narrow(autograd::narrow(Variable<>{y.grad()}, 0, 0, 1), 1, 0, 3);
    CHECK(same_bits(of_part.value(), x.grad()));
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
    nn::MultiheadAttention layer{6, 2};
    CHECK_THROWS_WITH(layer(Tensor<float>{Shape{2, 3, 5}}), "[MultiheadAttention] expected sequences (N, L, 6), got (2, 3, 5)");
    CHECK_THROWS_WITH(layer(normal<float>({2, 3, 6}), {.lengths = lengths({4, 1})}),
                      "[self_attention] expected lengths of 0 to 3 of the queries, got 4");
}
