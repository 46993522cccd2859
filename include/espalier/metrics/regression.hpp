// SPDX-License-Identifier: MIT
/// @file Errors of predicted values.
#pragma once

#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::metrics {
namespace detail {

/// Weighted mean of `term(prediction, value)` over all elements that count.
template <class Scalar>
class ErrorMean {
public:
    explicit ErrorMean(const char* operation) : operation_{operation} {}

    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        (void)losses::values_like(operation_, prediction.shape(), target);
    }
    template <class Term>
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target, const Term& term) {
        const Tensor<Scalar>& values = losses::values_like(operation_, prediction.shape(), target);
        const double total = kernels::sum(values.numel(), [&](Index i) {
            const auto weight = static_cast<double>(target.weight_of(i));
            return weight > 0 ? weight * term(static_cast<double>(prediction[i]), static_cast<double>(values[i])) : 0;
        });
        const Index counted = target.counted();
        weights_ += target.weight() ? kernels::sum(values.numel(), [&](Index i) { return target.weight_of(i); })
                                    : static_cast<double>(counted);
        total_ += total;
        count_ += counted;
    }

    [[nodiscard]] double mean() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        return total_ / weights_;
    }
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        total_ = weights_ = 0;
        count_ = 0;
    }

private:
    const char* operation_;
    double total_ = 0;
    double weights_ = 0;
    Index count_ = 0;
};

}  // namespace detail

/// Mean absolute error over all elements that are labelled, weighted as the target says.
template <class Scalar = float>
class MAE {
public:
    /// @throws ShapeError unless the values have the prediction's shape, StateError for a target of class indices.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { errors_.check(prediction, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        errors_.update(prediction, target, [](double x, double y) { return std::abs(x - y); });
    }
    /// @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return errors_.mean(); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return errors_.count(); }
    void reset() noexcept { errors_.reset(); }

private:
    detail::ErrorMean<Scalar> errors_{"mae"};
};

/// Root of the mean squared error over all elements that are labelled, weighted as the target says.
template <class Scalar = float>
class RMSE {
public:
    /// @throws ShapeError unless the values have the prediction's shape, StateError for a target of class indices.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { errors_.check(prediction, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        errors_.update(prediction, target, [](double x, double y) { return (x - y) * (x - y); });
    }
    /// @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return std::sqrt(errors_.mean()); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return errors_.count(); }
    void reset() noexcept { errors_.reset(); }

private:
    detail::ErrorMean<Scalar> errors_{"rmse"};
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
