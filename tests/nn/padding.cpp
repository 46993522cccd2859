// SPDX-License-Identifier: MIT
// What layers of sequences make of one, alone and in a batch where other things stand behind its end: the same bits, at widths where
// products of matrices take other ways for few rows than for many.
#include <espalier/autograd/reshape.hpp>
#include <espalier/nn/conv1d.hpp>
#include <espalier/nn/gru.hpp>
#include <espalier/nn/lstm.hpp>
#include <espalier/nn/pooling1d.hpp>
#include <espalier/nn/sequence_pool.hpp>
#include <espalier/nn/target_attention.hpp>

#include "nn/testing.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

using Layer = std::function<Variable<>(const Variable<>&, const Tensor<Index>&)>;

/// The first `steps` of the first sample.
Variable<> beginning(const Variable<>& y, Index steps) {
    const auto first = autograd::narrow(y, 0, 0, 1);
    return y.rank() == 3 ? autograd::narrow(first, 1, 0, steps) : first;
}

/// @param results how many steps of a result belong to the first sequence
void check_same_alone(const Layer& layer, Index features, Index length, Index results) {
    constexpr Index samples = 40, longest = 11;
    const auto alone = normal<float>({1, length, features});
    auto padded = normal<float>({samples, longest, features}, 2);
    std::fill_n(std::copy(alone.begin(), alone.end(), padded.begin()), (longest - length) * features,
                std::numeric_limits<float>::quiet_NaN());
    auto lengths = Tensor<Index>::full({samples}, longest);
    std::fill_n(lengths.begin(), 4, length);  // others of its length are worked on with it
    const Variable<> x{alone, true}, y{padded, true};
    const auto expected = beginning(layer(x, Tensor<Index>::full({1}, length)), results);
    const auto got = beginning(layer(y, lengths), results);
    CHECK(same_bits(got.value(), expected.value()));
    sum(expected * expected).backward();
    sum(got * got).backward();
    CHECK(same_bits(beginning(Variable<>{y.grad()}, length).value(), x.grad()));
}

}  // namespace

TEST_CASE("sequences come to the same bits in any batch, at any width", "[nn][long]") {
    manual_seed(1);
    for (const Index features : {5, 64, 160})
        for (const Index length : {1, 3, 7, 11}) {
            CAPTURE(features, length);
            nn::GRU gru{features, features + 16, {.bidirectional = true}};
            nn::LSTM lstm{features, features};
            nn::Conv1d conv{features, 80, 3, {.padding = 1}}, narrow{features, 6, 5, {.padding = 2}},
                depthwise{features, features, 3, {.padding = 1, .groups = features}};
            nn::MaxPool1d pool{3, {.stride = 1, .padding = 1}};
            nn::AttentionPool attention{features, 96};
            nn::TargetAttention target{features};
            const auto query = normal<float>({1, features}, 5);
            const std::vector<std::pair<std::string, Layer>> layers{
                {"gru", [&](const auto& x, const auto& lengths) { return gru(x, lengths); }},
                {"lstm", [&](const auto& x, const auto& lengths) { return lstm(x, lengths); }},
                {"conv1d", [&](const auto& x, const auto& lengths) { return conv(x, lengths); }},
                {"conv1d of few channels", [&](const auto& x, const auto& lengths) { return narrow(x, lengths); }},
                {"depthwise conv1d", [&](const auto& x, const auto& lengths) { return depthwise(x, lengths); }},
                {"max_pool1d", [&](const auto& x, const auto& lengths) { return pool(x, lengths); }},
                {"attention pool", [&](const auto& x, const auto& lengths) { return attention(x, lengths); }},
                {"mean", [&](const auto& x, const auto& lengths) { return nn::SequencePool{}(x, lengths); }},
                {"target attention",
                 [&](const auto& x, const auto& lengths) {
                     const auto rows = Tensor<Index>::full({x.size(0)}, 0);  // all ask the same
                     return target(x, lengths, autograd::embedding(Variable<>{query}, rows));
                 }},
            };
            for (const auto& [name, layer] : layers) {
                CAPTURE(name);
                check_same_alone(layer, features, length, length);
            }
        }
}
