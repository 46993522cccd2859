// SPDX-License-Identifier: MIT
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/encoder.hpp>
#include <espalier/nn/linear.hpp>

#include "nn/testing.hpp"

#include <type_traits>
#include <utility>

using namespace espalier;
using testing::names;
using testing::normal;
using testing::same_bits;
using Names = std::vector<std::string>;

namespace {

template <class T>
nn::Concatenated<T> words_and_numbers(std::uint64_t seed = 1) {
    manual_seed(seed);
    return {nn::From{"x", nn::Linear<T>{2, 3}}, nn::From{"word", nn::Embedding<T>{5, 2}}};
}
template <class T>
data::Inputs<T> sample(Index count) {
    Tensor<Index> words{Shape{count}};
    for (Index i = 0; i < count; ++i)
        words[i] = i * 3 % 5;
    return {{"word", words}, {"x", normal<T>({count, 2})}};
}

}  // namespace

TEST_CASE("an encoder makes one variable of inputs by name", "[nn][encoder]") {
    using T = double;
    const auto inputs = sample<T>(4);
    nn::Encoder<T> lambda = [](const data::Inputs<T>& in) { return Variable<T>{data::values_of(in, "x")} * T(2); };
    CHECK(lambda(inputs).value()[0] == 2 * data::values_of(inputs, "x")[0]);

    auto both = words_and_numbers<T>();
    CHECK(names(both.named_parameters()) == Names{"0.weight", "0.bias", "1.weight"});
    const auto y = both(inputs);
    REQUIRE(y.shape() == Shape{4, 5});
    manual_seed(1);
    const nn::Linear<T> linear{2, 3};
    const nn::Embedding<T> embedding{5, 2};
    const auto left = linear(Variable<T>{data::values_of(inputs, "x")});
    const auto right = embedding(data::indices_of(inputs, "word"));
    CHECK(y.value() == autograd::cat({left, right}, 1).value());
    CHECK(both(sample<T>(0)).shape() == Shape{0, 5});
    CHECK(both(sample<T>(1)).shape() == Shape{1, 5});

    sum(y * y).backward();
    sum(left * left).backward();
    sum(right * right).backward();
    CHECK(both.parameters()[0].grad() == linear.parameters()[0].grad());
    CHECK(both.parameters()[2].grad() == embedding.parameters()[0].grad());

    nn::Concatenated nested{both, nn::From{"x", [](const Variable<T>& x) { return x; }}};
    CHECK(std::is_same_v<decltype(nested), nn::Concatenated<T>>);
    CHECK(nested(inputs).shape() == Shape{4, 7});
    CHECK_FALSE(std::is_constructible_v<nn::Encoder<T>, nn::From<nn::Linear<float>>>);
    nn::Concatenated<T> copy{both};
    CHECK(names(copy.named_parameters()) == Names{"0.weight", "0.bias", "1.weight"});
}

TEST_CASE("an index that a float does not hold reaches the row that it means", "[nn][encoder]") {
    const Index large = (Index{1} << 24) + 1;
    REQUIRE(static_cast<Index>(static_cast<float>(large)) != large);
    Tensor<float> table{Shape{large + 1, 1}};
    table[large - 1] = 1;
    table[large] = 2;
    nn::Encoder<> encoder = nn::From{"id", nn::Embedding{std::move(table)}};
    CHECK(encoder({{"id", Tensor<Index>{{2}, {large, large - 1}}}}).value() == Tensor<float>{{2, 1}, {2, 1}});
}

TEST_CASE("an embedding takes whole numbers by name as well, and a layer of indices alone does not", "[nn][encoder]") {
    nn::Encoder<> numbers = nn::From{"word", nn::Embedding{Tensor<float>{{2, 1}, {5, 6}}}};
    CHECK(numbers({{"word", Tensor<float>{{3}, {1, 0, 1}}}}).value() == Tensor<float>{{3, 1}, {6, 5, 6}});
    nn::Encoder<> counts = nn::From{"word", [](const Tensor<Index>& words) { return Variable<>{words.cast<float>()}; }};
    CHECK(counts({{"word", Tensor<Index>{{2}, {7, 8}}}}).value() == Tensor<float>{{2}, {7, 8}});
    CHECK_THROWS_WITH(counts({{"word", Tensor<float>{Shape{2}}}}), "[inputs] expected indices in input 'word', got numbers of shape (2,)");
}

TEST_CASE("a missing, misspelt or unsuitable input is named", "[nn][encoder]") {
    auto both = words_and_numbers<float>();
    CHECK_THROWS_AS(both({{"x", Tensor<float>{Shape{2, 2}}}, {"words", Tensor<Index>{Shape{2}}}}), StateError);
    CHECK_THROWS_WITH(both({{"x", Tensor<float>{Shape{2, 2}}}, {"words", Tensor<Index>{Shape{2}}}}),
                      "[inputs] expected an input 'word', got 'x', 'words'");
    CHECK_THROWS_WITH(both({{"word", Tensor<Index>{Shape{2}}}}), "[inputs] expected an input 'x', got 'word'");
    CHECK_THROWS_WITH(both({{"x", Tensor<Index>{Shape{2, 2}}}}), "[inputs] expected numbers in input 'x', got indices of shape (2, 2)");
    CHECK_THROWS_WITH(both({{"x", Tensor<float>{Shape{2, 3}}}, {"word", Tensor<Index>{Shape{2}}}}),
                      "[linear] expected 2 input features, got input (2, 3), in input 'x', in encoder 0");
    CHECK_THROWS_WITH(both({{"x", Tensor<float>{Shape{2, 2}}}, {"word", Tensor<Index>{Shape{2, 1}}}}),
                      ContainsSubstring("[cat] expected shapes that agree but for axis 1, got (2, 3) and (2, 1, 2)"));
    CHECK_THROWS_AS(both({{"x", Tensor<float>{Shape{2, 2}}}, {"word", Tensor<Index>{{2}, {4, 5}}}}), ValueError);
    CHECK_THROWS_WITH(both({{"x", Tensor<float>{Shape{2, 2}}}, {"word", Tensor<Index>{{2}, {4, 5}}}}),
                      "[embedding] expected indices in [0, 5), got 5, in input 'word'");
    nn::Encoder<float> forgetful = [captured = nn::Linear{2, 2}](const data::Inputs<>& in) {
        return captured(Variable<>{data::values_of(in, "x")});
    };
    CHECK_THROWS_WITH(forgetful(sample<float>(2)), ContainsSubstring("expected every parameter of a layer to be shown by its `visit`"));
}

TEST_CASE("an encoder is a value, as a layer is", "[nn][encoder]") {
    const auto inputs = sample<float>(3);
    nn::Encoder<float> a = words_and_numbers<float>(1);
    nn::Encoder<float> b = words_and_numbers<float>(2);
    auto copy = a;
    CHECK(same_bits(copy(inputs).value(), a(inputs).value()));
    const auto handle = a.parameters()[2];
    a = b;
    CHECK(same_bits(a(inputs).value(), b(inputs).value()));
    CHECK(a.parameters()[2].node() == handle.node());
    CHECK_FALSE(same_bits(copy(inputs).value(), a(inputs).value()));
    const auto moved = std::move(a);
    CHECK_THROWS_WITH(a(inputs), "[layer] expected a layer, got one that was moved from");
    a = copy;
    CHECK(same_bits(a(inputs).value(), copy(inputs).value()));
    b.load_state_dict(copy.state_dict());
    CHECK(same_bits(b(inputs).value(), copy(inputs).value()));
    REQUIRE(b.get_if<nn::Concatenated<float>>() != nullptr);
}
