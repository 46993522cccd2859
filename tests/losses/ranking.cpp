// SPDX-License-Identifier: MIT
#include <espalier/autograd/backward.hpp>
#include <espalier/losses/ranking.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using losses::Target;

TEMPLATE_TEST_CASE("losses of lists do not look at what is masked, and are constants where nothing counts", "[losses]", float, double) {
    using T = TestType;
    const auto none = std::numeric_limits<T>::quiet_NaN();
    const Variable<T> x{Tensor<T>{{2, 3}, {1, 2, 3, none, none, none}}, true};
    const Tensor<bool> mask{{2}, {true, false}};
    auto pairs = losses::bpr_loss(x, Target<T>{Tensor<Index>{{2}, {0, 99}}, mask});
    REQUIRE(pairs.item() == Approx((std::log1p(std::exp(1.0)) + std::log1p(std::exp(2.0))) / 2).epsilon(1e-6));
    pairs.backward();
    for (Index i = 3; i < 6; ++i)
        REQUIRE(x.grad()[i] == 0);
    const auto whole = losses::list_net_loss(Variable<T>{Tensor<T>{{1, 2}, {1, 3}}}, Target<T>{Tensor<T>{{1, 2}, {2, 1}}});
    const auto part = losses::list_net_loss(Variable<T>{Tensor<T>{{1, 3}, {1, none, 3}}},
                                            Target<T>{Tensor<T>{{1, 3}, {2, none, 1}}, Tensor<bool>{{1, 3}, {true, false, true}}});
    REQUIRE(part.item() == whole.item());
    const auto log_q = Tensor<T>::full({2, 3}, none);
    for (const auto& loss : {losses::bpr_loss(x, Target<T>{Tensor<Index>{Shape{2}}, Tensor<bool>{Shape{2}}}),
                             losses::list_net_loss(x, Target<T>{Tensor<T>{Shape{2, 3}}, Tensor<bool>{Shape{2}}}),
                             losses::sampled_softmax_loss(x, Target<T>{Tensor<Index>{Shape{2}}, Tensor<bool>{Shape{2}}}, log_q)}) {
        REQUIRE(loss.item() == 0);
        REQUIRE_FALSE(loss.requires_grad());
    }
    REQUIRE(losses::BPR<T>{{losses::Reduction::sum}}(x, Target<T>{Tensor<Index>{Shape{2}}, mask}).item() > 0);
    REQUIRE(losses::ListNet<T>{}(Variable<T>{Tensor<T>{Shape{1, 1}}}, Tensor<T>{Shape{1, 1}}).item() == 0);  // a list of one
}

TEST_CASE("a sampled softmax whose draws are weighed by their frequency is that over all", "[losses]") {
    // Two items, of which the second stands for eight that score the same: drawn once, expected log q is less by log 8.
    const Variable<double> all{Tensor<double>{{1, 9}, {2, 1, 1, 1, 1, 1, 1, 1, 1}}}, drawn{Tensor<double>{{1, 2}, {2, 1}}};
    const Tensor<double> log_q{{1, 2}, {0, -std::log(8.0)}};
    const Target<double> first{Tensor<Index>{Shape{1}}};
    REQUIRE(losses::sampled_softmax_loss(drawn, first, log_q).item() == Approx(losses::cross_entropy(all, first).item()).epsilon(1e-12));
    REQUIRE_THROWS_AS(losses::sampled_softmax_loss(drawn, first, Tensor<double>{Shape{2}}), ShapeError);
    REQUIRE_THROWS_WITH(losses::sampled_softmax_loss(drawn, first, Tensor<double>::full({1, 2}, -INFINITY)),
                        "[sampled_softmax_loss] expected finite log_q, got -inf at sample 0");
}
