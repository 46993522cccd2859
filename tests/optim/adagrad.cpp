// SPDX-License-Identifier: MIT
#include <espalier/optim/adagrad.hpp>

#include "optim/testing.hpp"

#include <limits>

using namespace espalier;
using namespace testing;
using optim::Adagrad;

namespace {

void require_six_steps(const optim::AdagradOptions& options, const std::vector<double>& expected) {
    const auto p = leaves({Tensor<double>{{3}, {1, -2, 0.5}}});
    Adagrad<double> optimizer{p, options};
    train(optimizer, 6);
    require_close(p[0].value(), expected);
}

}  // namespace

TEST_CASE("Adagrad takes PyTorch's steps", "[optim]") {
    // torch 2.13: six steps of torch.optim.Adagrad in float64 on the problem of testing.hpp, p = [1, -2, .5]
    require_six_steps({.learning_rate = 0.1}, {0.6667573259131536, -2.386207312558538, 0.16806296651352154});
    require_six_steps(
        {.learning_rate = 0.1, .learning_rate_decay = 0.05, .weight_decay = 0.1, .initial_accumulator_value = 0.3, .eps = 1e-3},
        {0.6937336219615368, -2.3499927660035476, 0.20024068127110653});
}

TEST_CASE("Adagrad has the same bits in one pass and in many", "[optim]") {
    require_same_bits([](auto p) { return Adagrad{p, {.learning_rate = 0.05, .weight_decay = 0.1}}; });
}

TEST_CASE("Adagrad goes on from its state", "[optim]") {
    require_resumes([](auto p) { return Adagrad{p, {.learning_rate = 0.05, .initial_accumulator_value = 0.1}}; });
}

TEST_CASE("Adagrad refuses bad options", "[optim]") {
    const auto p = leaves({Tensor<double>{{1}, {1}}});
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(Adagrad(p, {.learning_rate = -1}), ValueError);
    CHECK_THROWS_AS(Adagrad(p, {.learning_rate_decay = -1}), ValueError);
    CHECK_THROWS_AS(Adagrad(p, {.weight_decay = nan}), ValueError);
    CHECK_THROWS_AS(Adagrad(p, {.initial_accumulator_value = -0.1}), ValueError);
    CHECK_THROWS_AS(Adagrad(p, {.eps = nan}), ValueError);
    CHECK(Adagrad(p, {.eps = 1e-5}).options().eps == 1e-5);
}
