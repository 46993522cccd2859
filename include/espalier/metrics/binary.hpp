// SPDX-License-Identifier: MIT
/// @file Metrics of questions with two answers: accuracy, precision, recall and F1 at a threshold.
///
/// Predictions are logits of any shape, such as (N,) or (N, 1). The target is what `BCEWithLogits` takes, values 0 and 1 of
/// their shape, or class indices 0 and 1 of their shape, with or without a last axis of 1. Several outputs a sample count
/// together. Only what the target labels is counted, with its weight.
/// @code
/// metrics::BinaryF1Score f1;
/// for (const auto& batch : loader)
///     f1.update(net.predict(batch.input).at("click"), batch.targets.at("click"));
/// std::cout << f1.value();
/// @endcode
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of the metrics of yes and no.
struct BinaryOptions {
    /// A prediction above it says 1: 0 for logits, which is a probability of a half; 0.5 for probabilities.
    double threshold = 0;
};

namespace detail {

/// Whether predictions and a target of 0 and 1 fit. @throws ShapeError, or ValueError for other values or labels that count.
template <class Scalar>
void check_binary(const char* operation, const Shape& prediction, const losses::Target<Scalar>& target) {
    if (!target.has_labels()) {
        const Tensor<Scalar>& values = losses::values_like(operation, prediction, target);
        for (Index i = 0; i < values.numel(); ++i)
            if (values[i] != 0 && values[i] != 1 && target.counts(i))
                fail<ValueError>(operation, "expected values 0 and 1, got ", values[i], " at sample ", i / target.sample_numel());
        return;
    }
    const bool with_last_axis = prediction.rank() > 1 && prediction.back() == 1 && target.shape() == prediction.without(-1);
    if (target.shape() != prediction && !with_last_axis)
        fail<ShapeError>(operation, "expected a label for each prediction ", prediction, ", got ", target.shape(),
                         prediction.rank() == target.shape().rank() + 1 ? ": for scores of several classes take the metrics of classes"
                                                                        : "");
    const Tensor<Index>& labels = target.labels();
    for (Index i = 0; i < labels.numel(); ++i)
        if (labels[i] != 0 && labels[i] != 1 && target.counts(i))
            fail<ValueError>(operation, "expected labels 0 and 1, got ", labels[i], " at sample ", i / target.sample_numel());
}

/// `visit(prediction, truth, weight)` for every element that counts.
template <class Scalar, class Visit>
void for_each_binary(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target, const Visit& visit) {
    const Index* const labels = target.has_labels() ? target.labels().data() : nullptr;
    const Scalar* const values = labels ? nullptr : target.values().data();
    for (Index i = 0; i < prediction.numel(); ++i)
        if (const Scalar weight = target.weight_of(i); weight > 0)
            visit(prediction[i], labels ? labels[i] == 1 : values[i] == 1, weight);
}

/// A little outside of [0, 1] may be rounding, as of a softmax; what is further out, as a logit, is no probability, nor is NaN.
inline void check_probability(const char* operation, double p, Index sample) {
    constexpr double rounding = 1e-6;
    require<ValueError>(p >= -rounding && p <= 1 + rounding, operation, "expected probabilities in [0, 1], got ", p, " at sample ", sample);
}

/// Weights of the predictions by what they say and what is true.
struct BinaryCounts {
    double true_positive = 0;
    double false_positive = 0;
    double false_negative = 0;
    double true_negative = 0;
};

/// 0 where there is nothing to divide by, as scikit-learn's `zero_division`.
[[nodiscard]] inline double ratio(double part, double whole) noexcept { return whole > 0 ? part / whole : 0; }

/// `Ratio{}(counts)` of all batches.
template <class Scalar, class Ratio>
class BinaryRatio {
public:
    /// @throws ValueError for a threshold that is NaN.
    BinaryRatio(const char* operation, const BinaryOptions& options) : operation_{operation}, options_{options} {
        require<ValueError>(!is_nan(options.threshold), operation, "expected a number as threshold, got ", options.threshold);
    }

    /// @throws ShapeError unless there is a label or value for each prediction, ValueError if it is neither 0 nor 1.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        check_binary(operation_, prediction.shape(), target);
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        for_each_binary(prediction, target, [this](Scalar x, bool truth, Scalar weight) {
            const bool says = is_nan(x) ? !truth : static_cast<double>(x) > options_.threshold;  // NaN is wrong
            double& count = says ? (truth ? counts_.true_positive : counts_.false_positive)
                                 : (truth ? counts_.false_negative : counts_.true_negative);
            count += static_cast<double>(weight);
            ++count_;
        });
    }
    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        return Ratio{}(counts_);
    }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        counts_ = {};
        count_ = 0;
    }

private:
    const char* operation_;
    BinaryOptions options_;
    BinaryCounts counts_;
    Index count_ = 0;
};

struct BinaryAccuracyOf {
    double operator()(const BinaryCounts& n) const noexcept {
        return ratio(n.true_positive + n.true_negative, n.true_positive + n.true_negative + n.false_positive + n.false_negative);
    }
};
struct BinaryPrecisionOf {
    double operator()(const BinaryCounts& n) const noexcept { return ratio(n.true_positive, n.true_positive + n.false_positive); }
};
struct BinaryRecallOf {
    double operator()(const BinaryCounts& n) const noexcept { return ratio(n.true_positive, n.true_positive + n.false_negative); }
};
struct BinaryF1ScoreOf {
    double operator()(const BinaryCounts& n) const noexcept {
        return ratio(2 * n.true_positive, 2 * n.true_positive + n.false_positive + n.false_negative);
    }
};

}  // namespace detail

/// Share of right answers. NaN is a wrong answer, here and in the others.
template <class Scalar = float>
class BinaryAccuracy : public detail::BinaryRatio<Scalar, detail::BinaryAccuracyOf> {
public:
    explicit BinaryAccuracy(const BinaryOptions& options = {})
        : detail::BinaryRatio<Scalar, detail::BinaryAccuracyOf>{"binary_accuracy", options} {}
};

/// Share of what is true in what is said to be; 0 if nothing is said to be.
template <class Scalar = float>
class BinaryPrecision : public detail::BinaryRatio<Scalar, detail::BinaryPrecisionOf> {
public:
    explicit BinaryPrecision(const BinaryOptions& options = {})
        : detail::BinaryRatio<Scalar, detail::BinaryPrecisionOf>{"binary_precision", options} {}
};

/// Share of what is said to be true in what is; 0 if nothing is.
template <class Scalar = float>
class BinaryRecall : public detail::BinaryRatio<Scalar, detail::BinaryRecallOf> {
public:
    explicit BinaryRecall(const BinaryOptions& options = {})
        : detail::BinaryRatio<Scalar, detail::BinaryRecallOf>{"binary_recall", options} {}
};

/// Harmonic mean of precision and recall; 0 if nothing is true and nothing is said to be.
template <class Scalar = float>
class BinaryF1Score : public detail::BinaryRatio<Scalar, detail::BinaryF1ScoreOf> {
public:
    explicit BinaryF1Score(const BinaryOptions& options = {})
        : detail::BinaryRatio<Scalar, detail::BinaryF1ScoreOf>{"binary_f1_score", options} {}
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
