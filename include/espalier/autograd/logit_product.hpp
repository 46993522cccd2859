// SPDX-License-Identifier: MIT
/// @file The product of two probabilities, all three as logits.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// y = -log(exp(-a) + exp(-b) + exp(-a - b)) and its derivatives: the share of each logit's terms in the sum.
template <class Scalar>
struct LogitProduct {
    Scalar value, left, right;

    static constexpr Index cost = 16;  ///< in elements of an ordinary loop: it has three exponentials and a logarithm

    LogitProduct(Scalar a, Scalar b) noexcept {
        // All terms times exp(y), y what it is where the other two are nothing beside the largest: none is over 1 then.
        const Scalar low = std::min(a, b), high = std::max(a, b);
        const bool likely = high > 0;
        const Scalar of_low = likely ? Scalar(1) : std::exp(high);
        const Scalar of_high = std::exp(likely ? low - high : low);
        const Scalar of_both = likely ? std::exp(-high) : Scalar(1);
        const Scalar rest = of_high + (likely ? of_both : of_low);
        value = (likely ? low : low + high) - std::log1p(rest);
        left = (of_low + of_both) / (1 + rest);
        right = (of_high + of_both) / (1 + rest);
        if (b < a)
            std::swap(left, right);
    }
};

}  // namespace detail

/// The logit of s(a) s(b), s the sigmoid: what is likely if one thing is and then another, as a click and a purchase. It is exact where
/// the probabilities or their product are too near to 0 or 1 to be told from it, and has a gradient there.
/// @throws ShapeError for logits of different shapes
template <class Scalar>
[[nodiscard]] Variable<Scalar> logit_product(const Variable<Scalar>& a, const Variable<Scalar>& b) {
    require<ShapeError>(a.shape() == b.shape(), "logit_product", "expected logits of one shape, got ", a.shape(), " and ", b.shape());
    using At = detail::LogitProduct<Scalar>;
    auto y = Tensor<Scalar>::empty(a.shape());
    kernels::for_each_index(
        y.numel(),
        [left = a.value().data(), right = b.value().data(), out = y.data()](Index i) {
            out[i] = At{left[i], right[i]}.value;
        },
        At::cost);
    return record<Scalar>("logit_product", std::move(y), {a, b}, [](Gradients<Scalar>& g) {
        const Index n = g.output().numel();
        for (std::size_t i = 0; i < 2; ++i) {
            if (!g.needs(i))
                continue;
            auto gradient = Tensor<Scalar>::empty(g.cotangent().shape());
            kernels::for_each_index(
                g.rows() * n,
                [&, left = g.input(0).data(), right = g.input(1).data(), dy = g.cotangent().data(), out = gradient.data()](Index j) {
                    const At at{left[j % n], right[j % n]};
                    out[j] = dy[j] * (i == 0 ? at.left : at.right);
                },
                At::cost);
            g.add(i, std::move(gradient));
        }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
