// SPDX-License-Identifier: MIT
/// @file Class indices and weights of classes as the losses of several classes check them.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/reduction.hpp>

#include <atomic>
#include <optional>

namespace espalier::inline ESPALIER_ABI::losses::detail {

/// @throws ShapeError unless the weights are a vector, ValueError for one that is negative or not finite.
template <class Scalar>
void check_class_weights(const char* operation, const std::optional<Tensor<Scalar>>& weight) {
    if (!weight)
        return;
    require<ShapeError>(weight->rank() == 1, operation, "expected class weights of shape (classes,), got ", weight->shape());
    for (const Scalar w : *weight)
        require<ValueError>(w >= 0 && is_finite(w), operation, "expected finite class weights of at least 0, got ", w);
}

/// The label of every entry, -1 where it does not count.
/// @throws ShapeError if logits (N, ..., C) and labels (N, ...) do not fit, StateError for a target of values, ValueError for a label
/// outside [0, C).
template <class Scalar>
[[nodiscard]] Tensor<Index> checked_labels(const char* operation, const Shape& logits, const Target<Scalar>& target,
                                           const ElementWeights<Scalar>& weights, Index ignore_index) {
    require<ShapeError>(logits.rank() >= 2 && logits.back() > 0, operation, "expected logits (N, ..., classes), got ", logits);
    const Tensor<Index>& labels = labels_for(operation, "logits", logits, target);
    const Index classes = logits.back();
    auto result = Tensor<Index>::empty(labels.shape());
    const auto outside = [=](Index label) { return label < 0 || label >= classes; };
    const auto counts = [&](Index r) { return labels[r] != ignore_index && weights.counts(r); };
    std::atomic<bool> bad = false;
    parallel_for(labels.numel(), 8192, [&](Index begin, Index end) {
        bool any = false;
        for (Index r = begin; r < end; ++r) {
            result[r] = counts(r) ? labels[r] : -1;
            any |= outside(labels[r]) && counts(r);
        }
        if (any)
            bad = true;
    });
    for (Index r = 0; bad && r < labels.numel(); ++r)
        require<ValueError>(!outside(labels[r]) || !counts(r), operation, "expected labels in [0, ", classes, "), got ", labels[r],
                            " at sample ", r / target.sample_numel(),
                            classes == 1 ? ": for one logit take binary_cross_entropy_with_logits" : "");
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::losses::detail
