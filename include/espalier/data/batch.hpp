// SPDX-License-Identifier: MIT
/// @file Some samples of a set, as a training step takes them.
#pragma once

#include <espalier/losses/target.hpp>
#include <espalier/tensor/tensor.hpp>

namespace espalier::inline ESPALIER_ABI::data {

/// Inputs (N, ...) and the target of each task; it owns its memory.
template <class Scalar = float>
struct Batch {
    Tensor<Scalar> input;
    losses::Targets<Scalar> targets;

    /// Number of samples N. @throws ShapeError for an input without a batch axis
    [[nodiscard]] Index size() const { return input.size(0); }
};

}  // namespace espalier::inline ESPALIER_ABI::data
