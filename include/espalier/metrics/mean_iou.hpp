// SPDX-License-Identifier: MIT
/// @file The intersection over union of predicted and true classes, as for segmentations.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/metrics/confusion_matrix.hpp>

#include <limits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of a `MeanIoU`.
struct MeanIoUOptions {
    Index ignore_index = -100;  ///< entries with this label are not counted, whatever is predicted there
};

/// The mean over the classes of tp / (tp + fp + fn), of all batches together, for scores (N, ..., C) and labels (N, ...); with weights,
/// of their sums. Classes that are neither a label nor predicted are left out. The share of right pixels is `Accuracy`, which takes scores
/// and labels of the same shapes.
template <class Scalar = float>
class MeanIoU {
public:
    explicit MeanIoU(const MeanIoUOptions& options = {}) : confusion_{{.ignore_index = options.ignore_index}} {}

    /// @throws as `ConfusionMatrix`.
    void check(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) const { confusion_.check(scores, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) { confusion_.update(scores, target); }

    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count() > 0, "mean_iou", "expected labelled samples, got none");
        double total = 0;
        double classes = 0;
        for (const double iou : by_class())
            if (!is_nan(iou)) {
                total += iou;
                ++classes;
            }
        return total / classes;
    }
    /// (C,); NaN for a class that is neither a label nor predicted. (0,) before the first batch.
    [[nodiscard]] Tensor<double> by_class() const {
        const Tensor<double>& counts = confusion_.weighted();
        const Index classes = counts.size(0);
        auto result = Tensor<double>::empty({classes});
        for (Index c = 0; c < classes; ++c) {
            double either = -counts[c * classes + c];
            for (Index k = 0; k < classes; ++k)
                either += counts[c * classes + k] + counts[k * classes + c];
            result[c] = either > 0 ? counts[c * classes + c] / either : std::numeric_limits<double>::quiet_NaN();
        }
        return result;
    }
    /// What it rests on.
    [[nodiscard]] const ConfusionMatrix<Scalar>& confusion() const& noexcept { return confusion_; }
    [[nodiscard]] ConfusionMatrix<Scalar> confusion() && noexcept { return std::move(confusion_); }
    /// Entries counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return confusion_.count(); }
    void reset() { confusion_.reset(); }

private:
    ConfusionMatrix<Scalar> confusion_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
