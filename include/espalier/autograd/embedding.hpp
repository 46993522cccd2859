// SPDX-License-Identifier: MIT
/// @file Look-up of rows of a table by index.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/prefetch.hpp>
#include <espalier/kernels/row_groups.hpp>

#include <algorithm>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Rows of `weight` (V, D) for each of `indices` (...): gives (..., D). With `sparse` the gradient of a leaf lists the rows that were
/// looked up (`Variable::sparse_grad`), and a backward pass and an optimizer's step touch no others. @throws ShapeError; ValueError for
/// an index that is not in [0, V).
template <class Scalar>
[[nodiscard]] Variable<Scalar> embedding(const Variable<Scalar>& weight, const Tensor<Index>& indices, bool sparse = false) {
    require<ShapeError>(weight.rank() == 2, "embedding", "expected weights (entries, width), got ", weight.shape());
    const Index entries = weight.size(0);
    const Index width = weight.size(1);
    for (const Index i : indices)
        require<ValueError>(i >= 0 && i < entries, "embedding", "expected indices in [0, ", entries, "), got ", i);
    Shape shape = indices.shape();
    shape.append(width);
    auto y = Tensor<Scalar>::empty(shape);
    parallel_for(indices.numel(), kernels::row_grain(width), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            if (i + kernels::rows_ahead < end)
                kernels::prefetch_row(weight.value().data() + indices[i + kernels::rows_ahead] * width, width);
            std::copy_n(weight.value().data() + indices[i] * width, width, y.data() + i * width);
        }
    });
    return record<Scalar>("embedding", std::move(y), {weight}, [=](Gradients<Scalar>& g) {
        const kernels::RowGroups groups{indices, entries};
        if (sparse || g.wants_products(0)) {  // to inner products, entries that were not looked up add nothing
            auto values = Tensor<Scalar>::empty({g.rows(), groups.size(), width});
            groups.sum(g.rows(), width, g.cotangent().data(), false,
                       [&](Index t, Index k) { return values.data() + (t * groups.size() + k) * width; });
            g.add_sparse(0, groups.rows(), std::move(values));
        } else {
            g.produce(0, [&](const kernels::Target<Scalar>& to) {
                for (Index t = 0; t < g.rows() && !to.accumulate; ++t)
                    kernels::for_each_index(entries * width, [row = to.row(t)](Index i) { row[i] = 0; });
                groups.sum(g.rows(), width, g.cotangent().data(), to.accumulate,
                           [&](Index t, Index k) { return to.row(t) + groups.rows()[k] * width; });
            });
        }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
