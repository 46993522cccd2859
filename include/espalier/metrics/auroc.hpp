// SPDX-License-Identifier: MIT
/// @file The area under the ROC curve: how often a sample that is true scores higher than one that is not.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/metrics/binary.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// The exact area under the ROC curve over all batches, equal scores counting half, as scikit-learn's `roc_auc_score` (and so
/// the Mann-Whitney statistic with midranks, divided by the number of pairs). Predictions and targets are those of the metrics
/// in binary.hpp; only the order of the predictions matters, so logits and probabilities give the same.
///
/// It keeps a score and a weight for each element that counts: 8 bytes in float, 16 in double, and as much again while
/// `value()` sorts.
template <class Scalar = float>
class AUROC {
public:
    /// @throws ShapeError unless there is a label or value for each prediction, ValueError if it is neither 0 nor 1, or for a
    /// prediction that is NaN and counts.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        detail::check_binary("auroc", prediction.shape(), target);
        for (Index i = 0; i < prediction.numel(); ++i)
            if (is_nan(prediction[i]) && target.counts(i))
                fail<ValueError>("auroc", "expected predictions that have an order, got NaN at sample ", i / target.sample_numel());
    }
    /// @throws as `check`, or std::bad_alloc; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        const std::size_t needed = entries_.size() + static_cast<std::size_t>(target.counted());
        if (needed > entries_.capacity())
            entries_.reserve(std::max(needed, 2 * entries_.capacity()));
        detail::for_each_binary(prediction, target, [this](Scalar x, bool truth, Scalar weight) {
            entries_.push_back({x, truth ? weight : -weight});
        });
    }

    /// In [0, 1]; a half is no better than guessing. @throws StateError unless both answers have been counted.
    [[nodiscard]] double value() const {
        require<StateError>(!entries_.empty(), "auroc", "expected labelled samples, got none");
        std::vector<Entry> sorted = entries_;
        std::sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) { return a.score < b.score; });
        double negatives = 0;  // below the scores that come now
        double positives = 0;
        double pairs = 0;
        for (auto first = sorted.begin(); first != sorted.end();) {
            double equal[2] = {0, 0};
            const Scalar score = first->score;
            for (; first != sorted.end() && first->score == score; ++first)
                equal[first->weight > 0] += std::abs(static_cast<double>(first->weight));
            pairs += equal[1] * (negatives + equal[0] / 2);
            negatives += equal[0];
            positives += equal[1];
        }
        require<StateError>(negatives > 0 && positives > 0, "auroc", "expected both answers, got only ", positives > 0 ? 1 : 0);
        return std::min(1.0, pairs / positives / negatives);  // weights are rounded
    }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return static_cast<Index>(entries_.size()); }
    /// Gives the memory back as well.
    void reset() noexcept { std::vector<Entry>{}.swap(entries_); }

private:
    struct Entry {
        Scalar score;
        Scalar weight;  ///< negative where the answer is 0
    };
    std::vector<Entry> entries_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
