// SPDX-License-Identifier: MIT
/// @file What a leaf of a graph has besides what every node has: its gradient, whole or of listed rows, and a name.
#pragma once

#include <espalier/autograd/sparse_gradient.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <string>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

template <class Scalar>
struct LeafState : Pooled {
    Tensor<Scalar> gradient;
    SparseGradient<Scalar> sparse_gradient;
    bool sparse = false;  ///< the gradient is the sparse one, and the other at most a copy of it
    std::string name;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
