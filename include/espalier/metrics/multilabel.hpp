// SPDX-License-Identifier: MIT
/// @file Metrics of several labels that may hold at once: precision, recall and F1 by label or averaged, Hamming loss and exact match.
///
/// Predictions (N, ..., L) are logits of L labels, values or labels 0 and 1 of their shape; a prediction above the threshold says that the
/// label holds. Only what the target labels is counted, with its weight. NaN is a wrong answer.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/precision_recall.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cstddef>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of averages over labels. Designated initialisers stand in this order.
struct MultilabelOptions {
    Average average = Average::macro;  ///< `macro` is over the labels of which anything was counted
    double threshold = 0;              ///< a prediction above it says 1: 0 for logits, 0.5 for probabilities
};

namespace detail {

/// Answers 0 and 1 for several labels, as `for_each_binary` has them, with the element's number.
template <class Scalar, class Visit>
void for_each_answer(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target, double threshold, const Visit& visit) {
    for (Index i = 0; i < prediction.numel(); ++i)
        if (const Scalar weight = target.weight_of(i); weight > 0) {
            const bool truth = target.has_labels() ? target.labels()[i] == 1 : target.values()[i] == 1;
            visit(i, truth, is_nan(prediction[i]) ? !truth : static_cast<double>(prediction[i]) > threshold, static_cast<double>(weight));
        }
}

template <class Scalar>
void check_multilabel(const char* operation, const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
    require<ShapeError>(prediction.rank() >= 2, operation, "expected predictions (N, ..., labels), got ", prediction.shape());
    require<ShapeError>(target.shape() == prediction.shape(), operation, "expected a target of the predictions' shape ", prediction.shape(),
                        ", got ", target.shape(), losses::detail::reshape_hint(target.shape(), prediction.shape()));
    check_binary(operation, prediction.shape(), target);
}

/// `Ratio{}(counts)` of each label over all batches, and their average.
template <class Scalar, class Ratio>
class MultilabelRatio {
public:
    /// @throws ValueError for a threshold that is NaN.
    MultilabelRatio(const char* operation, const MultilabelOptions& options) : operation_{operation}, options_{options} {
        require<ValueError>(!is_nan(options.threshold), operation, "expected a number as threshold, got ", options.threshold);
    }

    /// @throws ShapeError unless there is a label or value for each prediction, or for another number of labels than before; ValueError if
    /// one is neither 0 nor 1.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        check_multilabel(operation_, prediction, target);
        require<ShapeError>(labels() == 0 || prediction.size(-1) == labels(), operation_, "expected predictions of ", labels(),
                            " labels as before, got ", prediction.shape());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        counts_.resize(static_cast<std::size_t>(prediction.size(-1)));
        for_each_answer(prediction, target, options_.threshold, [this](Index i, bool truth, bool says, double weight) {
            Counts& of = counts_[static_cast<std::size_t>(i % labels())];
            of.labelled += truth ? weight : 0;
            of.predicted += says ? weight : 0;
            of.right += truth && says ? weight : 0;
            of.any = true;
            ++count_;
        });
    }

    /// Of each label, (L,); 0 where there is nothing to divide by. (0,) before the first batch.
    [[nodiscard]] Tensor<double> by_label() const {
        auto result = Tensor<double>::empty({labels()});
        for (Index l = 0; l < labels(); ++l)
            result[l] = Ratio{}(counts_[static_cast<std::size_t>(l)]);
        return result;
    }
    /// The average, in [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        ClassCounts all;
        double sum = 0, divisor = 0;
        for (const Counts& n : counts_) {
            all = {all.right + n.right, all.predicted + n.predicted, all.labelled + n.labelled};
            const double weight = options_.average == Average::weighted ? n.labelled : n.any ? 1 : 0;
            sum += weight * Ratio{}(n);
            divisor += weight;
        }
        return options_.average == Average::micro ? Ratio{}(all) : ratio(sum, divisor);
    }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    /// Forgets the number of labels as well.
    void reset() noexcept {
        counts_.clear();
        count_ = 0;
    }

