// SPDX-License-Identifier: MIT
#include <espalier/core/random.hpp>
#include <espalier/metrics/auroc.hpp>

#include "metrics/testing.hpp"

#include <cmath>

using namespace espalier;
using losses::Target;
using metrics::AUROC;

namespace {

/// By definition: of all pairs, those in the right order, and half of the equal ones.
double by_pairs(const Tensor<double>& scores, const Tensor<Index>& labels, const Tensor<double>& weight) {
    double right = 0;
    double all = 0;
    for (Index i = 0; i < labels.numel(); ++i)
        for (Index j = 0; j < labels.numel(); ++j)
            if (labels[i] == 1 && labels[j] == 0) {
                const double w = weight[i] * weight[j];
                right += scores[i] > scores[j] ? w : scores[i] == scores[j] ? w / 2 : 0;
                all += w;
            }
    return right / all;
}

}  // namespace

TEMPLATE_TEST_CASE("AUROC is scikit-learn's over any batches, with ties and weights", "[metrics]", float, double) {
    using T = TestType;
    const auto& given = testing::golden()["binary"];
    const auto scores = testing::tensor<T>(given["scores"], {60});
    const auto values = testing::tensor<T>(given["truth"], {60});
    const auto labels = testing::tensor<Index>(given["truth"], {60});
    const auto weight = testing::tensor<T>(given["weight"], {60});
    const auto require_area = [&](const Target<T>& target, const std::string& results) {
        AUROC<T> in_batches;
        testing::update_in_batches(in_batches, scores, target);
        AUROC<T> at_once;
        at_once.update(scores, target);
        REQUIRE(in_batches.value() == Approx(given[results]["auroc"].template get<double>()).epsilon(1e-12));
        REQUIRE(at_once.value() == in_batches.value());
        REQUIRE(in_batches.count() == 60);
    };
    require_area(values, "plain");
    require_area(labels, "plain");
    require_area({labels, {.mask = {}, .weight = weight}}, "weighted");
}

TEST_CASE("AUROC is what its definition gives", "[metrics]") {
    Random random{5};
    for (int draw = 0; draw < 20; ++draw) {
        const Index n = 2 + random.below(30);
        auto scores = Tensor<double>::empty({n});
        auto weight = Tensor<double>::empty({n});
        Tensor<Index> labels{Shape{n}};
        for (Index i = 0; i < n; ++i) {
            scores[i] = static_cast<double>(random.below(5));
            weight[i] = random.uniform(0.5, 2.0);
            labels[i] = i < 2 ? i : random.below(2);
        }
        AUROC<double> area;
        area.update(scores, Target<double>{labels, {.mask = {}, .weight = weight}});
        REQUIRE(area.value() == Approx(by_pairs(scores, labels, weight)).epsilon(1e-12));
    }
}

TEST_CASE("AUROC of perfect, opposite, equal and infinite scores", "[metrics]") {
    const auto of = [](std::initializer_list<float> scores) {
        AUROC area;
        area.update(Tensor<float>{{4}, scores}, Tensor<Index>{{4}, {0, 0, 1, 1}});
        return area.value();
    };
    REQUIRE(of({1, 2, 3, 4}) == 1);
    REQUIRE(of({4, 3, 2, 1}) == 0);
    REQUIRE(of({5, 5, 5, 5}) == 0.5);
    REQUIRE(of({0.0F, -0.0F, 0.0F, -0.0F}) == 0.5);
    REQUIRE(of({-INFINITY, 3, 3, INFINITY}) == 0.875);
}

TEST_CASE("AUROC leaves out what is not labelled, and is a value", "[metrics]") {
    AUROC area;
    area.update(Tensor<float>{{5}, {1, 2, std::nanf(""), 0, 9}},
                Target<float>{Tensor<float>{{5}, {0, 1, 1, 1, 0}},
                              {.mask = Tensor<bool>{{5}, {true, true, false, true, true}}, .weight = Tensor<float>{{5}, {1, 1, 1, 1, 0}}}});
    REQUIRE(area.count() == 3);
    REQUIRE(area.value() == 0.5);
    AUROC copy = area;
    copy.update(Tensor<float>{{1}, {-5}}, Tensor<Index>{{1}});
    REQUIRE(copy.value() == 0.75);
    REQUIRE(area.value() == 0.5);
    area.reset();
    REQUIRE(area.count() == 0);
    REQUIRE_THROWS_WITH(area.value(), "[auroc] expected labelled samples, got none");
}

TEST_CASE("AUROC needs both answers and scores that have an order", "[metrics]") {
    AUROC area;
    area.update(Tensor<float>{{2}, {1, 2}}, Tensor<Index>{{2}, {1, 1}});
    REQUIRE_THROWS_AS(area.value(), StateError);
    REQUIRE_THROWS_WITH(area.value(), "[auroc] expected both answers, got only 1");
    REQUIRE_THROWS_AS(area.update(Tensor<float>{{2}, {1, std::nanf("")}}, Tensor<Index>{{2}}), ValueError);
    REQUIRE_THROWS_WITH(area.update(Tensor<float>{{2}, {1, std::nanf("")}}, Tensor<Index>{{2}}),
                        "[auroc] expected predictions that have an order, got NaN at sample 1");
    REQUIRE_THROWS_WITH(area.update(Tensor<float>{{2, 1}}, Tensor<float>{{2}}),
                        "[auroc] expected values of the shape of the prediction (2, 1), got (2,): reshape them to (2, 1)");
    REQUIRE(area.count() == 2);
}
