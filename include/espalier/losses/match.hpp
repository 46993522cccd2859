// SPDX-License-Identifier: MIT
/// @file Whether a target fits a prediction, and what to do if it does not; shared by losses and metrics.
#pragma once

#include <espalier/losses/target.hpp>

#include <string>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::losses {
namespace detail {

/// `: reshape them to (4, 1)` if nothing but axes of extent 1 is missing or too much.
[[nodiscard]] inline std::string reshape_hint(const Shape& got, const Shape& expected) {
    const auto without_ones = [](const Shape& shape) {
        Shape result;
        for (const Index extent : shape)
            if (extent != 1)
                result.append(extent);
        return result;
    };
    return without_ones(got) == without_ones(expected) ? concat(": reshape them to ", expected) : "";
}

/// Whether a value is in [0, 1] but for the rounding of what made it: mixing two images' targets may give 1 + 1e-7.
template <class Scalar>
[[nodiscard]] bool is_share(Scalar value) noexcept {
    constexpr auto rounding = static_cast<Scalar>(1e-5);
    return value >= -rounding && value <= 1 + rounding;
}

}  // namespace detail

/// The values of a target that has one for each prediction; the error of class indices says to give `what` instead.
/// @throws StateError for class indices, ShapeError unless they have the prediction's shape.
template <class Scalar>
[[nodiscard]] const Tensor<Scalar>& values_like(const char* operation, const Shape& prediction, const Target<Scalar>& target,
                                                const char* what = "values") {
    if (target.has_labels())
        fail<StateError>(operation, "expected a target of values, got class indices of shape ", target.shape(), ": give ", what, " as a ",
                         std::is_same_v<Scalar, float> ? "Tensor<float>" : "Tensor<double>");
    if (target.shape() != prediction)
        fail<ShapeError>(operation, "expected values of the shape of the prediction ", prediction, ", got ", target.shape(),
                         detail::reshape_hint(target.shape(), prediction));
    return target.values();
}

/// The labels (N, ...) of a target of class indices for scores (N, ..., C), which errors call `scores_name`.
/// @throws StateError for values, ShapeError unless they have the scores' shape without its last axis.
template <class Scalar>
[[nodiscard]] const Tensor<Index>& labels_for(const char* operation, const char* scores_name, const Shape& scores,
                                              const Target<Scalar>& target) {
    if (!target.has_labels())
        fail<StateError>(operation, "expected a target of class indices, got values of shape ", target.shape(),
                         ": give labels as a Tensor<Index>");
    const Shape expected = scores.without(-1);
    if (target.shape() != expected)
        fail<ShapeError>(operation, "expected labels of shape ", expected, " for ", scores_name, " ", scores, ", got ", target.shape(),
                         detail::reshape_hint(target.shape(), expected));
    return target.labels();
}

}  // namespace espalier::inline ESPALIER_ABI::losses