private:
    struct Counts : ClassCounts {
        bool any = false;
    };
    [[nodiscard]] Index labels() const noexcept { return static_cast<Index>(counts_.size()); }

    const char* operation_;
    MultilabelOptions options_;
    std::vector<Counts> counts_;
    Index count_ = 0;
};

/// The weighted share of something.
class Share {
public:
    explicit Share(const char* operation, const BinaryOptions& options) : operation_{operation}, threshold_{options.threshold} {
        require<ValueError>(!is_nan(threshold_), operation, "expected a number as threshold, got ", threshold_);
    }
    void add(bool holds, double weight) noexcept {
        part_ += holds ? weight : 0;
        whole_ += weight;
        ++count_;
    }
    [[nodiscard]] const char* operation() const noexcept { return operation_; }
    [[nodiscard]] double threshold() const noexcept { return threshold_; }
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        return part_ / whole_;
    }
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept { *this = Share{operation_, {threshold_}}; }

private:
    const char* operation_;
    double threshold_;
    double part_ = 0;
    double whole_ = 0;
    Index count_ = 0;
};

}  // namespace detail

/// Share of what holds in what is said to hold, of each label and averaged; 0 for a label that is never said to.
template <class Scalar = float>
class MultilabelPrecision : public detail::MultilabelRatio<Scalar, detail::PrecisionOf> {
public:
    explicit MultilabelPrecision(const MultilabelOptions& options = {})
        : detail::MultilabelRatio<Scalar, detail::PrecisionOf>{"multilabel_precision", options} {}
};

/// Share of what is said to hold in what holds; 0 for a label that never does.
template <class Scalar = float>
class MultilabelRecall : public detail::MultilabelRatio<Scalar, detail::RecallOf> {
public:
    explicit MultilabelRecall(const MultilabelOptions& options = {})
        : detail::MultilabelRatio<Scalar, detail::RecallOf>{"multilabel_recall", options} {}
};

/// Harmonic mean of precision and recall of a label.
template <class Scalar = float>
class MultilabelF1Score : public detail::MultilabelRatio<Scalar, detail::F1ScoreOf> {
public:
    explicit MultilabelF1Score(const MultilabelOptions& options = {})
        : detail::MultilabelRatio<Scalar, detail::F1ScoreOf>{"multilabel_f1_score", options} {}
};

/// The share of wrong answers over all samples and labels: 1 less the accuracy of all as one. scikit-learn's `hamming_loss`.
template <class Scalar = float>
class HammingLoss {
public:
    /// @throws ValueError for a threshold that is NaN.
    explicit HammingLoss(const BinaryOptions& options = {}) : share_{"hamming_loss", options} {}
    /// @throws ShapeError unless there is a label or value for each prediction, ValueError if it is neither 0 nor 1.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        detail::check_multilabel(share_.operation(), prediction, target);
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        detail::for_each_answer(prediction, target, share_.threshold(),
                                [this](Index, bool truth, bool says, double weight) { share_.add(truth != says, weight); });
    }
    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return share_.value(); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return share_.count(); }
    void reset() noexcept { share_.reset(); }

private:
    detail::Share share_;
};

/// The share of samples whose answers are all right, of those that count: the subset accuracy, scikit-learn's `accuracy_score` of several
/// labels. A sample is a row of the last axis.
template <class Scalar = float>
class ExactMatch {
public:
    /// @throws ValueError for a threshold that is NaN.
    explicit ExactMatch(const BinaryOptions& options = {}) : share_{"exact_match", options} {}
    /// @throws ShapeError unless there is a label or value for each prediction, ValueError if it is neither 0 nor 1.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        detail::check_multilabel(share_.operation(), prediction, target);
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        Index row = -1;
        bool right = true;
        double weight = 0;
        const auto end_of_row = [&] {
            if (row >= 0)
                share_.add(right, weight);
        };
        detail::for_each_answer(prediction, target, share_.threshold(), [&](Index i, bool truth, bool says, double w) {
            if (i / prediction.size(-1) != row) {
                end_of_row();
                row = i / prediction.size(-1);
                right = true;
                weight = w;
            }
            right = right && truth == says;
        });
        end_of_row();
    }
    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return share_.value(); }
    /// Samples counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return share_.count(); }
    void reset() noexcept { share_.reset(); }

private:
    detail::Share share_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
