// SPDX-License-Identifier: MIT
/// @file Look-up of rows of a table by index.
#pragma once

#include <espalier/autograd/record.hpp>

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
        Tensor<Scalar> gradient{g.input(0).shape().prepended(g.rows())};
        parallel_for(g.rows(), 1, [&](Index begin, Index end) {
            for (Index t = begin; t < end; ++t)
                for (Index i = 0; i < indices.numel(); ++i) {
                    Scalar* const to = gradient.data() + (t * entries + indices[i]) * width;
                    const Scalar* const from = g.cotangent().data() + (t * indices.numel() + i) * width;
                    for (Index d = 0; d < width; ++d)
                        to[d] += from[d];
                }
        });
        g.add(0, std::move(gradient));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
