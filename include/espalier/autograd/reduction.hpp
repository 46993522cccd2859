// SPDX-License-Identifier: MIT
/// @file Sums, means and maxima over all elements or over one axis.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// An axis of a shape seen as (outer, extent, inner).
struct AxisView {
    Index outer;
    Index extent;
    Index inner;

    AxisView(const Shape& shape, Index axis)
        : outer{shape.product(0, axis)}, extent{shape[axis]}, inner{shape.product(axis + 1, shape.rank())} {}
    [[nodiscard]] Index operator()(Index o, Index e, Index i) const noexcept { return (o * extent + e) * inner + i; }

    /// `body(o, begin, end, sums)` for pieces of the inner axis, on all threads, with memory for a sum of each element.
    template <class Body>
    void for_each_piece(const Body& body) const {
        constexpr Index most = 256;
        const Index pieces = (inner + most - 1) / most;
        parallel_for(outer * pieces, kernels::row_grain(extent * std::min(inner, most)), most * sizeof(double),
                     [&](Index first, Index last, void* memory) {
                         for (Index i = first; i < last; ++i)
                             body(i / pieces, i % pieces * most, std::min(inner, (i % pieces + 1) * most), static_cast<double*>(memory));
                     });
    }
};

}  // namespace detail

/// Sum of all elements, a scalar.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sum(const Variable<Scalar>& x) {
    const Scalar* const in = x.value().data();
    const double total = kernels::sum(x.numel(), [=](Index i) { return in[i]; });
    return record<Scalar>("sum", Tensor<Scalar>::scalar(static_cast<Scalar>(total)), {x}, [](Gradients<Scalar>& g) {
        auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        const Index n = g.input(0).numel();
        for (Index t = 0; t < g.rows(); ++t)
            kernels::for_each_index(n, [to = gradient.data() + t * n, value = g.cotangent()[t]](Index i) { to[i] = value; });
        g.add(0, std::move(gradient));
    });
}

/// Mean of all elements, a scalar. @throws ShapeError if there are none.
template <class Scalar>
[[nodiscard]] Variable<Scalar> mean(const Variable<Scalar>& x) {
    require<ShapeError>(x.numel() > 0, "mean", "expected at least one element, got shape ", x.shape());
    return sum(x) / static_cast<Scalar>(x.numel());
}

/// Sum over one axis, which is removed, or kept with extent 1. @throws ShapeError if there is no such axis.
template <class Scalar>
[[nodiscard]] Variable<Scalar> sum(const Variable<Scalar>& x, Index axis, bool keep_axis = false) {
    axis = x.shape().normalize(axis);
    const detail::AxisView view{x.shape(), axis};
    auto y = Tensor<Scalar>::empty(keep_axis ? x.shape().with(axis, 1) : x.shape().without(axis));
    view.for_each_piece([&, in = x.value().data(), out = y.data()](Index o, Index begin, Index end, double* totals) {
        std::fill_n(totals, end - begin, 0.0);
        if (view.inner == 1)
            *totals = std::accumulate(in + view(o, 0, 0), in + view(o + 1, 0, 0), 0.0);
        for (Index e = 0; view.inner > 1 && e < view.extent; ++e)
            kernels::vector_loop(begin, end, [=, row = in + view(o, e, 0)](Index j) { totals[j - begin] += static_cast<double>(row[j]); });
        std::transform(totals, totals + (end - begin), out + o * view.inner + begin,
                       [](double total) { return static_cast<Scalar>(total); });
    });
    return record<Scalar>("sum", std::move(y), {x}, [view](Gradients<Scalar>& g) {
        auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        parallel_for(g.rows() * view.outer * view.extent, kernels::row_grain(view.inner),
                     [&, dy = g.cotangent().data(), dx = gradient.data()](Index begin, Index end) {
                         for (Index i = begin; i < end; ++i)
                             std::copy_n(dy + i / view.extent * view.inner, view.inner, dx + i * view.inner);
                     });
        g.add(0, std::move(gradient));
    });
}

/// Mean over one axis. @throws ShapeError if there is no such axis, or a mean of nothing.
template <class Scalar>
[[nodiscard]] Variable<Scalar> mean(const Variable<Scalar>& x, Index axis, bool keep_axis = false) {
    const Index entries = x.size(axis);
    require<ShapeError>(entries > 0 || x.shape().without(axis).numel() == 0, "mean", "expected entries on axis ", axis, ", got shape ",
                        x.shape());
    return sum(x, axis, keep_axis) / static_cast<Scalar>(std::max<Index>(entries, 1));
}

/// Largest entry over one axis; the gradient goes to the first of equals. @throws ShapeError as `mean`.
template <class Scalar>
[[nodiscard]] Variable<Scalar> max(const Variable<Scalar>& x, Index axis, bool keep_axis = false) {
    axis = x.shape().normalize(axis);
    const detail::AxisView view{x.shape(), axis};
    require<ShapeError>(view.extent > 0, "max", "expected entries on axis ", axis, ", got shape ", x.shape());
    auto y = Tensor<Scalar>::empty(keep_axis ? x.shape().with(axis, 1) : x.shape().without(axis));
    auto where = Tensor<Index>::empty(y.shape());
    const Scalar* const in = x.value().data();
    kernels::for_each_index(y.numel(), [&, out = y.data(), winner = where.data()](Index j) {
        Index best = view(j / view.inner, 0, j % view.inner);
        for (Index e = 1; e < view.extent; ++e)
            if (const Index i = view(j / view.inner, e, j % view.inner); in[i] > in[best] || is_nan(in[i]))
                best = i;
        out[j] = in[best];
        winner[j] = best;
    });
    return record<Scalar>("max", std::move(y), {x}, [where = std::move(where)](Gradients<Scalar>& g) {
        Tensor<Scalar> gradient{g.input(0).shape().prepended(g.rows())};
        const Index n = g.input(0).numel();
        for (Index t = 0; t < g.rows(); ++t)
            for (Index j = 0; j < where.numel(); ++j)
                gradient[t * n + where[j]] = g.cotangent()[t * where.numel() + j];
        g.add(0, std::move(gradient));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
