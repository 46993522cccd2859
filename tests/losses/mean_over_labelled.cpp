// SPDX-License-Identifier: MIT
#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/mean_over_labelled.hpp>
#include <espalier/losses/mse.hpp>

#include "losses/testing.hpp"

using namespace espalier;
using namespace testing;
using losses::Target;

namespace {

/// A loss of one's own, in one line.
Variable<double> asymmetric(const Variable<double>& prediction, const Target<double>& target) {
    return losses::mean_over_labelled(prediction, target, [](const auto& x, const auto& y) { return exp(x - y) - (x - y); });
}

Variable<double> log_cosh(const Variable<double>& prediction, const Target<double>& target) {
    return losses::pointwise("log_cosh", prediction, target, [](double x, double y) {
        return losses::Point{std::log(std::cosh(x - y)), std::tanh(x - y)};
    });
}

}  // namespace

TEST_CASE("A loss of one's own leaves out what is not labelled, whatever it holds", "[losses][gradcheck]") {
    Random random{3};
    for (const Shape& shape : {Shape{4}, Shape{4, 1}, Shape{4, 2, 3}}) {
        const auto x = Tensor<double>::normal(shape, random);
        const auto values = Tensor<double>::normal(shape, random);
        auto mask = Tensor<bool>::full(shape, true);
        mask[2] = false;
        for (const losses::Loss<double>& loss : {losses::Loss<double>{asymmetric}, losses::Loss<double>{log_cosh}}) {
            require_masked(loss, x, values);
            require_gradients(loss, x, values);
            require_gradients(loss, x, {values, {.mask = mask, .weight = Tensor<double>{{4}, {0.5, 2, 1, 1}}}});
            auto spoilt = values;
            auto spoilt_x = x;
            spoilt[2] = std::nan("");
            spoilt_x[2] = INFINITY;
            const Variable<double> clean_leaf{x, true};
            const Variable<double> leaf{spoilt_x, true};
            const auto clean = loss(clean_leaf, {values, mask});
            const auto y = loss(leaf, {spoilt, mask});
            REQUIRE(y.item() == clean.item());
            const auto gradient = autograd::vjp(y, Tensor<double>::ones({1}), std::span{&leaf, 1})[0];
            REQUIRE(gradient == autograd::vjp(clean, Tensor<double>::ones({1}), std::span{&clean_leaf, 1})[0]);
            REQUIRE(gradient[2] == 0);
        }
    }
}

TEST_CASE("A loss of one's own is what a loss of the library is, and a constant over nothing", "[losses]") {
    const auto square = [](const Variable<float>& prediction, const Target<float>& target) {
        return losses::mean_over_labelled(prediction, target, [](const auto& x, const auto& y) { return (x - y) * (x - y); });
    };
    Random random{4};
    const auto x = Tensor<float>::normal({5, 3}, random);
    const Target<float> target{Tensor<float>::normal({5, 3}, random), {.mask = {}, .weight = Tensor<float>{{5}, {1, 0.5F, 0, 2, 1}}}};
    REQUIRE(square(x, target).item() == Approx(losses::mse_loss(x, target).item()).epsilon(1e-6));
    const std::vector<Index> none;
    bool called = false;
    const auto count = [&](const Variable<float>& a, const Variable<float>&) {
        called = true;
        return a;
    };
    for (const Target<float>& nothing : {Target<float>{target.values(), Tensor<bool>{{5}}}, target.gather(none)}) {
        const auto y = losses::mean_over_labelled(Variable<float>{Tensor<float>{nothing.shape()}, true}, nothing, count);
        REQUIRE(y.item() == 0);
        REQUIRE_FALSE(y.requires_grad());
    }
    REQUIRE_FALSE(called);
}

TEST_CASE("Losses that were made elsewhere are averaged by element or by sample", "[losses]") {
    const Variable<double> each{Tensor<double>{{3, 2}, {1, 2, 3, 4, std::nan(""), 6}}, true};
    const Target<double> target{
        Tensor<double>{{3, 2}},
        {.mask = Tensor<bool>{{3, 2}, {true, true, true, false, false, false}}, .weight = Tensor<double>{{3}, {1, 3, 1}}}};
    const auto mean = losses::mean_over_labelled(each, target);
    REQUIRE(mean.item() == Approx((1 + 2 + 3 * 3) / 5.0));
    require_close(autograd::vjp(mean, Tensor<double>{{1}, {5}}, std::span{&each, 1})[0], std::vector<double>{1, 1, 3, 0, 0, 0});
    const auto by_sample = losses::mean_over_labelled(Variable<double>{Tensor<double>{{3}, {2, 6, std::nan("")}}, true}, target);
    REQUIRE(by_sample.item() == Approx((2 + 3 * 6) / 4.0));
    const Target<double> nothing{Tensor<double>{{3, 2}}, Tensor<bool>{{3}}};
    REQUIRE_FALSE(losses::mean_over_labelled(each, nothing).requires_grad());

    // Focal loss: what a loss of the library gives for each sample, and more done to it.
    const Tensor<Index> labels{{3}, {0, 1, 7}};
    const Target<double> some{labels, Tensor<bool>{{3}, {true, true, false}}};
    const auto ce = losses::cross_entropy(Variable<double>{Tensor<double>{{3, 2}, {1, 0, 0, 0, 0, 0}}, true}, some,
                                          {.reduction = losses::Reduction::none});
    const auto focal = losses::mean_over_labelled((1.0 - exp(-ce)) * ce, some);
    const double a = std::log1p(std::exp(-1.0));
    REQUIRE(focal.item() == Approx(((1 - std::exp(-a)) * a + 0.5 * std::log(2.0)) / 2));
}

TEST_CASE("Losses of one's own name what does not fit", "[losses]") {
    const Variable<float> x{Tensor<float>{{4, 1}}, true};
    const auto same = [](const Variable<float>& a, const Variable<float>&) { return a; };
    const auto total = [](const Variable<float>& a, const Variable<float>&) { return autograd::sum(a); };
    REQUIRE_THROWS_WITH(losses::mean_over_labelled(x, Tensor<float>{{4}}, same),
                        "[mean_over_labelled] expected values of the shape of the prediction (4, 1), got (4,): reshape them to (4, 1)");
    REQUIRE_THROWS_WITH(
        losses::mean_over_labelled(x, Tensor<Index>{{4}}, same),
        "[mean_over_labelled] expected a target of values, got class indices of shape (4,): give values as a Tensor<float>");
    REQUIRE_THROWS_AS(losses::mean_over_labelled(x, Tensor<float>{{4, 1}}, total), ShapeError);
    REQUIRE_THROWS_WITH(losses::mean_over_labelled(x, Tensor<float>{{4, 1}}, total),
                        "[mean_over_labelled] expected a loss for each of the labelled elements (4,), got ()");
    REQUIRE_THROWS_WITH(losses::mean_over_labelled(x, Tensor<float>{{4, 2}}),
                        "[mean_over_labelled] expected a loss for each element (4, 2) or for each sample (4,), got (4, 1)");
    REQUIRE_THROWS_WITH(losses::pointwise("mine", x, Tensor<float>{{4, 2}},
                                          [](float a, float) {
                                              return losses::Point{a, 1.0F};
                                          }),
                        "[mine] expected values of the shape of the prediction (4, 1), got (4, 2)");
}
