// SPDX-License-Identifier: MIT
/// @file Gradients of tables that a step looks few rows up in: those rows, and not the table.
#pragma once

#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/row_groups.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// The gradient of a table (V, width) where it is not 0: `values` (k, width) belong to its `rows` (k,), each of which is there once, in
/// no particular order.
template <class Scalar = float>
struct SparseGradient {
    Tensor<Index> rows;
    Tensor<Scalar> values;
};

namespace detail {

/// Adds `values` (k, width) to the `rows` (k,) of a table.
template <class Scalar>
void add_to_rows(const Tensor<Index>& rows, Index width, const Scalar* values, Scalar* table) {
    parallel_for(rows.numel(), kernels::row_grain(width), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i)
            kernels::vector_loop(0, width, [from = values + i * width, to = table + rows[i] * width](Index d) { to[d] += from[d]; });
    });
}

/// The whole gradient. @throws std::bad_alloc
template <class Scalar>
void make_dense(const SparseGradient<Scalar>& from, const Shape& shape, Tensor<Scalar>& to) {
    if (to.shape() != shape || !to.data())
        to = Tensor<Scalar>::empty(shape);
    kernels::for_each_index(to.numel(), [data = to.data()](Index i) { data[i] = 0; });
    add_to_rows(from.rows, shape.product(1, shape.rank()), from.values.data(), to.data());
}

/// The sum of two, where each row stands once again.
template <class Scalar>
[[nodiscard]] SparseGradient<Scalar> sum(const SparseGradient<Scalar>& a, const SparseGradient<Scalar>& b, const Shape& shape) {
    const Index first = a.rows.numel(), both = first + b.rows.numel(), width = shape.product(1, shape.rank());
    auto list = Tensor<Index>::empty({both});
    std::copy(b.rows.begin(), b.rows.end(), std::copy(a.rows.begin(), a.rows.end(), list.begin()));
    auto values = Tensor<Scalar>::empty({both, width});
    std::copy(b.values.begin(), b.values.end(), std::copy(a.values.begin(), a.values.end(), values.begin()));
    const kernels::RowGroups groups{list, shape[0]};
    SparseGradient<Scalar> result{groups.rows(), Tensor<Scalar>::empty(shape.with(0, groups.size()))};
    groups.sum(1, width, values.data(), false, [&](Index, Index k) { return result.values.data() + k * width; });
    return result;
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::autograd

namespace espalier::inline ESPALIER_ABI {
using autograd::SparseGradient;
}  // namespace espalier::inline ESPALIER_ABI
