// SPDX-License-Identifier: MIT
#include <espalier/data/combine.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace espalier;
using Names = std::vector<std::string>;

TEST_CASE("sets of the same samples become one with the labels of all", "[data][combine]") {
    const auto inputs = Tensor<float>::arange(6).reshape({3, 2});
    const data::Dataset colour{inputs, "colour", Tensor<Index>{{3}, {0, 1, 2}}};
    const data::Dataset weight{inputs, "weight", Tensor<float>{{3, 1}, {0.5, 1.5, 2.5}}};
    const auto both = data::combine_labels(colour, weight);
    CHECK(both.inputs() == inputs);
    CHECK(both.tasks() == Names{"colour", "weight"});
    CHECK(both.target("colour").labels() == colour.target("colour").labels());
    CHECK(both.target("weight").values() == weight.target("weight").values());
    CHECK(both.target("colour").mask() == nullptr);
    CHECK(data::combine_labels(std::vector{colour, weight}).tasks() == both.tasks());
}

TEST_CASE("labels of other samples are not combined", "[data][combine]") {
    const data::Dataset a{Tensor<float>{{2}, {1, 2}}, "a", Tensor<Index>{Shape{2}}};
    const data::Dataset longer{Tensor<float>{{3}, {1, 2, 3}}, "b", Tensor<Index>{Shape{3}}};
    const data::Dataset other{Tensor<float>{{2}, {1, 3}}, "b", Tensor<Index>{Shape{2}}};
    CHECK_THROWS_AS(data::combine_labels(a, longer), ShapeError);
    CHECK_THROWS_WITH(data::combine_labels(a, longer),
                      ContainsSubstring("[combine_labels] expected the same inputs in every set, got shapes (2,) and (3,)"));
    CHECK_THROWS_AS(data::combine_labels(a, other), ValueError);
    CHECK_THROWS_WITH(data::combine_labels(a, other), ContainsSubstring("got other values for 'b' than for 'a'"));
    CHECK_THROWS_AS(data::combine_labels(a, a), StateError);
    CHECK_THROWS_WITH(data::combine_labels(a, a), ContainsSubstring("expected each task in one set only, got 'a' twice"));
    CHECK_THROWS_AS(data::combine_labels(std::vector<data::Dataset<float>>{}), ValueError);
}

TEMPLATE_TEST_CASE("sets of different samples become one with masks", "[data][combine]", float, double) {
    using T = TestType;
    const data::Dataset faces{Tensor<T>{{2, 1}, {1, 2}}, "age", Tensor<T>{{2, 2}, {10, 11, 20, 21}}};
    const data::Dataset plates{Tensor<T>{{3, 1}, {3, 4, 5}}, "digit", Tensor<Index>{{3}, {7, 8, 9}}};
    const auto all = data::combine_samples(faces, plates);
    CHECK(all.inputs() == Tensor<T>{{5, 1}, {1, 2, 3, 4, 5}});
    CHECK(all.tasks() == Names{"age", "digit"});
    CHECK(all.target("age").values() == Tensor<T>{{5, 2}, {10, 11, 20, 21, 0, 0, 0, 0, 0, 0}});
    CHECK(*all.target("age").mask() == Tensor<bool>{{5}, {true, true, false, false, false}});
    CHECK(all.target("digit").labels() == Tensor<Index>{{5}, {0, 0, 7, 8, 9}});
    CHECK(*all.target("digit").mask() == Tensor<bool>{{5}, {false, false, true, true, true}});
    CHECK(data::combine_samples(std::vector{faces, plates}).target("digit").labelled_count() == 3);
}

