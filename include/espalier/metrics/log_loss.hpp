// SPDX-License-Identifier: MIT
/// @file The mean of -log of the probability that was given to what is true, of two answers or of several classes.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/classes.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of the log losses. Designated initialisers stand in this order.
struct LogLossOptions {
    bool probabilities = false;  ///< predictions are probabilities, held at least an epsilon of their type from 0 and 1; otherwise logits
    Index ignore_index = -100;  ///< of `LogLoss`: entries with this label are not counted
};

namespace detail {

/// -log p for a probability, as scikit-learn bounds it.
template <class Scalar>
[[nodiscard]] double bounded_log_loss(Scalar p) {
    constexpr auto least = static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    return is_nan(p) ? std::numeric_limits<double>::quiet_NaN() : -std::log(std::clamp(static_cast<double>(p), least, 1 - least));
}

/// A weighted mean that names its metric.
class WeightedMean {
public:
    explicit WeightedMean(const char* operation) : operation_{operation} {}
    void add(double value, double weight) noexcept {
        sum_ += value * weight;
        weight_ += weight;
        ++count_;
    }
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        return sum_ / weight_;
    }
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept { *this = WeightedMean{operation_}; }

private:
    const char* operation_;
    double sum_ = 0;
    double weight_ = 0;
    Index count_ = 0;
};

}  // namespace detail

/// Of questions with two answers, for predictions and targets as in binary.hpp; scikit-learn's `log_loss` of the sigmoid. NaN gives NaN.
template <class Scalar = float>
class BinaryLogLoss {
public:
    explicit BinaryLogLoss(const LogLossOptions& options = {}) : options_{options} {}
    /// @throws ShapeError unless there is a label or value for each prediction; ValueError if it is neither 0 nor 1, or for a probability
    /// that counts and is none.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        detail::check_binary("binary_log_loss", prediction.shape(), target);
        for (Index i = 0; options_.probabilities && i < prediction.numel(); ++i)
            if (target.counts(i) && !is_nan(prediction[i]))
                detail::check_probability("binary_log_loss", static_cast<double>(prediction[i]), i / target.sample_numel());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        detail::for_each_binary(prediction, target, [this](Scalar x, bool truth, Scalar weight) {
            const double wrong = truth ? -static_cast<double>(x) : static_cast<double>(x);
            mean_.add(options_.probabilities ? detail::bounded_log_loss(truth ? x : 1 - x)
                                             : std::max(wrong, 0.0) + std::log1p(std::exp(-std::abs(wrong))),
                      static_cast<double>(weight));
        });
    }
    /// At least 0, less is better. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return mean_.value(); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return mean_.count(); }
    void reset() noexcept { mean_.reset(); }

private:
    LogLossOptions options_;
    detail::WeightedMean mean_{"binary_log_loss"};
};

/// Of scores (N, ..., C) and labels (N, ...); scikit-learn's `log_loss` of the softmax. NaN gives NaN.
template <class Scalar = float>
class LogLoss {
public:
    explicit LogLoss(const LogLossOptions& options = {}) : options_{options} {}
    /// @throws ShapeError if scores and labels do not fit, StateError for a target of values, ValueError for a label outside [0, C) or the
    /// probability of one that counts and is none.
    void check(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) const {
        detail::check_classes("log_loss", scores, target, options_.ignore_index);
        const Tensor<Index>& labels = target.labels();
        for (Index r = 0; options_.probabilities && r < labels.numel(); ++r)
            if (labels[r] != options_.ignore_index && target.counts(r))
                if (const Scalar p = scores[r * scores.size(-1) + labels[r]]; !is_nan(p))
                    detail::check_probability("log_loss", static_cast<double>(p), r / target.sample_numel());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) {
        check(scores, target);
        const Tensor<Index>& labels = target.labels();
        for (Index r = 0; r < labels.numel(); ++r)
            if (const Scalar weight = target.weight_of(r); weight > 0 && labels[r] != options_.ignore_index) {
                const Scalar* const row = scores.data() + r * scores.size(-1);
                mean_.add(options_.probabilities ? detail::bounded_log_loss(row[labels[r]]) : of_logits(row, scores.size(-1), labels[r]),
                          static_cast<double>(weight));
            }
    }
    /// At least 0, less is better. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return mean_.value(); }
    /// Entries counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return mean_.count(); }
    void reset() noexcept { mean_.reset(); }

private:
    [[nodiscard]] static double of_logits(const Scalar* row, Index classes, Index label) {
        const auto top = static_cast<double>(*std::max_element(row, row + classes));
        double sum = 0;
        for (Index c = 0; c < classes; ++c)
            sum += std::exp(static_cast<double>(row[c]) - top);
        return std::log(sum) - (static_cast<double>(row[label]) - top);
    }

    LogLossOptions options_;
    detail::WeightedMean mean_{"log_loss"};
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
