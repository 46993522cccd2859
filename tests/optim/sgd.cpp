// SPDX-License-Identifier: MIT
#include <espalier/optim/sgd.hpp>

#include "optim/testing.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using namespace testing;
using optim::SGD;

namespace {

void require_six_steps(const optim::SGDOptions& options, const std::vector<double>& expected) {
    const auto p = leaves({Tensor<double>{{3}, {1, -2, 0.5}}});
    SGD sgd{p, options};
    train(sgd, 6);
    require_close(p[0].value(), expected);
}

}  // namespace

TEST_CASE("SGD takes PyTorch's steps", "[optim]") {
    // torch 2.13: six steps of torch.optim.SGD(..., lr=.05) in float64 on the problem of testing.hpp, p = [1, -2, .5]
    require_six_steps({.learning_rate = 0.05}, {0.28058150150251837, -4.308023294951821, 0.06204028370956928});
    require_six_steps({.learning_rate = 0.05, .weight_decay = 0.1}, {0.2680087057727989, -4.152938373778312, 0.05539842041856468});
    require_six_steps({.learning_rate = 0.05, .momentum = 0.9}, {-1.0787187034680796, -11.124776014904667, -0.7742018051557764});
    require_six_steps({.learning_rate = 0.05, .momentum = 0.9, .dampening = 0.5, .weight_decay = 0.1},
                      {-0.5485717143667049, -5.498003576624728, -0.39613742070144753});
    require_six_steps({.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true},
                      {-1.192996131022799, -29.27181867774085, -0.9288889286706551});
}

TEST_CASE("SGD leaves a parameter without gradient alone, and starts its velocity later", "[optim]") {
    // torch 2.13: SGD([a, b], lr=.1, momentum=.9, dampening=.5); loss exp(a), from the third of five steps on + exp(b) / 2
    const auto p = leaves({Tensor<double>{{1}, {1}}, Tensor<double>{{1}, {2}}});
    SGD sgd{p, {.learning_rate = 0.1, .momentum = 0.9, .dampening = 0.5}};
    for (int i = 0; i < 5; ++i) {
        sgd.zero_grad();
        autograd::exp(p[0]).backward();
        if (i >= 2)
            (autograd::exp(p[1]) * 0.5).backward();
        sgd.step();
        if (i == 1)
            REQUIRE(p[1].item() == 2);
    }
    REQUIRE(p[0].item() == Approx(-0.7952149870603828).epsilon(1e-12));
    REQUIRE(p[1].item() == Approx(0.6756362907703408).epsilon(1e-12));
    REQUIRE(sgd.state_dict().steps == Tensor<Index>{{2}, {5, 3}});
}

TEST_CASE("SGD has the same bits in one pass and in many", "[optim]") {
    require_same_bits([](auto p) { return SGD{p, {.learning_rate = 0.05}}; });
    require_same_bits([](auto p) { return SGD{p, {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.1}}; });
    require_same_bits([](auto p) { return SGD{p, {.learning_rate = 0.05, .momentum = 0.9, .nesterov = true}}; });
}

TEST_CASE("SGD resumes", "[optim]") {
    require_resumes([](auto p) { return SGD{p, {.learning_rate = 0.05, .momentum = 0.9, .dampening = 0.3}}; });
    require_resumes([](auto p) { return SGD{p, {.learning_rate = 0.05}}; });
}

TEST_CASE("SGD deduces its scalar", "[optim]") {
    const auto p = leaves<float>({Tensor<float>{{1}}});
    STATIC_REQUIRE(std::is_same_v<decltype(SGD{p, {.learning_rate = 0.1}}), SGD<float>>);
    REQUIRE(SGD{p}.learning_rate() == 1e-3);
}

TEST_CASE("SGD refuses bad options", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}}});
    REQUIRE_THROWS_AS((SGD{p, {.learning_rate = -0.1}}), ValueError);
    REQUIRE_THROWS_WITH((SGD{p, {.learning_rate = -0.1}}), "[sgd] expected a finite learning_rate of at least 0, got -0.1");
    REQUIRE_THROWS_WITH((SGD{p, {.learning_rate = INFINITY}}), "[sgd] expected a finite learning_rate of at least 0, got inf");
    REQUIRE_THROWS_WITH((SGD{p, {.momentum = 1}}), "[sgd] expected a momentum in [0, 1), got 1");
    REQUIRE_THROWS_WITH((SGD{p, {.momentum = -0.5}}), "[sgd] expected a momentum in [0, 1), got -0.5");
    REQUIRE_THROWS_WITH((SGD{p, {.dampening = 2}}), "[sgd] expected a dampening in [0, 1], got 2");
    REQUIRE_THROWS_WITH((SGD{p, {.weight_decay = -1}}), "[sgd] expected a finite weight_decay of at least 0, got -1");
    REQUIRE_THROWS_WITH((SGD{p, {.nesterov = true}}),
                        "[sgd] expected momentum above 0 and no dampening with nesterov, got momentum 0 and dampening 0");
    REQUIRE_THROWS_AS((SGD{p, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}}), ValueError);
    REQUIRE_THROWS_AS((SGD{p, {.learning_rate = std::nan("")}}), ValueError);
}

TEST_CASE("SGD refuses options that are no numbers, or too large for its scalar", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}}});
    const auto f = leaves<float>({Tensor<float>{{2}}});
    const double nan = std::nan("");
    REQUIRE_THROWS_AS((SGD{p, {.momentum = nan}}), ValueError);
    REQUIRE_THROWS_AS((SGD{p, {.momentum = INFINITY}}), ValueError);
    REQUIRE_THROWS_AS((SGD{p, {.dampening = nan}}), ValueError);
    REQUIRE_THROWS_AS((SGD{p, {.dampening = -0.1}}), ValueError);
    REQUIRE_THROWS_AS((SGD{p, {.weight_decay = nan}}), ValueError);
    REQUIRE_THROWS_AS((SGD{p, {.weight_decay = INFINITY}}), ValueError);
    REQUIRE_THROWS_AS((SGD{f, {.learning_rate = 1e39}}), ValueError);
    REQUIRE_THROWS_AS((SGD{f}.set_learning_rate(1e39)), ValueError);
    REQUIRE_NOTHROW(SGD{p, {.learning_rate = 1e39}});
}