TEST_CASE("a task of several sets is joined, and its masks are kept", "[data][combine]") {
    const data::Dataset first{Tensor<float>{{1}, {1}}, "t", Tensor<Index>{{1}, {4}}};
    const data::Dataset second{Tensor<float>{{2}, {2, 3}}, "t",
                               losses::Target<float>{Tensor<Index>{{2}, {5, 6}}, Tensor<bool>{{2}, {false, true}}}};
    const auto plain = data::combine_samples(first, first);
    CHECK(plain.target("t").labels() == Tensor<Index>{{2}, {4, 4}});
    CHECK(plain.target("t").mask() == nullptr);
    const auto masked = data::combine_samples(first, second);
    CHECK(masked.target("t").labels() == Tensor<Index>{{3}, {4, 5, 6}});
    CHECK(*masked.target("t").mask() == Tensor<bool>{{3}, {true, false, true}});
    const data::Dataset third{Tensor<float>{{1}, {9}}, "u", Tensor<Index>{{1}, {1}}};
    const auto three = data::combine_samples(third, first, second);
    CHECK(three.tasks() == Names{"u", "t"});
    CHECK(three.target("t").labels() == Tensor<Index>{{4}, {0, 4, 5, 6}});
    CHECK(*three.target("t").mask() == Tensor<bool>{{4}, {false, true, false, true}});
}

TEST_CASE("samples that do not fit are not combined", "[data][combine]") {
    const data::Dataset a{Tensor<float>{Shape{2, 3}}, "t", Tensor<Index>{Shape{2}}};
    const data::Dataset wider{Tensor<float>{Shape{2, 4}}, "t", Tensor<Index>{Shape{2}}};
    const data::Dataset values{Tensor<float>{Shape{1, 3}}, "t", Tensor<float>{Shape{1}}};
    const data::Dataset grid{Tensor<float>{Shape{1, 3}}, "t", Tensor<Index>{Shape{1, 8}}};
    CHECK_THROWS_AS(data::combine_samples(a, wider), ShapeError);
    CHECK_THROWS_WITH(data::combine_samples(a, wider),
                      ContainsSubstring("[combine_samples] expected samples of one shape, got inputs (2, 3) and (2, 4)"));
    CHECK_THROWS_AS(data::combine_samples(a, values), ValueError);
    CHECK_THROWS_WITH(data::combine_samples(a, values), ContainsSubstring("one kind of target for task 't'"));
    CHECK_THROWS_AS(data::combine_samples(a, grid), ShapeError);
    CHECK_THROWS_WITH(data::combine_samples(a, grid), ContainsSubstring("for task 't', got (2,) and (1, 8)"));
}

TEST_CASE("masks of elements and weights go along when samples are combined", "[data][combine]") {
    using Target = losses::Target<float>;
    const data::Dataset holes{Tensor<float>{{2}, {1, 2}}, "t",
                              Target{Tensor<float>{{2, 2}, {1, 2, 3, 4}}, Tensor<bool>{{2, 2}, {true, false, false, true}}}};
    const data::Dataset samples{
        Tensor<float>{{2}, {3, 4}}, "t",
        Target{Tensor<float>{{2, 2}, {5, 6, 7, 8}}, {.mask = Tensor<bool>{{2}, {false, true}}, .weight = Tensor<float>{{2}, {0.5F, 2}}}}};
    const data::Dataset plain{Tensor<float>{{1}, {5}}, "t", Tensor<float>{{1, 2}, {9, 10}}};
    const data::Dataset other{Tensor<float>{{1}, {6}}, "u", Tensor<Index>{{1}, {1}}};
    const auto all = data::combine_samples(holes, samples, plain, other);
    const Target& t = all.target("t");
    CHECK(*t.mask() == Tensor<bool>{{6, 2}, {true, false, false, true, false, false, true, true, true, true, false, false}});
    CHECK(*t.weight() == Tensor<float>{{6}, {1, 1, 0.5F, 2, 1, 1}});
    CHECK(t.labelled_count() == 4);
    CHECK(t.counted() == 6);
    CHECK(all.target("u").weight() == nullptr);
    CHECK_FALSE(all.target("u").masks_elements());
    const auto weighted = data::combine_samples(plain, samples);
    CHECK(*weighted.target("t").mask() == Tensor<bool>{{3}, {true, false, true}});
    const auto twice = data::combine_samples(samples, samples);
    CHECK(*twice.target("t").weight() == Tensor<float>{{4}, {0.5F, 2, 0.5F, 2}});
    const data::Dataset only_weights{Tensor<float>{{1}, {5}}, "t",
                                     Target{Tensor<float>{{1, 2}}, {.mask = {}, .weight = Tensor<float>{{1}}}}};
    const auto without_mask = data::combine_samples(plain, only_weights);
    CHECK(without_mask.target("t").mask() == nullptr);
    CHECK(without_mask.target("t").labelled_count() == 1);
    const data::Dataset measured{Tensor<float>{{2}, {1, 2}}, "v",
                                 Target{Tensor<float>{{2}}, {.mask = {}, .weight = Tensor<float>{{2}, {3, 4}}}}};
    const auto labels = data::combine_labels(holes, measured);
    CHECK(labels.target("t").masks_elements());
    CHECK(labels.target("v").weight_of(1) == 4);
}

