// SPDX-License-Identifier: MIT
#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/confusion_matrix.hpp>

#include "metrics/testing.hpp"

#include <cmath>
#include <utility>

using namespace espalier;
using losses::Target;
using metrics::ConfusionMatrix;

TEMPLATE_TEST_CASE("A confusion matrix is scikit-learn's", "[metrics]", float, double) {
    using T = TestType;
    const auto& given = testing::golden()["classes"];
    const auto scores = testing::tensor<T>(given["scores"], {50, 6});
    const auto labels = testing::tensor<Index>(given["labels"], {50});
    const auto weight = testing::tensor<T>(given["weight"], {50});
    ConfusionMatrix<T> plain;
    ConfusionMatrix<T> weighted;
    testing::update_in_batches<T>(plain, scores, labels);
    testing::update_in_batches<T>(weighted, scores, {labels, {.mask = {}, .weight = weight}});
    for (Index i = 0; i < 6; ++i)
        for (Index j = 0; j < 6; ++j) {
            const auto at = [&](const char* results) {
                return given[results]["matrix"][static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
            };
            REQUIRE(plain.matrix().at(i, j) == at("plain").template get<Index>());
            REQUIRE(weighted.matrix() == plain.matrix());
            REQUIRE(weighted.weighted().at(i, j) == at("weighted").template get<double>());
        }
    metrics::Accuracy<T> accuracy;
    testing::update_in_batches<T>(accuracy, scores, {labels, {.mask = {}, .weight = weight}});
    REQUIRE(weighted.value() == accuracy.value());
    REQUIRE(weighted.count() == 50);
}

TEST_CASE("A confusion matrix leaves out what is ignored or not labelled", "[metrics]") {
    ConfusionMatrix confusion{{.ignore_index = 9}};
    const Tensor<float> scores{{5, 2}, {1, 0, 1, 0, 0, 1, 0, 1, std::nanf(""), 5}};
    confusion.update(scores, Target<float>{Tensor<Index>{{5}, {0, 1, 9, 77, 1}}, Tensor<bool>{{5}, {true, true, true, false, true}}});
    REQUIRE(confusion.matrix() == Tensor<Index>{{2, 2}, {1, 0, 2, 0}});  // NaN comes first
    REQUIRE(confusion.count() == 3);
    ConfusionMatrix pixels;
    pixels.update(scores.slice(0, 4).reshape({1, 2, 2, 2}),
                  Target<float>{Tensor<Index>{{1, 2, 2}, {0, 0, 1, 0}}, Tensor<bool>{{1, 2, 2}, {true, false, true, true}}});
    REQUIRE(pixels.matrix() == Tensor<Index>{{2, 2}, {1, 1, 0, 1}});
}

TEST_CASE("A confusion matrix of no batch and of empty batches", "[metrics]") {
    ConfusionMatrix confusion;
    REQUIRE(confusion.matrix().shape() == Shape{0, 0});
    REQUIRE_THROWS_WITH(confusion.value(), "[confusion_matrix] expected labelled samples, got none");
    confusion.update(Tensor<float>{{0, 3}}, Tensor<Index>{{0}});
    REQUIRE(confusion.matrix() == Tensor<Index>{{3, 3}});
    REQUIRE_THROWS_AS(confusion.value(), StateError);
    confusion.reset();
    confusion.update(Tensor<float>{{1, 1}}, Tensor<Index>{{1}});
    REQUIRE(confusion.matrix() == Tensor<Index>{{1, 1}, {1}});
    const auto& kept = ConfusionMatrix{confusion}.matrix();  // a value
    REQUIRE(kept[0] == 1);
}

TEST_CASE("A confusion matrix names what does not fit, and counts nothing then", "[metrics]") {
    ConfusionMatrix confusion;
    confusion.update(Tensor<float>{{1, 5}}, Tensor<Index>{{1}});
    REQUIRE_THROWS_AS(confusion.update(Tensor<float>{{4, 3}}, Tensor<Index>{{4}}), ShapeError);
    REQUIRE_THROWS_WITH(confusion.update(Tensor<float>{{4, 3}}, Tensor<Index>{{4}}),
                        "[confusion_matrix] expected scores of 5 classes as before, got (4, 3)");
    REQUIRE_THROWS_WITH(confusion.update(Tensor<float>{{2, 5}}, Tensor<Index>{{2}, {0, 5}}),
                        "[confusion_matrix] expected labels in [0, 5), got 5 at sample 1");
    REQUIRE_THROWS_WITH(
        confusion.update(Tensor<float>{{2, 5}}, Tensor<float>{{2, 5}}),
        "[confusion_matrix] expected a target of class indices, got values of shape (2, 5): give labels as a Tensor<Index>");
    REQUIRE_THROWS_WITH(confusion.update(Tensor<float>{{2, 5}}, Tensor<Index>{{2, 1}}),
                        "[confusion_matrix] expected labels of shape (2,) for scores (2, 5), got (2, 1): reshape them to (2,)");
    REQUIRE(confusion.count() == 1);
}
