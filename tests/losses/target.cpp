// SPDX-License-Identifier: MIT
#include <espalier/losses/target.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

using namespace espalier;
using losses::Target;

TEST_CASE("A target holds class indices or values", "[losses]") {
    const Target<float> labels{Tensor<Index>{{3}, {1, 2, 0}}};
    REQUIRE(labels.has_labels());
    REQUIRE(labels.labels() == Tensor<Index>{{3}, {1, 2, 0}});
    REQUIRE(labels.size() == 3);
    REQUIRE(labels.mask() == nullptr);
    REQUIRE(labels.weight() == nullptr);
    REQUIRE(labels.labelled_count() == 3);
    REQUIRE_THROWS_AS(labels.values(), StateError);
    REQUIRE_THROWS_WITH(labels.values(), "[target] expected values, got class indices of shape (3,)");
    const Target<float> values{Tensor<float>{{2, 1}, {0.5F, 1}}};
    REQUIRE_FALSE(values.has_labels());
    REQUIRE(values.values().size(0) == 2);
    REQUIRE_THROWS_WITH(values.labels(), "[target] expected class indices, got values of shape (2, 1)");
    REQUIRE(Target<float>{}.size() == 0);
    REQUIRE(Target<float>{}.labelled_count() == 0);
}

TEST_CASE("A mask says which samples are labelled, and goes along when samples are gathered", "[losses]") {
    const Target<float> target{Tensor<Index>{{3}, {1, 2, 0}}, Tensor<bool>{{3}, {true, false, true}}};
    REQUIRE(target.labelled_count() == 2);
    REQUIRE_FALSE(target.labelled(1));
    REQUIRE_FALSE(target.masks_elements());
    const auto part = target.gather(std::vector<Index>{1, 2});
    REQUIRE(part.labels() == Tensor<Index>{{2}, {2, 0}});
    REQUIRE_FALSE(part.labelled(0));
    REQUIRE(part.labelled(1));
    REQUIRE_THROWS_AS(target.gather(std::vector<Index>{3}), ValueError);
}

TEST_CASE("A mask of elements labels a sample that has any, and counts elements", "[losses]") {
    const Target<float> target{Tensor<float>{{3, 2}}, Tensor<bool>{{3, 2}, {true, true, false, false, false, true}}};
    REQUIRE(target.masks_elements());
    REQUIRE(target.labelled(0));
    REQUIRE_FALSE(target.labelled(1));
    REQUIRE(target.labelled(2));
    REQUIRE(target.labelled_count() == 2);
    REQUIRE(target.counted() == 3);
    REQUIRE(target.counted(2) == 1);
    REQUIRE_FALSE(target.counts(4));
    REQUIRE(target.counts(5));
    const auto part = target.gather(std::vector<Index>{2, 1});
    REQUIRE(*part.mask() == Tensor<bool>{{2, 2}, {false, true, false, false}});
    const Target<float> images{Tensor<Index>{{1, 2, 2}}, Tensor<bool>{{1, 2, 2}, {true, false, true, true}}};
    REQUIRE(images.counted() == 3);
    const Target<float> samples{Tensor<float>{{2, 3}}, Tensor<bool>{{2}, {false, true}}};
    REQUIRE(samples.counted() == 3);
    REQUIRE(samples.counts(3));
    REQUIRE_FALSE(samples.counts(2));
}

TEST_CASE("A sample of weight 0 is not labelled", "[losses]") {
    const Target<float> target{Tensor<float>{{3, 2}},
                               {.mask = Tensor<bool>{{3}, {true, true, false}}, .weight = Tensor<float>{{3}, {0, 2.5F, 1}}}};
    REQUIRE(target.labelled_count() == 1);
    REQUIRE(target.counted() == 2);
    REQUIRE(target.weight_of(1) == 0);
    REQUIRE(target.weight_of(2) == 2.5F);
    REQUIRE(target.weight_of(4) == 0);
    const auto part = target.gather(std::vector<Index>{1, 1, 0});
    REQUIRE(*part.weight() == Tensor<float>{{3}, {2.5F, 2.5F, 0}});
    REQUIRE(part.labelled_count() == 2);
}

TEST_CASE("A target is changed with its mask and weights", "[losses]") {
    Target<float> target{Tensor<Index>{{2}, {1, 2}}, {.mask = Tensor<bool>{{2}, {true, false}}, .weight = Tensor<float>{{2}, {3, 4}}}};
    target = {Tensor<Index>{{2}, {5, 6}}, target.options()};
    REQUIRE(target.labels() == Tensor<Index>{{2}, {5, 6}});
    REQUIRE(target.weight_of(0) == 3);
    REQUIRE_FALSE(target.labelled(1));
    const losses::TargetOptions<float> moved = std::move(target).options();
    REQUIRE(*moved.weight == Tensor<float>{{2}, {3, 4}});
}