TEST_CASE("inputs by name are combined name by name", "[data][combine]") {
    using Inputs = data::Inputs<float>;
    const data::Dataset a{Inputs{{"x", Tensor<float>{{2, 1}, {1, 2}}}, {"code", Tensor<Index>{{2}, {3, 4}}}}, "a",
                          Tensor<Index>{{2}, {0, 1}}};
    const data::Dataset b{Inputs{{"x", Tensor<float>{{1, 1}, {5}}}, {"code", Tensor<Index>{{1}, {6}}}}, "b", Tensor<Index>{{1}, {1}}};
    const auto samples = data::combine_samples(a, b);
    CHECK(data::values_of(samples.named_inputs(), "x") == Tensor<float>{{3, 1}, {1, 2, 5}});
    CHECK(data::indices_of(samples.named_inputs(), "code") == Tensor<Index>{{3}, {3, 4, 6}});
    CHECK(*samples.target("b").mask() == Tensor<bool>{{3}, {false, false, true}});
    const data::Dataset c{a.named_inputs(), "c", Tensor<Index>{{2}, {1, 0}}};
    const auto labels = data::combine_labels(a, c);
    CHECK(labels.named_inputs() == a.named_inputs());
    CHECK(labels.tasks() == Names{"a", "c"});

    const auto with = [](Inputs inputs) { return data::Dataset{std::move(inputs), "d", Tensor<Index>{Shape{2}}}; };
    const Tensor<Index> codes{{2}, {3, 5}};
    CHECK_THROWS_WITH(data::combine_labels(a, with({{"x", Tensor<float>{{2, 1}, {1, 2}}}, {"code", codes}})),
                      ContainsSubstring("got other values for 'd' than for 'a'"));
    CHECK_THROWS_WITH(data::combine_labels(a, with({{"x", Tensor<float>{Shape{2, 2}}}, {"code", codes}})),
                      ContainsSubstring("got shapes (2, 1) and (2, 2) of input 'x'"));
    CHECK_THROWS_WITH(data::combine_samples(a, with({{"x", Tensor<float>{Shape{2, 2}}}, {"code", codes}})),
                      ContainsSubstring("expected samples of one shape, got inputs 'x' (2, 1) and (2, 2)"));
    CHECK_THROWS_WITH(data::combine_samples(a, with({{"x", Tensor<float>{Shape{2, 1}}}, {"code", Tensor<float>{Shape{2}}}})),
                      ContainsSubstring("expected one kind of input 'code', got indices in one set and numbers in another"));
    const auto other = with({{"x", Tensor<float>{Shape{2, 1}}}});
    CHECK_THROWS_AS(data::combine_samples(a, other), StateError);
    CHECK_THROWS_WITH(data::combine_labels(a, other),
                      "[combine_labels] expected inputs of the same names in every set, got 'x', 'code' and 'x'");
    CHECK_THROWS_WITH(data::combine_samples(a, data::Dataset{Tensor<float>{Shape{2, 1}}, "d", codes}),
                      "[combine_samples] expected inputs of the same names in every set, got 'x', 'code' and one tensor");
}
