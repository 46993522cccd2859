// SPDX-License-Identifier: MIT
#include <espalier/metrics/accuracy.hpp>

#include "catch.hpp"

#include <cmath>

using namespace espalier;
using losses::Target;
using metrics::Accuracy;

namespace {
const Tensor<float> scores{{4, 3}, {0.1F, 0.7F, 0.2F, 0.5F, 0.3F, 0.2F, 0.2F, 0.3F, 0.5F, 0.6F, 0.1F, 0.3F}};  // 1, 0, 2, 0
const Tensor<Index> labels{{4}, {1, 1, 2, 2}};
}  // namespace

TEST_CASE("Accuracy gathers over batches and starts again after a reset", "[metrics]") {
    Accuracy accuracy;
    accuracy.update(scores, labels);
    REQUIRE(accuracy.value() == 0.5);
    accuracy.update(Tensor<float>{{1, 3}, {3, 2, 1}}, Tensor<Index>{{1}, {0}});
    REQUIRE(accuracy.value() == 0.6);
    REQUIRE(accuracy.count() == 5);
    accuracy.reset();
    REQUIRE(accuracy.count() == 0);
    REQUIRE_THROWS_AS(accuracy.value(), StateError);
    REQUIRE_THROWS_WITH(accuracy.value(), "[accuracy] expected labelled samples, got none");
}

TEST_CASE("Top-k takes a label among the k highest scores", "[metrics]") {
    const auto of = [](Index k) {
        Accuracy accuracy{{.top_k = k}};
        accuracy.update(scores, labels);
        return accuracy.value();
    };
    REQUIRE(of(1) == 0.5);
    REQUIRE(of(2) == 1);
    REQUIRE(of(3) == 1);
    Accuracy accuracy{{.top_k = 2}};
    accuracy.update(scores, Tensor<Index>{{4}, {0, 2, 0, 1}});  // the lowest score of each
    REQUIRE(accuracy.value() == 0);
}

TEST_CASE("Of equal scores the one of the lower class comes first", "[metrics]") {
    const auto right = [](Index k, Index label) {
        Accuracy accuracy{{.top_k = k}};
        accuracy.update(Tensor<float>{{1, 3}}, Tensor<Index>{{1}, {label}});
        return accuracy.value() == 1;
    };
    REQUIRE(right(1, 0));
    REQUIRE_FALSE(right(1, 1));
    REQUIRE(right(2, 1));
    REQUIRE_FALSE(right(2, 2));
}

TEST_CASE("NaN is never right, and comes before all numbers", "[metrics]") {
    const auto nan = static_cast<float>(std::nan(""));
    Accuracy accuracy;
    accuracy.update(Tensor<float>{{3, 2}, {nan, 1, 1, nan, nan, nan}}, Tensor<Index>{{3}, {0, 0, 0}});
    REQUIRE(accuracy.value() == 0);
    Accuracy two{{.top_k = 2}};
    two.update(Tensor<float>{{1, 3}, {nan, 1, 2}}, Tensor<Index>{{1}, {2}});
    REQUIRE(two.value() == 1);
}

TEST_CASE("Accuracy leaves out what is not labelled or ignored", "[metrics]") {
    Accuracy accuracy{{.ignore_index = 9}};
    accuracy.update(scores, Target<float>{Tensor<Index>{{4}, {1, 77, 9, 2}}, Tensor<bool>{{4}, {true, false, true, true}}});
    REQUIRE(accuracy.count() == 2);
    REQUIRE(accuracy.value() == 0.5);
    accuracy.update(scores, Target<float>{labels, Tensor<bool>{{4}}});
    REQUIRE(accuracy.count() == 2);
}

TEST_CASE("Accuracy counts every pixel of images of labels", "[metrics]") {
    Accuracy<double> accuracy;
    accuracy.update(scores.cast<double>().reshape({2, 2, 3}),
                    Target<double>{Tensor<Index>{{2, 2}, {1, 0, 5, 5}}, Tensor<bool>{{2}, {true, false}}});
    REQUIRE(accuracy.count() == 2);
    REQUIRE(accuracy.value() == 1);
}

TEST_CASE("Accuracy names what does not fit, and counts nothing then", "[metrics]") {
    Accuracy accuracy;
    REQUIRE_THROWS_AS(accuracy.update(scores, Tensor<Index>{{4}, {0, 0, 3, 0}}), ValueError);
    REQUIRE_THROWS_WITH(accuracy.update(scores, Tensor<Index>{{4}, {0, 0, 3, 0}}),
                        "[accuracy] expected labels in [0, 3), got 3 at sample 2");
    REQUIRE_THROWS_WITH(accuracy.update(scores, Tensor<Index>{{3}}),
                        "[accuracy] expected labels of shape (4,) for scores (4, 3), got (3,)");
    REQUIRE_THROWS_WITH(accuracy.update(scores, Tensor<float>{{4, 3}}),
                        "[accuracy] expected a target of class indices, got values of shape (4, 3): give labels as a Tensor<Index>");
    REQUIRE_THROWS_WITH(Accuracy{{.top_k = 5}}.update(scores, labels),
                        "[accuracy] expected scores (N, ..., classes) of at least 5 classes, got (4, 3)");
    REQUIRE_THROWS_WITH(accuracy.update(Tensor<float>{{4}}, labels),
                        "[accuracy] expected scores (N, ..., classes) of at least 1 classes, got (4,)");
    REQUIRE_THROWS_WITH(Accuracy{{.top_k = 0}}, "[accuracy] expected a top_k above 0, got 0");
    REQUIRE(accuracy.count() == 0);
}

TEST_CASE("Accuracy weighs samples and masks pixels", "[metrics]") {
    Accuracy accuracy;
    accuracy.update(scores, Target<float>{labels, {.mask = {}, .weight = Tensor<float>{{4}, {1, 2, 3, 0}}}});  // right, wrong, right, -
    REQUIRE(accuracy.value() == 4.0 / 6);
    REQUIRE(accuracy.count() == 3);
    Accuracy pixels;
    const Target<float> holes{Tensor<Index>{{2, 2}, {1, 99, 2, 0}}, Tensor<bool>{{2, 2}, {true, false, true, true}}};
    pixels.update(scores.reshape({2, 2, 3}), holes);
    REQUIRE(pixels.count() == 3);
    REQUIRE(pixels.value() == 1);
    REQUIRE_THROWS_WITH(pixels.update(Tensor<float>{{2, 1}}, Tensor<Index>{{2}, {0, 1}}),
                        "[accuracy] expected labels in [0, 1), got 1 at sample 1: for one logit take the binary metrics");
}
