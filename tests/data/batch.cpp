// SPDX-License-Identifier: MIT
#include <espalier/data/batch.hpp>

#include "catch.hpp"

#include <vector>

using namespace espalier;

TEST_CASE("a batch has one tensor or inputs by name, and gathers either", "[data][batch]") {
    const std::vector<Index> chosen{1, 1};
    const data::Batch<> one{Tensor<float>{{2, 1}, {3, 4}}, {{"t", Tensor<Index>{{2}, {5, 6}}}}};
    CHECK(one.size() == 2);
    CHECK(one.gather(chosen).input == Tensor<float>{{2, 1}, {4, 4}});
    CHECK(one.gather(chosen).targets.at("t").labels() == Tensor<Index>{{2}, {6, 6}});
    CHECK(one.inputs.empty());

    const data::Batch<> several{{}, one.targets, {{"x", one.input}, {"code", Tensor<Index>{{2}, {8, 9}}}}};
    CHECK(several.size() == 2);
    const auto some = several.gather(chosen);
    CHECK(some.size() == 2);
    CHECK(data::values_of(some.inputs, "x") == Tensor<float>{{2, 1}, {4, 4}});
    CHECK(data::indices_of(some.inputs, "code") == Tensor<Index>{{2}, {9, 9}});
    CHECK(several.gather({}).size() == 0);
    CHECK(data::Batch<>{}.size() == 0);
}

TEST_CASE("a batch without inputs, with both kinds or of several sizes says so", "[data][batch]") {
    const losses::Targets<> targets{{"t", Tensor<Index>{Shape{2}}}};
    const data::Batch<> neither{{}, targets};
    CHECK_THROWS_AS(neither.size(), ShapeError);
    CHECK_THROWS_WITH(neither.size(), "[batch] expected an input, or inputs by name, beside targets 't', got neither");
    const data::Batch<> both{Tensor<float>{Shape{2, 3}}, targets, {{"x", Tensor<float>{Shape{2}}}}};
    CHECK_THROWS_WITH(both.size(), "[batch] expected an input, or inputs by name, got both, (2, 3) and 'x'");
    const data::Batch<> uneven{{}, targets, {{"x", Tensor<float>{Shape{2}}}, {"code", Tensor<Index>{Shape{3}}}}};
    CHECK_THROWS_WITH(uneven.size(), "[inputs] expected 2 samples in input 'code' as in 'x', got shape (3,)");
    CHECK_THROWS_AS((data::Batch<>{Tensor<float>::scalar(1), {}}).size(), ShapeError);
}
