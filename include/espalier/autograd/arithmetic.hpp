// SPDX-License-Identifier: MIT
/// @file + - * / of variables whose shapes broadcast, and of variables with numbers.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/kernels/combine.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// Where element i of a broadcast result comes from in one operand.
class BroadcastIndex {
public:
    BroadcastIndex(const Shape& operand, const Shape& result)
        : numel_{operand.numel()}, rank_{result.rank()}, contiguous_{operand.numel() == result.numel()} {
        Index stride = 1;
        suffix_ = true;
        for (Index axis = rank_ - 1; axis >= 0; --axis) {
            const Index own = axis - (rank_ - operand.rank());
            const Index extent = own >= 0 ? operand[own] : 1;
            extents_[static_cast<std::size_t>(axis)] = result[axis];
            strides_[static_cast<std::size_t>(axis)] = extent == 1 ? 0 : stride;
            stride *= extent;
            suffix_ = suffix_ && (stride == operand.numel() || extent == result[axis]);
        }
    }

    [[nodiscard]] Index numel() const noexcept { return numel_; }
    /// Every element is used once.
    [[nodiscard]] bool contiguous() const noexcept { return contiguous_; }
    /// The operand is repeated as a whole: only leading axes are broadcast.
    [[nodiscard]] bool suffix() const noexcept { return suffix_; }

    [[nodiscard]] Index operator()(Index i) const noexcept {
        if (contiguous_)
            return i;
        if (suffix_)
            return i % numel_;
        Index offset = 0;
        for (Index axis = rank_ - 1; axis >= 0; --axis) {
            const Index extent = extents_[static_cast<std::size_t>(axis)];
            offset += i % extent * strides_[static_cast<std::size_t>(axis)];
            i /= extent;
        }
        return offset;
    }

private:
    std::array<Index, Shape::max_rank> extents_{};
    std::array<Index, Shape::max_rank> strides_{};
    Index numel_;
    Index rank_;
    bool contiguous_;
    bool suffix_;
};

/// The common shape, axes aligned at the end, extents of 1 stretched. @throws ShapeError naming both shapes.
[[nodiscard]] inline Shape broadcast(const char* operation, const Shape& a, const Shape& b) {
    const Index rank = std::max(a.rank(), b.rank());
    Shape result;
    for (Index axis = 0; axis < rank; ++axis) {
        const Index i = axis - (rank - a.rank());
        const Index j = axis - (rank - b.rank());
        const Index x = i >= 0 ? a[i] : 1;
        const Index y = j >= 0 ? b[j] : 1;
        require<ShapeError>(x == y || x == 1 || y == 1, operation, "expected shapes that broadcast, got ", a, " and ", b);
        result.append(x == 1 ? y : x);
    }
    return result;
}

/// (T, operand...): for each row, `term(t, i)` summed over all i of the result that come from one element.
template <class Scalar, class Term>
[[nodiscard]] Tensor<Scalar> sum_to_operand(const BroadcastIndex& index, const Shape& operand, Index rows, Index n, const Term& term) {
    auto result = Tensor<Scalar>::empty(operand.prepended(rows));
    const Index numel = index.numel();
    PoolVector<double> sums(static_cast<std::size_t>(index.contiguous() ? 0 : numel));
    for (Index t = 0; t < rows; ++t) {
        Scalar* const out = result.data() + t * numel;
        if (index.contiguous()) {
            kernels::for_each_index(n, [&](Index i) { out[i] = term(t, i); });
            continue;
        }
        if (index.suffix() && numel > 0) {
            kernels::column_sums(n / numel, numel, sums.data(), [&](Index r, Index c) { return term(t, r * numel + c); });
        } else {
            std::fill(sums.begin(), sums.end(), 0.0);
            for (Index i = 0; i < n; ++i)
                sums[static_cast<std::size_t>(index(i))] += static_cast<double>(term(t, i));
        }
        std::transform(sums.begin(), sums.end(), out, [](double v) { return static_cast<Scalar>(v); });
    }
    return result;
}

