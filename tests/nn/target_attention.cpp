// SPDX-License-Identifier: MIT
#include <espalier/nn/target_attention.hpp>

#include "nn/golden_layer.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace espalier;
using testing::normal;
using testing::same_as_pytorch;
using testing::same_bits;

namespace {

Tensor<Index> lengths(const std::vector<Index>& values) { return {Shape{static_cast<Index>(values.size())}, values}; }

}  // namespace

TEMPLATE_TEST_CASE("target attention gives the values and gradients of PyTorch", "[nn][target_attention]", float, double) {
    using T = TestType;
    const auto of = [](std::vector<Index> ends) { return [ends](auto& layer, const auto& x) { return layer(x[0], lengths(ends), x[1]); }; };
    for (const bool softmax : {false, true}) {
        const auto attention = nn::TargetAttention<T>{3, {.hidden = {6}, .softmax = softmax}};
        same_as_pytorch<T>("recommend", softmax ? "attention/softmax" : "attention/plain", attention, of({3, 1, 4, 2}));
        same_as_pytorch<T>("recommend", softmax ? "attention/empty_softmax" : "attention/empty", attention, of({0, 4, 0, 1}));
    }
}

TEMPLATE_TEST_CASE("what is behind the end of a history is not read", "[nn][target_attention]", float, double) {
    using T = TestType;
    for (const bool softmax : {false, true}) {
        nn::TargetAttention<T> attention{2, {.hidden = {5}, .softmax = softmax}};
        const auto query = normal<T>({3, 2}, 2);
        auto padded = normal<T>({3, 4, 2});
        const auto run = [&](const Tensor<T>& history) {
            const Variable<T> x{history, true}, q{query, true};
            const auto y = attention(x, lengths({2, 0, 4}), q);
            sum(y * y).backward();
            return std::vector<Tensor<T>>{y.value(), x.grad(), q.grad()};
        };
        const auto once = run(padded);
        for (Index i = 0; i < padded.numel(); ++i)
            if ((i >= 4 && i < 16))  // behind 2 elements of the first, and all of the second
                padded[i] = std::numeric_limits<T>::quiet_NaN();
        const auto again = run(padded);
        for (std::size_t i = 0; i < once.size(); ++i)
            CHECK(same_bits(once[i], again[i]));
        CHECK((once[0].at(1, 0) == 0 && once[0].at(1, 1) == 0));
        CHECK((once[1][4] == 0 && once[1][15] == 0 && once[1][0] != 0));
        // The same histories end to end.
        auto elements = Tensor<T>::empty({6, 2});
        std::copy_n(padded.data(), 4, elements.data());
        std::copy_n(padded.data() + 16, 8, elements.data() + 4);
        CHECK(same_bits(attention(Variable<T>{elements}, lengths({2, 0, 4}), Variable<T>{query}).value(), once[0]));
    }
}

TEMPLATE_TEST_CASE("weights of a softmax add up to 1, and histories may all be empty", "[nn][target_attention]", float, double) {
    using T = TestType;
    nn::TargetAttention<T> attention{1, {.hidden = {}, .softmax = true}};
    const Variable<T> query{normal<T>({2, 1}), true};
    const auto y = attention(Variable<T>{Tensor<T>::ones({2, 3, 1})}, lengths({3, 1}), query);
    CHECK(y.value()[0] == Approx(1));
    CHECK(y.value()[1] == Approx(1));
    for (const bool softmax : {false, true}) {
        nn::TargetAttention<T> of_none{1, {.softmax = softmax}};
        const Variable<T> history{Tensor<T>::ones({2, 3, 1}), true};
        const auto nothing = of_none(history, lengths({0, 0}), query);
        CHECK(nothing.value() == Tensor<T>{{2, 1}, {0, 0}});
        sum(nothing).backward();
        CHECK(history.grad() == Tensor<T>{Shape{2, 3, 1}});
        CHECK(of_none(Variable<T>{Tensor<T>{Shape{2, 0, 1}}}, lengths({0, 0}), query).shape() == Shape{2, 1});
        CHECK(of_none(Variable<T>{Tensor<T>{Shape{0, 3, 1}}}, lengths({}), Variable<T>{Tensor<T>{Shape{0, 1}}}).shape() == Shape{0, 1});
    }
}

TEST_CASE("a unit of one's own, and what target attention refuses", "[nn][target_attention]") {
    nn::TargetAttention attention{nn::Layer<>{nn::Linear{8, 1}}};
    CHECK(attention.named_parameters().names() == "'unit.weight', 'unit.bias'");
    const Variable<> history{Tensor<float>::ones({2, 3, 2})}, query{Tensor<float>::ones({2, 2})};
    CHECK(attention(history, lengths({1, 3}), query).shape() == Shape{2, 2});
    CHECK_THROWS_WITH(attention(history, lengths({1}), query), "[TargetAttention] expected lengths (2,), got (1,)");
    CHECK_THROWS_WITH(attention(history, lengths({1, 4}), query), "[TargetAttention] expected lengths of 0 to 3, got 4 at sample 1");
    CHECK_THROWS_AS(attention(history, lengths({-1, 3}), query), ValueError);
    CHECK_THROWS_WITH(attention(history, lengths({1, 3}), Variable<>{Tensor<float>{Shape{2, 3}}}),
                      "[TargetAttention] expected queries (N, 2) and lengths (N,), got (2, 3) and (2,)");
    CHECK_THROWS_WITH(attention(Variable<>{Tensor<float>{Shape{3}}}, lengths({1}), query),
                      "[TargetAttention] expected histories (N, L, D), or (sum of lengths, D) end to end, got (3,)");
    CHECK_THROWS_WITH(attention(Variable<>{Tensor<float>{Shape{3, 2}}}, lengths({1, 3}), query),
                      "[TargetAttention] expected lengths that add up to 3 elements, got 3 where 2 are left");
    nn::TargetAttention wide{nn::Layer<>{nn::Linear{8, 2}}};
    CHECK_THROWS_WITH(wide(history, lengths({1, 3}), query),
                      "[TargetAttention] expected a weight (1, 4, 1) for each element from the unit, got (1, 4, 2)");
    CHECK_THROWS_AS((nn::TargetAttention{0}), ValueError);
    CHECK_THROWS_AS((nn::TargetAttention{2, {.hidden = {3, 0}}}), ValueError);
}
