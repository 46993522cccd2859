// SPDX-License-Identifier: MIT
#include <espalier/data/dataset.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace espalier;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("a set holds inputs and a target for each task", "[data][dataset]", float, double) {
    const auto inputs = Tensor<TestType>::arange(8).reshape({4, 2});
    const data::Dataset single{inputs, "class", Tensor<Index>{{4}, {0, 1, 0, 1}}};
    CHECK(single.size() == 4);
    CHECK(single.tasks() == Names{"class"});
    CHECK(single.inputs() == inputs);
    CHECK(single.target("class").labels() == Tensor<Index>{{4}, {0, 1, 0, 1}});

    const data::Dataset several{inputs, {{"class", Tensor<Index>{Shape{4}}}, {"value", Tensor<TestType>{Shape{4, 3}}}}};
    CHECK(several.tasks() == Names{"class", "value"});
    CHECK_FALSE(several.target("value").has_labels());
    CHECK_THROWS_WITH(several.target("other"), ContainsSubstring("expected one of 'class', 'value', got 'other'"));
}

TEST_CASE("samples are gathered with their targets and masks", "[data][dataset]") {
    const data::Dataset set{Tensor<float>::arange(3), "t",
                            losses::Target<float>{Tensor<Index>{{3}, {5, 6, 7}}, Tensor<bool>{{3}, {true, false, true}}}};
    const std::vector<Index> indices{2, 1, 2, 0};
    const auto some = set.gather(indices);
    CHECK(some.inputs() == Tensor<float>{{4}, {2, 1, 2, 0}});
    CHECK(some.target("t").labels() == Tensor<Index>{{4}, {7, 6, 7, 5}});
    CHECK(*some.target("t").mask() == Tensor<bool>{{4}, {true, false, true, true}});
    const std::vector<Index> outside{3};
    CHECK_THROWS_AS(set.gather(outside), ValueError);
    CHECK_THROWS_AS(set.gather({}), ValueError);
}

TEST_CASE("a set that does not fit together is refused", "[data][dataset]") {
    const Tensor<float> inputs{Shape{4, 2}};
    CHECK_THROWS_AS((data::Dataset{Tensor<float>{Shape{0, 2}}, "t", Tensor<Index>{Shape{0}}}), ValueError);
    CHECK_THROWS_WITH((data::Dataset{Tensor<float>{Shape{0, 2}}, "t", Tensor<Index>{Shape{0}}}),
                      ContainsSubstring("[dataset] expected at least one sample, got inputs of shape (0, 2)"));
    CHECK_THROWS_WITH((data::Dataset<float>{inputs, losses::Targets<float>{}}),
                      ContainsSubstring("expected the target of at least one task"));
    CHECK_THROWS_AS((data::Dataset{inputs, "t", Tensor<Index>{Shape{3}}}), ShapeError);
    CHECK_THROWS_WITH((data::Dataset{inputs, "t", Tensor<Index>{Shape{3}}}),
                      ContainsSubstring("expected 4 samples in target 't' as in inputs (4, 2), got shape (3,)"));
    CHECK_THROWS_AS((data::Dataset{Tensor<float>::scalar(1), "t", Tensor<Index>{Shape{1}}}), ShapeError);
}
