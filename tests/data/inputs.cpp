// SPDX-License-Identifier: MIT
#include <espalier/data/inputs.hpp>

#include "catch.hpp"

#include <utility>
#include <vector>

using namespace espalier;

TEMPLATE_TEST_CASE("an input holds numbers or indices, and its samples are chosen as those of a tensor", "[data][inputs]", float, double) {
    using T = TestType;
    const Tensor<T> numbers{{3, 2}, {1, 2, 3, 4, 5, 6}};
    const Tensor<Index> codes{{3}, {7, -1, 9}};
    const data::Inputs<T> inputs{{"size", numbers}, {"colour", codes}};
    CHECK_FALSE(inputs.at("size").has_indices());
    CHECK(inputs.at("colour").has_indices());
    CHECK(data::values_of(inputs, "size") == numbers);
    CHECK(data::indices_of(inputs, "colour") == codes);
    CHECK(data::size_of(inputs) == 3);
    CHECK(inputs.at("size").shape() == Shape{3, 2});
    const std::vector<Index> chosen{2, 0, 2};
    CHECK(inputs.at("size").gather(chosen).values() == Tensor<T>{{3, 2}, {5, 6, 1, 2, 5, 6}});
    CHECK(inputs.at("colour").gather(chosen).indices() == Tensor<Index>{{3}, {9, 7, 9}});
    CHECK(inputs.at("size").slice(1, 2).values() == Tensor<T>{{1, 2}, {3, 4}});
    CHECK(inputs.at("colour").slice(1, 1).indices() == Tensor<Index>{Shape{0}});
    CHECK(inputs.at("colour") == data::Input<T>{codes});
    CHECK_FALSE(inputs.at("colour") == data::Input<T>{codes.template cast<T>()});
    auto copy = inputs;
    CHECK(std::move(copy.at("size")).values() == numbers);
    CHECK(data::Input<T>{}.size() == 0);
}

TEST_CASE("what an input does not hold, and what does not fit together, is named", "[data][inputs]") {
    const data::Inputs<> inputs{{"age", Tensor<float>{Shape{3, 1}}}, {"job", Tensor<Index>{Shape{2}}}};
    CHECK_THROWS_AS(data::input_of(inputs, "jobs"), StateError);
    CHECK_THROWS_WITH(data::input_of(inputs, "jobs"), "[inputs] expected an input 'jobs', got 'age', 'job'");
    CHECK_THROWS_WITH(data::values_of(inputs, "job"), "[inputs] expected numbers in input 'job', got indices of shape (2,)");
    CHECK_THROWS_WITH(data::indices_of(inputs, "age"), "[inputs] expected indices in input 'age', got numbers of shape (3, 1)");
    CHECK_THROWS_AS(inputs.at("job").values(), StateError);
    CHECK_THROWS_WITH(inputs.at("age").indices(), "[input] expected indices, got numbers of shape (3, 1)");
    CHECK_THROWS_AS(data::Input<>{Tensor<float>::scalar(1)}, ShapeError);
    CHECK_THROWS_AS(data::size_of(inputs), ShapeError);
    CHECK_THROWS_WITH(data::size_of(inputs), "[inputs] expected 3 samples in input 'job' as in 'age', got shape (2,)");
    CHECK_THROWS_AS(data::size_of(data::Inputs<>{}), ValueError);
    const std::vector<Index> outside{3};
    CHECK_THROWS_AS(inputs.at("age").gather(outside), ValueError);
    CHECK_THROWS_AS(inputs.at("job").slice(0, 3), ShapeError);
}
