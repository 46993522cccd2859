// SPDX-License-Identifier: MIT
/// @file What the tests of losses have in common.
#pragma once

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/gradcheck.hpp>
#include <espalier/losses/loss.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace testing {

using espalier::Index;
using espalier::Shape;
using espalier::Tensor;
using espalier::Variable;

template <class A, class B>
void require_close(const A& actual, const B& expected, double tolerance = 1e-13) {
    REQUIRE(static_cast<std::size_t>(actual.numel()) == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(i);
        REQUIRE(static_cast<double>(actual[static_cast<Index>(i)]) == Approx(expected[i]).epsilon(tolerance).margin(tolerance));
    }
}

/// Values of `loss` and, summed over its elements, its gradient at `at`.
inline void require_loss(const espalier::losses::Loss<double>& loss, const Tensor<double>& at,
                         const espalier::losses::Target<double>& target, const std::vector<double>& values,
                         const std::vector<double>& gradient) {
    const Variable<double> x{at, true};
    const auto y = loss(x, target);
    require_close(y.value(), values);
    if (gradient.empty())
        return;
    const auto rows = espalier::autograd::vjp(y, Tensor<double>::ones(y.shape().prepended(1)), std::span{&x, 1});
    require_close(rows[0], gradient);
}

/// The gradient against differences, and three cotangents in one traversal against three traversals.
inline void require_gradients(const espalier::losses::Loss<double>& loss, const Tensor<double>& at,
                              const espalier::losses::Target<double>& target) {
    const auto report = espalier::gradcheck([&](const auto& in) { return loss(in[0], target); }, {at});
    CAPTURE(report);
    REQUIRE(report);
    const Variable<double> x{at, true};
    const std::span<const Variable<double>> wrt{&x, 1};
    espalier::Random random{5};
    const auto y = loss(x, target);
    const auto cotangents = Tensor<double>::normal(y.shape().prepended(3), random);
    const auto together = espalier::autograd::vjp(y, cotangents, wrt, true)[0];
    for (Index t = 0; t < 3; ++t) {
        const auto alone = espalier::autograd::vjp(y, cotangents.slice(t, t + 1), wrt, true)[0];
        REQUIRE(together.slice(t, t + 1) == alone);
    }
}

/// What the mask leaves out counts as if it were not there, whatever it holds; over nothing, the loss is a constant 0.
/// `target` has four samples.
inline void require_masked(const espalier::losses::Loss<double>& loss, const Tensor<double>& at,
                           const espalier::losses::Target<double>& target) {
    const std::vector<Index> kept{0, 2};
    const auto masked = [&](std::initializer_list<bool> mask) {
        return target.has_labels() ? espalier::losses::Target<double>{target.labels(), Tensor<bool>{{4}, mask}}
                                   : espalier::losses::Target<double>{target.values(), Tensor<bool>{{4}, mask}};
    };
    const Index each = at.numel() / 4;
    Tensor<double> spoilt = at;
    for (Index i = 0; i < each; ++i) {
        spoilt[each + i] = std::numeric_limits<double>::quiet_NaN();
        spoilt[3 * each + i] = std::numeric_limits<double>::infinity();
    }
    const auto run = [&](const Tensor<double>& prediction, const espalier::losses::Target<double>& labels) {
        const Variable<double> x{prediction, true};
        const auto y = loss(x, labels);
        auto rows = espalier::autograd::vjp(y, Tensor<double>::ones(y.shape().prepended(1)), std::span{&x, 1});
        return std::pair{y.value(), std::move(rows[0]).reshape(prediction.shape())};
    };
    const auto [part, part_gradient] = run(at.gather(kept), target.gather(kept));
    const auto [whole, gradient] = run(spoilt, masked({true, false, true, false}));
    REQUIRE(gradient.gather(kept) == part_gradient);
    REQUIRE(gradient.gather(std::vector<Index>{1, 3}) == Tensor<double>{part_gradient.shape()});
    if (whole.rank() == 0) {
        REQUIRE(whole == part);
    } else {
        REQUIRE(whole.gather(kept) == part);
        REQUIRE(whole.gather(std::vector<Index>{1, 3}) == Tensor<double>{part.shape()});
    }
    const Variable<double> nothing = loss(Variable<double>{spoilt, true}, masked({false, false, false, false}));
    REQUIRE(nothing.value() == Tensor<double>{whole.shape()});
    REQUIRE_FALSE(nothing.requires_grad());
}

}  // namespace testing
