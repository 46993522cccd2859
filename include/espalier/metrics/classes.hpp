// SPDX-License-Identifier: MIT
/// @file What metrics of class indices have in common: their checks, and which class the scores put first.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::metrics::detail {

/// Whether scores (N, ..., C) and labels (N, ...) fit, and those that count are in [0, C).
/// @throws ShapeError, StateError for a target of values, ValueError for a label out of range.
template <class Scalar>
void check_classes(const char* operation, const Tensor<Scalar>& scores, const losses::Target<Scalar>& target, Index ignore_index,
                   Index at_least = 1) {
    require<ShapeError>(scores.rank() >= 2 && scores.size(-1) >= at_least, operation, "expected scores (N, ..., classes) of at least ",
                        at_least, " classes, got ", scores.shape());
    const Tensor<Index>& labels = losses::labels_for(operation, "scores", scores.shape(), target);
    const Index classes = scores.size(-1);
    for (Index r = 0; r < labels.numel(); ++r)
        if ((labels[r] < 0 || labels[r] >= classes) && labels[r] != ignore_index && target.counts(r))
            fail<ValueError>(operation, "expected labels in [0, ", classes, "), got ", labels[r], " at sample ", r / target.sample_numel(),
                             classes == 1 ? ": for one logit take the binary metrics" : "");
}

/// `visit(label, predicted, weight)` for every entry that counts, in their order. Predicted is the class of the highest score,
/// of equals the lowest; NaN is higher than all numbers, as in torch.argmax.
template <class Scalar, class Visit>
void for_each_prediction(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target, Index ignore_index, const Visit& visit) {
    const Tensor<Index>& labels = target.labels();
    const Index classes = scores.size(-1);
    auto predicted = Tensor<Index>::empty(labels.shape());
    parallel_for(labels.numel(), kernels::row_grain(classes), [&, out = predicted.data()](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) {
            const Scalar* const score = scores.data() + r * classes;
            Index best = 0;
            for (Index c = 1; c < classes && !is_nan(score[best]); ++c)
                if (score[c] > score[best] || is_nan(score[c]))
                    best = c;
            out[r] = best;
        }
    });
    for (Index r = 0; r < labels.numel(); ++r)
        if (const Scalar weight = target.weight_of(r); weight > 0 && labels[r] != ignore_index)
            visit(labels[r], predicted[r], static_cast<double>(weight));
}

}  // namespace espalier::inline ESPALIER_ABI::metrics::detail
