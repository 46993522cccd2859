// SPDX-License-Identifier: MIT
#include <espalier/autograd/reduction.hpp>
#include <espalier/core/named.hpp>
#include <espalier/losses.hpp>

#include "catch.hpp"

#include <type_traits>

using namespace espalier;

TEST_CASE("Every loss of the library, and any callable, is a Loss", "[losses]") {
    const Named<losses::Loss<float>> all{
        {"a", losses::CrossEntropy{}},
        {"b", losses::CrossEntropy{{.label_smoothing = 0.1}}},
        {"c", losses::BCEWithLogits{}},
        {"d", losses::MSE{}},
        {"e", losses::L1{}},
        {"f", losses::Huber{{.delta = 2}}},
        {"g", [](const Variable<float>& x, const losses::Target<float>&) { return autograd::sum(x); }},
    };
    const Variable<float> x{Tensor<float>::full({2, 2}, 3), true};
    REQUIRE(all.at("g")(x, {}).item() == 12);
    REQUIRE(all.at("a")(x, Tensor<Index>{{2}, {0, 1}}).item() == Approx(std::log(2.0)));
    REQUIRE(all.at("f")(x, Tensor<float>{{2, 2}}).item() == 4);
    const losses::Loss<float> copy = all.at("d");
    REQUIRE(copy(x, Tensor<float>{{2, 2}}).item() == 9);
}

TEST_CASE("The scalar of a loss is float unless it is named", "[losses]") {
    STATIC_REQUIRE(std::is_same_v<decltype(losses::CrossEntropy{}), losses::CrossEntropy<float>>);
    STATIC_REQUIRE(std::is_same_v<decltype(losses::CrossEntropy{{.label_smoothing = 0.1}}), losses::CrossEntropy<float>>);
    STATIC_REQUIRE(std::is_same_v<decltype(losses::MSE{{.reduction = losses::Reduction::sum}}), losses::MSE<float>>);
    STATIC_REQUIRE(std::is_convertible_v<losses::CrossEntropy<double>, losses::Loss<double>>);
    REQUIRE(losses::CrossEntropy{{.label_smoothing = 0.1}}.options().label_smoothing == 0.1);
}
