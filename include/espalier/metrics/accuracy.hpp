// SPDX-License-Identifier: MIT
/// @file The share of labels that the scores put first, or among the first k.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/metrics/classes.hpp>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Designated initialisers stand in this order.
struct AccuracyOptions {
    Index top_k = 1;            ///< right if the label is among the k highest scores
    Index ignore_index = -100;  ///< entries with this label are not counted
};

/// Share of right entries of scores (N, ..., C), the classes on the last axis, for labels (N, ...); with weights, their share of
/// the weights. Only what the target labels is counted. Of equal scores the one of the lower class comes first; NaN in a
/// label's score is wrong, and NaN in another's comes before all numbers.
template <class Scalar = float>
class Accuracy {
public:
    /// @throws ValueError unless top_k > 0.
    explicit Accuracy(const AccuracyOptions& options = {}) : options_{options} {
        require<ValueError>(options.top_k > 0, "accuracy", "expected a top_k above 0, got ", options.top_k);
    }

    /// @throws ShapeError if scores and labels do not fit or top_k exceeds C, StateError for a target of values, ValueError for
    /// a label outside [0, C).
    void check(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) const {
        detail::check_classes("accuracy", scores, target, options_.ignore_index, options_.top_k);
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) {
        check(scores, target);
        const Tensor<Index>& labels = target.labels();
        const auto weight = [&](Index r) { return labels[r] == options_.ignore_index ? Scalar(0) : target.weight_of(r); };
        const double right = kernels::sum(labels.numel(), [&](Index r) {
            const Scalar w = weight(r);
            return w > 0 && is_right(scores.size(-1), scores.data() + r * scores.size(-1), labels[r]) ? w : Scalar(0);
        });
        const double counted = kernels::sum(labels.numel(), [&](Index r) { return weight(r) > 0; });
        total_ += target.weight() ? kernels::sum(labels.numel(), weight) : counted;
        right_ += right;
        count_ += static_cast<Index>(counted);
    }

    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "accuracy", "expected labelled samples, got none");
        return right_ / total_;
    }
    /// Entries counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        right_ = total_ = 0;
        count_ = 0;
    }

private:
    [[nodiscard]] bool is_right(Index classes, const Scalar* score, Index label) const {
        const Scalar own = score[label];
        Index before = 0;
        for (Index c = 0; c < classes; ++c)
            before += score[c] > own || is_nan(score[c]) || (score[c] == own && c < label);
        return before < options_.top_k && !is_nan(own);
    }

    AccuracyOptions options_;
    double right_ = 0;
    double total_ = 0;
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
