// SPDX-License-Identifier: MIT
/// @file Which class is taken for which.
#pragma once

#include <espalier/losses/target.hpp>
#include <espalier/metrics/classes.hpp>
#include <espalier/tensor/tensor.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of a `ConfusionMatrix`.
struct ConfusionMatrixOptions {
    Index ignore_index = -100;  ///< entries with this label are not counted
};

/// How often a label was predicted as what, for scores (N, ..., C) and labels (N, ...). Of equal scores the lowest class is
/// predicted, and NaN before all numbers.
/// @code
/// metrics::ConfusionMatrix confusion;
/// confusion.update(net.predict(batch.input).at("garment"), batch.targets.at("garment"));
/// confusion.matrix().at(3, 5);                        // labels 3 that were predicted as 5
/// @endcode
/// Beside others in `PerTask`, it is read by `metrics.metrics().at("garment").as<metrics::ConfusionMatrix<>>().matrix()`.
template <class Scalar = float>
class ConfusionMatrix {
public:
    explicit ConfusionMatrix(const ConfusionMatrixOptions& options = {}) : options_{options} {}

    /// @throws ShapeError if scores and labels do not fit, or for another number of classes than before; StateError for a target
    /// of values; ValueError for a label outside [0, C).
    void check(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) const {
        detail::check_classes("confusion_matrix", scores, target, options_.ignore_index);
        require<ShapeError>(classes() == 0 || scores.size(-1) == classes(), "confusion_matrix", "expected scores of ", classes(),
                            " classes as before, got ", scores.shape());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) {
        check(scores, target);
        if (classes() == 0) {
            const Index c = scores.size(-1);
            Tensor<Index> matrix{{c, c}};
            weighted_ = Tensor<double>{{c, c}};
            matrix_ = std::move(matrix);
        }
        detail::for_each_prediction(scores, target, options_.ignore_index, [this](Index label, Index predicted, double weight) {
            ++matrix_[label * classes() + predicted];
            weighted_[label * classes() + predicted] += weight;
            ++count_;
        });
    }

    /// Numbers of entries, (C, C): rows are labels, columns are predictions. (0, 0) before the first batch.
    [[nodiscard]] const Tensor<Index>& matrix() const& noexcept { return matrix_; }
    [[nodiscard]] Tensor<Index> matrix() && noexcept { return std::move(matrix_); }
    /// The same with the weights of the entries added up instead of their number.
    [[nodiscard]] const Tensor<double>& weighted() const& noexcept { return weighted_; }
    [[nodiscard]] Tensor<double> weighted() && noexcept { return std::move(weighted_); }

    /// The accuracy: the share of the diagonal, weighted. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "confusion_matrix", "expected labelled samples, got none");
        double right = 0;
        double total = 0;
        for (Index c = 0; c < classes(); ++c)
            right += weighted_[c * classes() + c];
        for (const double weight : weighted_)
            total += weight;
        return right / total;
    }
    /// Entries counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    /// Forgets the number of classes as well.
    void reset() { *this = ConfusionMatrix{options_}; }

private:
    [[nodiscard]] Index classes() const noexcept { return *matrix_.shape().begin(); }

    ConfusionMatrixOptions options_;
    Tensor<Index> matrix_{Shape{0, 0}};
    Tensor<double> weighted_{Shape{0, 0}};
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
