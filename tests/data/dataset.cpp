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

TEMPLATE_TEST_CASE("a set holds inputs by name, and gathers all of them", "[data][dataset]", float, double) {
    using T = TestType;
    const data::Inputs<T> inputs{{"x", Tensor<T>{{3, 1}, {1, 2, 3}}}, {"code", Tensor<Index>{{3}, {7, 8, 9}}}};
    const data::Dataset set{inputs, {{"t", Tensor<Index>{{3}, {4, 5, 6}}}, {"v", Tensor<T>{Shape{3}}}}};
    const data::Dataset single{inputs, "t", Tensor<Index>{Shape{3}}};
    const data::Dataset<T> in_braces{{{"x", Tensor<T>{Shape{2}}}, {"code", Tensor<Index>{Shape{2}}}}, {{"t", Tensor<Index>{Shape{2}}}}};
    CHECK(set.size() == 3);
    CHECK(single.tasks() == Names{"t"});
    CHECK(in_braces.size() == 2);
    CHECK(set.named_inputs() == inputs);
    CHECK(set.samples().size() == 3);
    const std::vector<Index> chosen{2, 0};
    auto some = set.gather(chosen);
    CHECK(data::values_of(some.named_inputs(), "x") == Tensor<T>{{2, 1}, {3, 1}});
    CHECK(data::indices_of(some.named_inputs(), "code") == Tensor<Index>{{2}, {9, 7}});
    CHECK(some.target("t").labels() == Tensor<Index>{{2}, {6, 4}});
    CHECK(std::move(some).named_inputs().size() == 2);
    CHECK(some.size() == 0);  // moved from
    CHECK_THROWS_AS(set.inputs(), StateError);
    CHECK_THROWS_WITH(set.inputs(), "[dataset] expected inputs that are one tensor, got 'x', 'code', which are named_inputs()");
    CHECK(data::Dataset<T>{Tensor<T>{Shape{2}}, "t", Tensor<Index>{Shape{2}}}.named_inputs().empty());
}

TEST_CASE("inputs by name that do not fit together are refused with their names", "[data][dataset]") {
    const Tensor<Index> labels{Shape{3}};
    const data::Inputs<> uneven{{"x", Tensor<float>{Shape{3}}}, {"code", Tensor<Index>{Shape{2}}}};
    CHECK_THROWS_WITH((data::Dataset{uneven, "t", labels}), "[inputs] expected 3 samples in input 'code' as in 'x', got shape (2,)");
    CHECK_THROWS_AS((data::Dataset{data::Inputs<>{}, "t", labels}), ValueError);
    const data::Inputs<> fewer{{"x", Tensor<float>{Shape{2, 5}}}};
    CHECK_THROWS_WITH((data::Dataset{fewer, "t", labels}),
                      "[dataset] expected 2 samples in target 't' as in input 'x' (2, 5), got shape (3,)");
    CHECK_THROWS_WITH((data::Dataset{data::Inputs<>{{"x", Tensor<float>{Shape{0, 5}}}}, "t", Tensor<Index>{}}),
                      "[dataset] expected at least one sample, got input 'x' (0, 5)");
}
