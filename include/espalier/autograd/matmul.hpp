// SPDX-License-Identifier: MIT
/// @file Matrix products: `matmul` and the affine map of a layer, `linear`, also with the ReLU after it.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/kernels/reduction.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// a (..., M, K) times b, which is (K, N) for all of a, or (..., K, N) with the same leading axes; gives (..., M, N).
/// @throws ShapeError naming both shapes.
template <class Scalar>
[[nodiscard]] Variable<Scalar> matmul(const Variable<Scalar>& a, const Variable<Scalar>& b) {
    using enum kernels::Transpose;
    const Shape& left = a.shape();
    const Shape& right = b.shape();
    const bool batched = right.rank() > 2;
    require<ShapeError>(left.rank() >= 2 && right.rank() >= 2 && left.back() == right[-2] &&
                            (!batched || (left.rank() == right.rank() && left.axes(0, left.rank() - 2) == right.axes(0, right.rank() - 2))),
                        "matmul", "expected (..., M, K) and (K, N) or (..., K, N), got ", left, " and ", right);
    const Index k = left.back();
    const Index n = right.back();
    const Index batch = batched ? left.product(0, left.rank() - 2) : 1;
    const Index m = batched ? left[-2] : left.product(0, left.rank() - 1);
    auto y = Tensor<Scalar>::empty(left.with(-1, n));
    for (Index i = 0; i < batch; ++i)
        kernels::parallel_gemm<Scalar>(no, no, m, n, k, {a.value().data() + i * m * k, k}, {b.value().data() + i * k * n, n},
                                       {y.data() + i * m * n, n}, false);
    return record<Scalar>("matmul", std::move(y), {a, b}, [=](Gradients<Scalar>& g) {
        const Scalar* const dy = g.cotangent().data();
        const Index products = g.rows() * batch;
        if (g.needs(0))
            g.produce(0, [&](const kernels::Target<Scalar>& da) {
                for (Index i = 0; i < products; ++i)
                    kernels::parallel_gemm<Scalar>(no, yes, m, k, n, {dy + i * m * n, n}, {g.input(1).data() + i % batch * k * n, n},
                                                   {da.row(i / batch) + i % batch * m * k, k}, da.accumulate);
            });
        if (g.needs(1))
            g.produce(1, [&](const kernels::Target<Scalar>& db) {
                for (Index i = 0; i < products; ++i)
                    kernels::parallel_gemm<Scalar>(yes, no, k, n, m, {g.input(0).data() + i % batch * m * k, k}, {dy + i * m * n, n},
                                                   {db.row(i / batch) + i % batch * k * n, n}, db.accumulate);
            });
    });
}

namespace detail {

/// The bias gradient: row t of dy, seen as (rows of x, channels), summed over its rows.
template <class Scalar>
void add_bias_gradient(Gradients<Scalar>& g, std::size_t input, const Scalar* dy, Index rows, Index channels) {
    g.produce(input, [&](const kernels::Target<Scalar>& db) {
        const Buffer memory{static_cast<std::size_t>(channels) * sizeof(double)};
        auto* const sums = static_cast<double*>(memory.data());
        for (Index t = 0; t < g.rows(); ++t) {
            kernels::column_sums(rows, channels, dy + t * rows * channels, sums);
            Scalar* const to = db.row(t);
            for (Index c = 0; c < channels; ++c)
                to[c] = static_cast<Scalar>(sums[c]) + (db.accumulate ? to[c] : 0);
        }
    });
}

template <class Scalar>
[[nodiscard]] Variable<Scalar> linear(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>* bias,
                                      bool with_relu) {
    using enum kernels::Transpose;
    require<ShapeError>(weight.rank() == 2, "linear", "expected weights (out, in), got ", weight.shape());
    const Index in = weight.size(1);
    const Index out = weight.size(0);
    require<ShapeError>(x.rank() >= 1 && x.size(-1) == in, "linear", "expected ", in, " input features, got input ", x.shape());
    require<ShapeError>(!bias || bias->shape() == Shape{out}, "linear", "expected a bias of shape (", out, ",), got ",
                        bias ? bias->shape() : Shape{});
    const Index rows = x.shape().product(0, x.rank() - 1);
    auto y = Tensor<Scalar>::empty(x.shape().with(-1, out));
    const bool of_sequences = x.rank() > 2;  // whose steps are what they are, whatever else is in the batch
    kernels::affine(rows, out, in, x.value().data(), weight.value().data(), bias ? bias->value().data() : nullptr, with_relu, of_sequences,
                    y.data());
    const auto backward = [=](Gradients<Scalar>& g) {
        if (with_relu)
            close_relu(g);
        const Scalar* const dy = g.cotangent().data();
        if (g.needs(1) && !g.add_factors(1, rows, out, in, dy, g.input(0).data()))
            g.produce(1, [&](const kernels::Target<Scalar>& dw) {
                for (Index t = 0; t < g.rows(); ++t)
                    kernels::parallel_gemm<Scalar>(yes, no, out, in, rows, {dy + t * rows * out, out}, {g.input(0).data(), in},
                                                   {dw.row(t), in}, dw.accumulate);
            });
        if (g.inputs() == 3 && g.needs(2))
            add_bias_gradient(g, 2, dy, rows, out);
        if (g.needs(0))
            g.add_product(0, std::move(g.cotangent()), 1);
    };
    const char* const name = with_relu ? "linear_relu" : "linear";
    if (bias)
        return record<Scalar>(name, std::move(y), {x, weight, *bias}, backward);
    return record<Scalar>(name, std::move(y), {x, weight}, backward);
}

}  // namespace detail

/// x (..., in) times the transpose of `weight` (out, in), plus `bias` (out,): gives (..., out).
/// @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> linear(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias) {
    return detail::linear(x, weight, &bias, false);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> linear(const Variable<Scalar>& x, const Variable<Scalar>& weight) {
    return detail::linear<Scalar>(x, weight, nullptr, false);
}

/// `relu(linear(...))` with the same bits, in one pass each way. @throws as linear.
template <class Scalar>
[[nodiscard]] Variable<Scalar> linear_relu(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias) {
    return detail::linear(x, weight, &bias, true);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> linear_relu(const Variable<Scalar>& x, const Variable<Scalar>& weight) {
    return detail::linear<Scalar>(x, weight, nullptr, true);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
