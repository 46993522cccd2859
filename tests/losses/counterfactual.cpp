// SPDX-License-Identifier: MIT
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/counterfactual.hpp>

#include "losses/testing.hpp"

#include <cmath>
#include <limits>
#include <utility>

using namespace espalier;
using namespace testing;
using losses::Target;

namespace {

const Tensor<double> errors{{3}, {0.3, 1.1, 2.5}};
const Tensor<double> imputed{{3}, {0.7, -0.2, 1}};
const Tensor<double> propensity{{3}, {0.2, 0.5, 0.9}};

Target<double> observed(bool first, bool second, bool third) {
    return {Tensor<double>{Shape{3}}, Tensor<bool>{{3}, {first, second, third}}};
}

/// The mean over what may be observed of what `loss` gives, each sample with its propensity.
template <class F>
double expected(const F& loss) {
    double result = 0;
    for (int pattern = 0; pattern < 8; ++pattern) {
        double probability = 1;
        for (int i = 0; i < 3; ++i)
            probability *= pattern >> i & 1 ? propensity[i] : 1 - propensity[i];
        result += probability * loss(observed(pattern & 1, pattern & 2, pattern & 4)).item();
    }
    return result;
}

double mean_of(const Tensor<double>& x) { return (x[0] + x[1] + x[2]) / 3; }

}  // namespace

TEST_CASE("in the mean over what is observed an error counts as if all were", "[losses]") {
    CHECK(expected([](const Target<double>& target) { return losses::inverse_propensity(Variable<double>{errors}, target, propensity); }) ==
          Approx(mean_of(errors)));
    double square = 0;
    for (Index i = 0; i < 3; ++i)
        square += std::pow(errors[i] - imputed[i], 2) / 3;
    CHECK(expected([](const Target<double>& target) {
              return losses::doubly_robust(Variable<double>{errors}, Variable<double>{imputed}, target, propensity);
          }) == Approx(mean_of(errors) + square));
}

TEST_CASE("where the imputation is right the propensity does not matter", "[losses]") {
    const Variable<double> right{errors};
    for (const auto& target : {observed(true, false, false), observed(false, true, true), observed(false, false, false)})
        CHECK(losses::doubly_robust(right, right, target, Tensor<double>{{3}, {0.9, 0.1, 0.3}}).item() == Approx(mean_of(errors)));
}

TEST_CASE("losses of what is observed have right gradients", "[losses][gradcheck]") {
    const Target<double> weighted{Tensor<double>{Shape{3}},
                                  {.mask = Tensor<bool>{{3}, {true, false, true}}, .weight = Tensor<double>{{3}, {0.5, 2, 1}}}};
    const auto by_propensity = [](const Variable<double>& x, const Target<double>& target) {
        return losses::inverse_propensity(x, target, propensity);
    };
    const auto imputing = [](const Variable<double>& x, const Target<double>& target) {
        return losses::doubly_robust(Variable<double>{errors}, x, target, propensity);
    };
    for (const losses::Loss<double>& loss : {losses::Loss<double>{by_propensity}, losses::Loss<double>{imputing}}) {
        require_gradients(loss, errors, observed(true, true, false));
        require_gradients(loss, errors, weighted);
    }
    // sum w o e / p over sum w, the first and the third observed
    CHECK(by_propensity(Variable<double>{errors}, weighted).item() == Approx((0.5 * 0.3 / 0.2 + 2.5 / 0.9) / 3.5));
}

TEST_CASE("the square of what is left teaches the imputation alone", "[losses]") {
    Variable<double> x{errors, true};
    const auto target = observed(true, true, false);
    losses::inverse_propensity(x, target, propensity).backward();
    const Tensor<double> expected_gradient = x.grad();
    x.zero_grad();
    const auto loss = losses::doubly_robust(x, Variable<double>{imputed}, target, propensity);
    const double first = errors[0] - imputed[0], second = errors[1] - imputed[1];
    CHECK(loss.item() == Approx(mean_of(imputed) + ((first + first * first) / 0.2 + (second + second * second) / 0.5) / 3));
    loss.backward();
    for (Index i = 0; i < 3; ++i)
        CHECK(x.grad()[i] == Approx(expected_gradient[i]));
}

