// SPDX-License-Identifier: MIT
/// @file Look-up of rows of a table by index.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Rows of `weight` (V, D) for each of `indices` (...): gives (..., D). @throws ShapeError; ValueError for an index
/// that is not in [0, V).
template <class Scalar>
[[nodiscard]] Variable<Scalar> embedding(const Variable<Scalar>& weight, const Tensor<Index>& indices) {
    require<ShapeError>(weight.rank() == 2, "embedding", "expected weights (entries, width), got ", weight.shape());
    const Index entries = weight.size(0);
    const Index width = weight.size(1);
    for (const Index i : indices)
        require<ValueError>(i >= 0 && i < entries, "embedding", "expected indices in [0, ", entries, "), got ", i);
    Shape shape = indices.shape();
    shape.append(width);
    auto y = Tensor<Scalar>::empty(shape);
    for (Index i = 0; i < indices.numel(); ++i)
        std::copy_n(weight.value().data() + indices[i] * width, width, y.data() + i * width);
    return record<Scalar>("embedding", std::move(y), {weight}, [=](Gradients<Scalar>& g) {
        // Where each entry was looked up: positions [first[v], first[v + 1]) of `order`, in their order.
        const Index count = indices.numel();
        PoolVector<Index> first(static_cast<std::size_t>(entries) + 1);
        for (const Index v : indices)
            ++first[static_cast<std::size_t>(v) + 1];
        std::partial_sum(first.begin(), first.end(), first.begin());
        PoolVector<Index> order(static_cast<std::size_t>(count));
        PoolVector<Index> next = first;
        for (Index i = 0; i < count; ++i)
            order[static_cast<std::size_t>(next[static_cast<std::size_t>(indices[i])]++)] = i;
        // To inner products, entries that were not looked up add nothing.
        const bool all = !g.wants_products(0);
        PoolVector<Index> listed;
        for (Index v = 0; v < entries; ++v)
            if (all || first[static_cast<std::size_t>(v)] < first[static_cast<std::size_t>(v) + 1])
                listed.push_back(v);
        const auto list = static_cast<Index>(listed.size());
        auto gradient = Tensor<Scalar>::empty({g.rows(), list, width});
        const auto bytes = static_cast<std::size_t>(width) * sizeof(double);
        parallel_for(g.rows() * list, kernels::row_grain(width), bytes, [&](Index begin, Index end, void* scratch) {
            for (Index row = begin; row < end; ++row) {
                const auto entry = static_cast<std::size_t>(listed[static_cast<std::size_t>(row % list)]);
                const auto add_to = [&](auto* sums) {
                    std::fill_n(sums, width, 0);
                    for (Index k = first[entry]; k < first[entry + 1]; ++k) {
                        const Scalar* const from = g.cotangent().data() + (row / list * count + order[static_cast<std::size_t>(k)]) * width;
                        kernels::vector_loop(0, width, [=](Index d) { sums[d] += from[d]; });
                    }
                };
                Scalar* const to = gradient.data() + row * width;
                if (first[entry + 1] - first[entry] <= 256) {
                    add_to(to);
                } else {  // so many floats would lose digits
                    auto* const sums = static_cast<double*>(scratch);
                    add_to(sums);
                    std::transform(sums, sums + width, to, [](double v) { return static_cast<Scalar>(v); });
                }
            }
        });
        if (all)
            g.add(0, std::move(gradient));
        else
            g.add_rows(0, list * width, gradient.data());
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
