// SPDX-License-Identifier: MIT
#include <espalier/optim/adam.hpp>

#include "optim/testing.hpp"

#include <cmath>

using namespace espalier;
using namespace testing;
using optim::Adam;
using optim::AdamW;

namespace {

template <class O, class Options>
void require_six_steps(const Options& options, const std::vector<double>& expected) {
    const auto p = leaves({Tensor<double>{{3}, {1, -2, 0.5}}});
    O optimizer{p, options};
    train(optimizer, 6);
    require_close(p[0].value(), expected);
}

}  // namespace

TEST_CASE("Adam takes PyTorch's steps", "[optim]") {
    // torch 2.13: six steps of torch.optim.Adam in float64 on the problem of testing.hpp, p = [1, -2, .5]
    require_six_steps<Adam<double>>(optim::AdamOptions{.learning_rate = 0.1},
                                    {0.41527404555198927, -2.6037044902989765, -0.08456892741449283});
    // betas=(.8, .95), eps=1e-3, weight_decay=.1
    require_six_steps<Adam<double>>(optim::AdamOptions{.learning_rate = 0.1, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1},
                                    {0.4211840589444765, -2.607540362462528, -0.07770931620645871});
}

TEST_CASE("AdamW takes PyTorch's steps", "[optim]") {
    require_six_steps<AdamW<double>>(optim::AdamWOptions{.learning_rate = 0.1},
                                     {0.41095101625323505, -2.5902107242511456, -0.0860125566344253});
    require_six_steps<AdamW<double>>(
        optim::AdamWOptions{.learning_rate = 0.1, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1},
        {0.3795477597375233, -2.4744546371893175, -0.09236932329926191});
}

TEST_CASE("Adam counts the steps of each parameter by itself", "[optim]") {
    // torch 2.13: Adam([a, b], lr=.1); loss exp(a), from the third of five steps on + exp(b) / 2
    const auto p = leaves({Tensor<double>{{1}, {1}}, Tensor<double>{{1}, {2}}});
    Adam adam{p, {.learning_rate = 0.1}};
    for (int i = 0; i < 5; ++i) {
        adam.zero_grad();
        autograd::exp(p[0]).backward();
        if (i >= 2)
            (autograd::exp(p[1]) * 0.5).backward();
        adam.step();
    }
    REQUIRE(p[0].item() == Approx(0.5062875422453441).epsilon(1e-12));
    REQUIRE(p[1].item() == Approx(1.7014035026898275).epsilon(1e-12));
    REQUIRE(adam.state_dict().steps == Tensor<Index>{{2}, {5, 3}});
}

TEST_CASE("Adam and AdamW have the same bits in one pass and in many", "[optim]") {
    require_same_bits([](auto p) { return Adam{p, {.learning_rate = 0.05, .weight_decay = 0.1}}; });
    require_same_bits([](auto p) { return AdamW{p, {.learning_rate = 0.05}}; });
}

TEST_CASE("Adam and AdamW resume", "[optim]") {
    require_resumes([](auto p) { return Adam{p, {.learning_rate = 0.05}}; });
    require_resumes([](auto p) { return AdamW{p, {.learning_rate = 0.05}}; });
}

TEST_CASE("Adam refuses bad options under its own name", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}}});
    REQUIRE_THROWS_AS((Adam{p, {.beta1 = 1}}), ValueError);
    REQUIRE_THROWS_WITH((Adam{p, {.beta1 = 1}}), "[adam] expected a beta1 in [0, 1), got 1");
    REQUIRE_THROWS_WITH((AdamW{p, {.beta2 = -0.1}}), "[adamw] expected a beta2 in [0, 1), got -0.1");
    REQUIRE_THROWS_WITH((Adam{p, {.eps = -1}}), "[adam] expected a finite eps of at least 0, got -1");
    REQUIRE_THROWS_WITH((AdamW{p, {.weight_decay = INFINITY}}), "[adamw] expected a finite weight_decay of at least 0, got inf");
    REQUIRE_THROWS_WITH((AdamW{p, {.learning_rate = -1}}), "[adamw] expected a finite learning_rate of at least 0, got -1");
}

TEMPLATE_TEST_CASE("Adam with an eps of 0 divides 0 by 0 where there is no gradient, as PyTorch does", "[optim]", float, double) {
    using T = TestType;
    // torch 2.13: p = ones(19), grad = 0 but for the second, Adam(eps=0): [nan, .999, nan ...]
    const auto p = leaves<T>({Tensor<T>::ones({19})});
    Adam<T> adam{p, {.eps = 0}};
    Tensor<T> pick{{19}};
    pick[1] = 1;
    autograd::sum(p[0] * Variable<T>{pick}).backward();
    adam.step();
    for (Index i = 0; i < 19; ++i) {
        if (i == 1)
            REQUIRE(p[0].value()[i] == Approx(0.999));
        else
            REQUIRE(std::isnan(p[0].value()[i]));
    }
}

TEST_CASE("Adam refuses options that are no numbers, or too large for its scalar", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}}});
    const auto f = leaves<float>({Tensor<float>{{2}}});
    const double nan = std::nan("");
    REQUIRE_THROWS_AS((Adam{p, {.learning_rate = nan}}), ValueError);
    REQUIRE_THROWS_AS((Adam{p, {.learning_rate = INFINITY}}), ValueError);
    REQUIRE_THROWS_AS((Adam{p, {.beta1 = nan}}), ValueError);
    REQUIRE_THROWS_AS((Adam{p, {.beta1 = -0.1}}), ValueError);
    REQUIRE_THROWS_AS((Adam{p, {.beta2 = nan}}), ValueError);
    REQUIRE_THROWS_AS((AdamW{p, {.beta2 = 1}}), ValueError);
    REQUIRE_THROWS_AS((Adam{p, {.eps = nan}}), ValueError);
    REQUIRE_THROWS_AS((AdamW{p, {.eps = INFINITY}}), ValueError);
    REQUIRE_THROWS_AS((Adam{p, {.weight_decay = nan}}), ValueError);
    REQUIRE_THROWS_AS((Adam{p, {.weight_decay = -1}}), ValueError);
    REQUIRE_THROWS_AS((AdamW{f, {.learning_rate = 1e39}}), ValueError);
    REQUIRE_THROWS_AS((Adam{f, {.eps = 1e39}}), ValueError);
    REQUIRE_THROWS_AS((Adam{f, {.weight_decay = 1e39}}), ValueError);
    REQUIRE_NOTHROW(Adam{p, {.learning_rate = 1e39}});
}