/// y = f(a, b) for a function of kernels/functions.hpp.
template <class F, class Scalar>
[[nodiscard]] Variable<Scalar> combined(const char* operation, const Variable<Scalar>& a, const Variable<Scalar>& b) {
    const Shape shape = broadcast(operation, a.shape(), b.shape());
    const BroadcastIndex in_a{a.shape(), shape};
    const BroadcastIndex in_b{b.shape(), shape};
    const bool whole = in_a.suffix() && in_b.suffix();  // one operand has all elements, then
    auto y = Tensor<Scalar>::empty(shape);
    const Scalar* const left = a.value().data();
    const Scalar* const right = b.value().data();
    if (whole)
        kernels::combine<F, Scalar>(y.numel(), {left, in_a.numel()}, {right, in_b.numel()}, y.data());
    else
        kernels::for_each_index(y.numel(), [&, out = y.data()](Index i) { out[i] = F::value(left[in_a(i)], right[in_b(i)]); });
    return record<Scalar>(operation, std::move(y), {a, b}, [in_a, in_b, whole](Gradients<Scalar>& g) {
        const Index n = g.output().numel();
        const Scalar* const dy = g.cotangent().data();
        const Scalar* const x0 = g.input(0).data();
        const Scalar* const x1 = g.input(1).data();
        const auto pull = [&]<class Pull>(std::size_t i, const BroadcastIndex& index, Pull by) {
            const Shape& operand = g.input(i).shape();
            if (!whole || !index.contiguous())
                return g.add(i, sum_to_operand<Scalar>(index, operand, g.rows(), n,
                                                       [&](Index t, Index j) { return by(x0[in_a(j)], x1[in_b(j)], dy[t * n + j]); }));
            auto dx = Tensor<Scalar>::empty(operand.prepended(g.rows()));
            for (Index t = 0; t < g.rows(); ++t)
                kernels::combine_back<Pull, Scalar>(n, {x0, in_a.numel()}, {x1, in_b.numel()}, dy + t * n, dx.data() + t * n);
            g.add(i, std::move(dx));
        };
        if (g.needs(0))
            pull(0, in_a, kernels::PullLeft<F>{});
        if (g.needs(1))
            pull(1, in_b, kernels::PullRight<F>{});
    });
}

}  // namespace detail

/// Shapes are aligned at their last axes; an axis that is missing or 1 is repeated, so (C,) and (N, 1, 1, C) both meet
/// (N, H, W, C). @throws ShapeError naming both shapes if they do not fit.
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator+(const Variable<Scalar>& a, const Variable<Scalar>& b) {
    return detail::combined<kernels::Add>("add", a, b);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator-(const Variable<Scalar>& a, const Variable<Scalar>& b) {
    return detail::combined<kernels::Subtract>("subtract", a, b);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator*(const Variable<Scalar>& a, const Variable<Scalar>& b) {
    return detail::combined<kernels::Multiply>("multiply", a, b);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator/(const Variable<Scalar>& a, const Variable<Scalar>& b) {
    return detail::combined<kernels::Divide>("divide", a, b);
}

template <class Scalar>
[[nodiscard]] Variable<Scalar> operator*(const Variable<Scalar>& x, std::type_identity_t<Scalar> factor) {
    return detail::mapped<kernels::Scale>("scale", x, factor);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator+(const Variable<Scalar>& x, std::type_identity_t<Scalar> term) {
    return detail::mapped<kernels::Shift>("shift", x, term);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator*(std::type_identity_t<Scalar> factor, const Variable<Scalar>& x) {
    return x * factor;
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator+(std::type_identity_t<Scalar> term, const Variable<Scalar>& x) {
    return x + term;
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator-(const Variable<Scalar>& x) {
    return x * Scalar(-1);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator-(const Variable<Scalar>& x, std::type_identity_t<Scalar> term) {
    return x + -term;
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator-(std::type_identity_t<Scalar> term, const Variable<Scalar>& x) {
    return -x + term;
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> operator/(const Variable<Scalar>& x, std::type_identity_t<Scalar> divisor) {
    return x * (1 / divisor);
}

/// sum over i of `weights[i] * terms[i]`, of terms of one shape, added in their order; at least one.
/// @throws ShapeError naming the shape that differs, or for no term or not a weight for each.
template <class Scalar>
[[nodiscard]] Variable<Scalar> weighted_sum(std::span<const Variable<Scalar>> terms, std::span<const Scalar> weights) {
    require<ShapeError>(!terms.empty() && terms.size() == weights.size(), "weighted_sum",
                        "expected a weight for each of at least one term, got ", terms.size(), " terms and ", weights.size(), " weights");
    Tensor<Scalar> y{terms[0].shape()};
    for (std::size_t i = 0; i < terms.size(); ++i) {
        require<ShapeError>(terms[i].shape() == y.shape(), "weighted_sum", "expected terms of shape ", y.shape(), ", got ",
                            terms[i].shape(), " at ", i);
        for (Index j = 0; j < y.numel(); ++j)
            y[j] += weights[i] * terms[i].value()[j];
    }
    return record<Scalar>("weighted_sum", std::move(y), terms,
                          [kept = PoolVector<Scalar>(weights.begin(), weights.end())](Gradients<Scalar>& g) {
                              for (std::size_t i = 0; i < kept.size(); ++i)
                                  if (g.needs(i)) {
                                      Tensor<Scalar> gradient = g.cotangent();
                                      for (Scalar& value : gradient)
                                          value *= kept[i];
                                      g.add(i, std::move(gradient));
                                  }
                          });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
