// SPDX-License-Identifier: MIT
/// @file Class indices as rows with a single 1.
#pragma once

#include <espalier/tensor/tensor.hpp>

namespace espalier::inline ESPALIER_ABI::data {

/// Labels (N, ...) give (N, ..., classes): 1 at the place of the class, 0 elsewhere. PyTorch's one_hot, as numbers of `Scalar`.
/// @throws ValueError for no classes, or a label outside [0, classes)
template <class Scalar = float>
[[nodiscard]] Tensor<Scalar> one_hot(const Tensor<Index>& labels, Index classes) {
    require<ValueError>(classes >= 1, "one_hot", "expected at least one class, got ", classes);
    for (Index i = 0; i < labels.numel(); ++i)
        require<ValueError>(labels[i] >= 0 && labels[i] < classes, "one_hot", "expected labels in [0, ", classes, "), got ", labels[i],
                            " at element ", i);
    Shape shape = labels.shape();
    shape.append(classes);
    Tensor<Scalar> result{shape};
    for (Index i = 0; i < labels.numel(); ++i)
        result[i * classes + labels[i]] = Scalar(1);
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::data