TEST_CASE("true rates, and their mean error as the imputation, are where a doubly robust loss has no gradient", "[losses]") {
    const double rate = 0.1, click = 0.3, error = -rate * std::log(rate) - (1 - rate) * std::log(1 - rate);
    const Variable<double> logit{Tensor<double>{{1}, {std::log(rate / (1 - rate))}}, true}, guess{Tensor<double>{{1}, {error}}, true};
    for (const bool clicked : {false, true})
        for (const bool bought : {false, true}) {
            const Target<double> answer{Tensor<double>{{1}, {bought ? 1.0 : 0.0}}, Tensor<bool>{{1}, {clicked}}};
            const auto e = losses::binary_cross_entropy_with_logits(logit, answer, {.reduction = losses::Reduction::none});
            const double probability = (clicked ? click : 1 - click) * (bought ? rate : 1 - rate);
            (losses::doubly_robust(e, guess, answer, Tensor<double>{{1}, {click}}) * probability).backward();  // gradients add up
        }
    CHECK(logit.grad()[0] == Approx(0).margin(1e-12));
    CHECK(guess.grad()[0] == Approx(0).margin(1e-12));
}

TEST_CASE("a small propensity counts as the smallest", "[losses]") {
    const Variable<double> x{errors};
    const auto target = observed(true, false, false);
    CHECK(losses::inverse_propensity(x, target, Tensor<double>{{3}, {0, 1, 1}}).item() == Approx(0.3 / 0.05 / 3));
    CHECK(losses::inverse_propensity(x, target, Tensor<double>{{3}, {0.1, 1, 1}}, {.smallest = 0.5}).item() == Approx(0.3 / 0.5 / 3));
}

TEST_CASE("what is not observed is not looked at, and where nothing is there is nothing to learn from", "[losses]") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const Variable<double> spoilt{Tensor<double>{{3}, {0.3, nan, 2.5}}, true}, guess{imputed, true};
    const Tensor<double> chances{{3}, {0.2, nan, 0.9}};
    const auto target = observed(true, false, true);
    const auto loss = losses::inverse_propensity(spoilt, target, chances) + losses::doubly_robust(spoilt, guess, target, chances);
    loss.backward();
    CHECK(std::isfinite(loss.item()));
    CHECK(spoilt.grad()[1] == 0);
    CHECK(guess.grad()[1] == Approx(1.0 / 3));
    const auto nothing = observed(false, false, false);
    CHECK_FALSE(losses::inverse_propensity(spoilt, nothing, chances).requires_grad());
    CHECK(losses::inverse_propensity(spoilt, nothing, chances).item() == 0);
    CHECK(losses::doubly_robust(spoilt, guess, nothing, chances).item() == Approx(mean_of(imputed)));
    const Variable<double> empty{Tensor<double>{Shape{0}}, true};
    CHECK(losses::inverse_propensity(empty, Tensor<double>{Shape{0}}, Tensor<double>{Shape{0}}).item() == 0);
    CHECK_FALSE(losses::doubly_robust(empty, empty, Tensor<double>{Shape{0}}, Tensor<double>{Shape{0}}).requires_grad());
}

TEST_CASE("propensities and errors that do not fit are refused", "[losses]") {
    const Variable<double> x{errors}, two{Tensor<double>{Shape{2}}};
    const auto target = observed(true, true, true);
    CHECK_THROWS_WITH(losses::inverse_propensity(two, target, propensity),
                      "[inverse_propensity] expected an error for each element (3,), got (2,)");
    CHECK_THROWS_WITH(losses::doubly_robust(x, two, target, propensity),
                      "[doubly_robust] expected an imputed error for each element (3,), got (2,)");
    CHECK_THROWS_WITH(losses::inverse_propensity(x, target, Tensor<double>{Shape{3, 1}}),
                      "[inverse_propensity] expected a propensity for each element (3,), got (3, 1)");
    CHECK_THROWS_WITH(losses::inverse_propensity(x, target, Tensor<double>{{3}, {0.5, 1.5, 0.5}}),
                      "[inverse_propensity] expected propensities from 0 to 1, got 1.5 at element 1");
    CHECK_THROWS_WITH(losses::doubly_robust(x, x, target, propensity, {.smallest = 0}),
                      "[doubly_robust] expected a smallest propensity above 0 and at most 1, got 0");
}