TEST_CASE("A target without samples, or of samples without elements, labels nothing", "[losses]") {
    for (const Shape& shape : {Shape{0}, Shape{0, 3}, Shape{3, 0}}) {
        CAPTURE(shape);
        const Tensor<bool> each = Tensor<bool>::full(shape, true);
        const Index n = shape[0];
        for (const Target<float>& target : {Target<float>{Tensor<float>{shape}}, Target<float>{Tensor<float>{shape}, each},
                                            Target<float>{Tensor<float>{shape}, {.mask = {}, .weight = Tensor<float>::ones({n})}}}) {
            REQUIRE(target.counted() == 0);
            REQUIRE(target.labelled_count() == 0);
        }
    }
}

TEST_CASE("A target is written in one line", "[losses]") {
    const Tensor<float> values{{2, 1}};
    const Tensor<Index> labels{{2}};
    const Tensor<bool> mask{{2}, {true, false}};
    const Tensor<float> weight{{2}, {1, 2}};
    REQUIRE(Target{values, mask}.labelled_count() == 1);
    REQUIRE(Target{labels, mask}.labelled_count() == 1);
    REQUIRE(Target{values, {.mask = mask, .weight = weight}}.labelled_count() == 1);
    REQUIRE(Target{labels, {.mask = mask}}.labelled_count() == 1);
    REQUIRE(Target{labels, {.weight = weight}}.labelled_count() == 2);
    REQUIRE(Target{values, {}}.labelled_count() == 2);
    REQUIRE(Target{values, {mask}}.labelled_count() == 1);
    const losses::Targets<float> targets{{"a", values}, {"b", {values, mask}}, {"c", {labels, {.mask = mask, .weight = weight}}}};
    REQUIRE(targets.at("c").weight_of(0) == 1);
    STATIC_REQUIRE(std::is_same_v<decltype(Target{labels, {.weight = weight}}), Target<float>>);
    STATIC_REQUIRE(std::is_same_v<decltype(Target{Tensor<double>{}, {.weight = Tensor<double>{}}}), Target<double>>);
}

TEST_CASE("What a temporary target holds is moved out of it", "[losses]") {
    const auto labels = [] { return Target<float>{Tensor<Index>{{2}, {3, 4}}}; };
    const auto& kept = labels().labels();  // a value, which the reference keeps alive
    REQUIRE(kept == Tensor<Index>{{2}, {3, 4}});
    const auto& shape = labels().shape();
    REQUIRE(shape == Shape{2});
    STATIC_REQUIRE(std::is_same_v<decltype(labels().labels()), Tensor<Index>>);
    STATIC_REQUIRE(std::is_same_v<decltype(labels().values()), Tensor<float>>);
    REQUIRE_THROWS_AS(labels().values(), StateError);
    Target<float> values{Tensor<float>{{1}, {7}}};
    REQUIRE(std::move(values).values() == Tensor<float>{{1}, {7}});
}

TEST_CASE("A target refuses labels without a batch axis and masks of another shape", "[losses]") {
    REQUIRE_THROWS_WITH(Target<float>{Tensor<float>::scalar(1)}, "[target] expected a batch axis, got shape ()");
    REQUIRE_THROWS_AS((Target<float>{Tensor<Index>{{3}}, Tensor<bool>{{2}}}), ShapeError);
    REQUIRE_THROWS_WITH((Target<float>{Tensor<Index>{{3}}, Tensor<bool>{{2}}}), "[target] expected a mask of shape (3,), got (2,)");
    REQUIRE_THROWS_WITH((Target<float>{Tensor<float>{{3, 2}}, Tensor<bool>{{3, 1}}}),
                        "[target] expected a mask of shape (3,) for samples or (3, 2) for elements, got (3, 1)");
}

TEST_CASE("A target refuses weights that are not one finite number of at least 0 for each sample", "[losses]") {
    const auto with = [](const Tensor<float>& weight) { return Target<float>{Tensor<float>{{2, 3}}, {.mask = {}, .weight = weight}}; };
    REQUIRE_THROWS_AS(with(Tensor<float>{{2, 3}}), ShapeError);
    REQUIRE_THROWS_WITH(with(Tensor<float>{{2, 3}}), "[target] expected weights of shape (2,), one for each sample, got (2, 3)");
    REQUIRE_THROWS_AS(with(Tensor<float>{{2}, {1, -1}}), ValueError);
    REQUIRE_THROWS_WITH(with(Tensor<float>{{2}, {1, -1}}), "[target] expected finite weights of at least 0, got -1 at sample 1");
    REQUIRE_THROWS_AS(with(Tensor<float>{{2}, {std::nanf(""), 1}}), ValueError);
    REQUIRE_THROWS_AS(with(Tensor<float>{{2}, {1, std::numeric_limits<float>::infinity()}}), ValueError);
}
