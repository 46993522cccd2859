// SPDX-License-Identifier: MIT
/// @file The share of labels that the scores put first, or among the first k.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/target.hpp>


namespace espalier::inline ESPALIER_ABI::metrics {

/// Designated initialisers stand in this order.
struct AccuracyOptions {
    Index top_k = 1;            ///< right if the label is among the k highest scores
    Index ignore_index = -100;  ///< entries with this label are not counted
};

/// Share of right entries of scores (N, ..., C), the classes on the last axis, for labels (N, ...). Only samples that the
/// target labels are counted. Of equal scores the one of the lower class comes first; NaN in a label's score is wrong, and
/// NaN in another's comes before all numbers.
template <class Scalar = float>
class Accuracy {
public:
    /// @throws ValueError unless top_k > 0.
    explicit Accuracy(const AccuracyOptions& options = {}) : options_{options} {
        require<ValueError>(options.top_k > 0, "accuracy", "expected a top_k above 0, got ", options.top_k);
    }

    /// @throws ShapeError if scores and labels do not fit or top_k exceeds C, StateError for a target of values, ValueError for
    /// a label outside [0, C); nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) {
        require<ShapeError>(scores.rank() >= 2 && scores.size(-1) >= options_.top_k, "accuracy",
                            "expected scores (N, ..., classes) of at least ", options_.top_k, " classes, got ", scores.shape());
        require<StateError>(target.has_labels(), "accuracy", "expected a target of class indices, got values of shape ",
                            target.shape());
        require<ShapeError>(target.shape() == scores.shape().without(-1), "accuracy", "expected labels of shape ",
                            scores.shape().without(-1), " for scores ", scores.shape(), ", got ", target.shape());
        const Tensor<Index>& labels = target.labels();
        const Index classes = scores.size(-1);
        const Index each = target.size() ? labels.numel() / target.size() : 1;
        const auto counts = [&](Index r) { return labels[r] != options_.ignore_index && target.labelled(r / each); };
        Index counted = 0;
        for (Index r = 0; r < labels.numel(); ++r) {
            if (!counts(r))
                continue;
            require<ValueError>(labels[r] >= 0 && labels[r] < classes, "accuracy", "expected labels in [0, ", classes, "), got ",
                                labels[r], " at sample ", r / each);
            ++counted;
        }
        right_ += static_cast<Index>(kernels::sum(labels.numel(), [&](Index r) {
            return counts(r) && is_right(classes, scores.data() + r * classes, labels[r]);
        }));
        count_ += counted;
    }

    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "accuracy", "expected labelled samples, got none");
        return static_cast<double>(right_) / static_cast<double>(count_);
    }
    /// Entries counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept { right_ = count_ = 0; }

private:
    [[nodiscard]] bool is_right(Index classes, const Scalar* score, Index label) const {
        const Scalar own = score[label];
        Index before = 0;
        for (Index c = 0; c < classes; ++c)
            before += score[c] > own || is_nan(score[c]) || (score[c] == own && c < label);
        return before < options_.top_k && !is_nan(own);
    }

    AccuracyOptions options_;
    Index right_ = 0;
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
