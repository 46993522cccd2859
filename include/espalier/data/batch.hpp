// SPDX-License-Identifier: MIT
/// @file Some samples of a set, as a training step takes them.
#pragma once

#include <espalier/data/inputs.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/tensor/tensor.hpp>

#include <span>
#include <string>

namespace espalier::inline ESPALIER_ABI::data {

/// Inputs (N, ...) and the target of each task; it owns its memory. The input is one tensor, `input`, or several by name, `inputs`.
template <class Scalar = float>
struct Batch {
    Tensor<Scalar> input;
    losses::Targets<Scalar> targets;
    Inputs<Scalar> inputs = {};

    /// Number of samples N. @throws ShapeError for an input without a batch axis, for neither or both kinds of input, and naming
    /// one that has another number of samples than the first
    [[nodiscard]] Index size() const {
        const bool none = input.shape() == Shape{0};  // as by default
        if (inputs.empty() && none && !targets.empty() && targets.begin()->second.size() > 0)
            fail<ShapeError>("batch", "expected an input, or inputs by name, beside targets ", targets.names(), ", got neither");
        if (!inputs.empty() && !none)
            fail<ShapeError>("batch", "expected an input, or inputs by name, got both, ", input.shape(), " and ", inputs.names());
        return inputs.empty() ? input.size(0) : size_of(inputs);
    }

    /// The samples that `indices` lists, in that order. @throws ValueError for an index out of range
    [[nodiscard]] Batch gather(std::span<const Index> indices) const {
        const auto chosen = [&](const auto&, const auto& whole) { return whole.gather(indices); };
        return {inputs.empty() ? input.gather(indices) : Tensor<Scalar>{}, targets.map(chosen), inputs.map(chosen)};
    }
};

namespace detail {

/// What has the number of samples of a batch, for errors: `inputs (4, 2)`, or `input 'age' (4, 2)`.
template <class Scalar>
[[nodiscard]] std::string size_giver(const Batch<Scalar>& batch) {
    if (batch.inputs.empty())
        return concat("inputs ", batch.input.shape());
    const auto& [name, input] = *batch.inputs.begin();
    return concat("input '", name, "' ", input.shape());
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::data
