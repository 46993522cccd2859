// SPDX-License-Identifier: MIT
/// @file Whether what is said with a probability of p is true in a share p of cases: expected calibration error and reliability diagram.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/classes.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of the calibration errors. Designated initialisers stand in this order.
struct CalibrationOptions {
    Index bins = 15;             ///< of equal width over [0, 1]; each holds its upper end, the first its lower as well
    bool probabilities = false;  ///< predictions are probabilities; otherwise logits
    Index ignore_index = -100;   ///< of `CalibrationError`: entries with this label are not counted
};

/// The points of a reliability diagram, (bins,) each: how sure the net was in the mean, how often it was right, and the weight of what fell
/// into the bin. The first two are NaN for an empty bin.
struct ReliabilityDiagram {
    Tensor<double> confidence;
    Tensor<double> accuracy;
    Tensor<double> weight;
};

namespace detail {

class ReliabilityBins {
public:
    ReliabilityBins(const char* operation, Index bins) : operation_{operation} {
        require<ValueError>(bins > 0, operation, "expected at least one bin, got ", bins);
        bins_.resize(static_cast<std::size_t>(bins));
    }
    void add(double probability, bool right, double weight) {
        probability = std::clamp(probability, 0.0, 1.0);
        const auto n = static_cast<double>(bins_.size());
        auto at = std::clamp(std::ceil(probability * n) - 1, 0.0, n - 1);
        if (at + 1 < n && probability > (at + 1) / n)  // rounding of the product
            ++at;
        else if (at > 0 && probability <= at / n)
            --at;
        Bin& bin = bins_[static_cast<std::size_t>(at)];
        bin.confidence += weight * probability;
        bin.right += right ? weight : 0;
        bin.weight += weight;
        ++count_;
    }
    [[nodiscard]] double error() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        double sum = 0, weight = 0;
        for (const Bin& bin : bins_) {
            sum += std::abs(bin.confidence - bin.right);
            weight += bin.weight;
        }
        return sum / weight;
    }
    [[nodiscard]] ReliabilityDiagram diagram() const {
        const Shape shape{static_cast<Index>(bins_.size())};
        ReliabilityDiagram result{Tensor<double>{shape}, Tensor<double>{shape}, Tensor<double>{shape}};
        for (Index i = 0; i < shape.numel(); ++i) {
            const Bin& bin = bins_[static_cast<std::size_t>(i)];
            constexpr double none = std::numeric_limits<double>::quiet_NaN();
            result.confidence[i] = bin.weight > 0 ? bin.confidence / bin.weight : none;
            result.accuracy[i] = bin.weight > 0 ? bin.right / bin.weight : none;
            result.weight[i] = bin.weight;
        }
        return result;
    }
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        std::fill(bins_.begin(), bins_.end(), Bin{});
        count_ = 0;
    }

private:
    struct Bin {
        double confidence = 0;
        double right = 0;
        double weight = 0;
    };
    const char* operation_;
    std::vector<Bin> bins_;
    Index count_ = 0;
};

}  // namespace detail

/// The expected calibration error of questions with two answers: over bins of the probability of 1, the mean of how far it is from the
/// share of 1, weighted by what falls into each bin. Predictions and targets are those in binary.hpp. `diagram()` has the points of
/// scikit-learn's `calibration_curve`, and those of empty bins.
template <class Scalar = float>
class BinaryCalibrationError {
public:
    /// @throws ValueError unless there is a bin.
    explicit BinaryCalibrationError(const CalibrationOptions& options = {})
        : options_{options}, bins_{"binary_calibration_error", options.bins} {}
    /// @throws ShapeError unless there is a label or value for each prediction; ValueError if it is neither 0 nor 1, or for a prediction
    /// that counts and gives no probability.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        detail::check_binary("binary_calibration_error", prediction.shape(), target);
        for (Index i = 0; i < prediction.numel(); ++i)
            if (target.counts(i))
                detail::check_probability("binary_calibration_error", probability(prediction[i]), i / target.sample_numel());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        detail::for_each_binary(prediction, target, [this](Scalar x, bool truth, Scalar weight) {
            bins_.add(probability(x), truth, static_cast<double>(weight));
        });
    }
    /// In [0, 1], less is better. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return bins_.error(); }
    [[nodiscard]] ReliabilityDiagram diagram() const { return bins_.diagram(); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return bins_.count(); }
    void reset() noexcept { bins_.reset(); }

private:
    [[nodiscard]] double probability(Scalar x) const {
        return options_.probabilities ? static_cast<double>(x) : 1 / (1 + std::exp(-static_cast<double>(x)));
    }

    CalibrationOptions options_;
    detail::ReliabilityBins bins_;
};

/// The expected calibration error of classes (Guo et al., "On calibration of modern neural networks", ICML 2017): the same of the highest
/// probability of scores (N, ..., C) and of how often its class is the label. Of equal scores the lowest class is taken.
template <class Scalar = float>
class CalibrationError {
public:
    /// @throws ValueError unless there is a bin.
    explicit CalibrationError(const CalibrationOptions& options = {}) : options_{options}, bins_{"calibration_error", options.bins} {}
    /// @throws ShapeError if scores and labels do not fit, StateError for a target of values, ValueError for a label outside [0, C) or
    /// scores that count and give no probability.
    void check(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) const {
        detail::check_classes("calibration_error", scores, target, options_.ignore_index);
        for_each(scores, target,
                 [&](double p, Index r, bool) { detail::check_probability("calibration_error", p, r / target.sample_numel()); });
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) {
        check(scores, target);
        for_each(scores, target, [&](double p, Index r, bool right) { bins_.add(p, right, static_cast<double>(target.weight_of(r))); });
    }
    /// In [0, 1], less is better. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return bins_.error(); }
    [[nodiscard]] ReliabilityDiagram diagram() const { return bins_.diagram(); }
    /// Entries counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return bins_.count(); }
    void reset() noexcept { bins_.reset(); }

private:
    template <class Visit>
    void for_each(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target, const Visit& visit) const {
        const Tensor<Index>& labels = target.labels();
        const Index classes = scores.size(-1);
        for (Index r = 0; r < labels.numel(); ++r) {
            if (labels[r] == options_.ignore_index || !target.counts(r))
                continue;
            const Scalar* const row = scores.data() + r * classes;
            const Scalar* const top = std::max_element(row, row + classes);
            double sum = 0;
            for (Index c = 0; c < classes; ++c)
                sum += options_.probabilities ? 0 * static_cast<double>(row[c])
                                              : std::exp(static_cast<double>(row[c]) - static_cast<double>(*top));
            visit(options_.probabilities ? static_cast<double>(*top) + sum : 1 / sum, r, top - row == labels[r]);  // NaN if any is
        }
    }

    CalibrationOptions options_;
    detail::ReliabilityBins bins_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
