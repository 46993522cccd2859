// SPDX-License-Identifier: MIT
/// @file Errors of predicted values.
#pragma once

#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/target.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::metrics {
namespace detail {

/// Sum of `Term{}(prediction - value)` over all elements of labelled samples.
template <class Scalar, class Term>
class ErrorSum {
public:
    explicit ErrorSum(const char* operation) : operation_{operation} {}

    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        require<StateError>(!target.has_labels(), operation_, "expected a target of values, got class indices of shape ",
                            target.shape());
        require<ShapeError>(target.shape() == prediction.shape(), operation_,
                            "expected values of the shape of the prediction ", prediction.shape(), ", got ", target.shape());
        const Tensor<Scalar>& values = target.values();
        const Index each = target.size() ? values.numel() / target.size() : 1;
        total_ += kernels::sum(values.numel(), [&](Index i) {
            return target.labelled(i / each) ? Term{}(static_cast<double>(prediction[i]) - static_cast<double>(values[i])) : 0;
        });
        count_ += target.labelled_count() * each;
    }

    [[nodiscard]] double mean() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        return total_ / static_cast<double>(count_);
    }
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        total_ = 0;
        count_ = 0;
    }

private:
    const char* operation_;
    double total_ = 0;
    Index count_ = 0;
};

struct Absolute {
    double operator()(double d) const noexcept { return std::abs(d); }
};
struct Squared {
    double operator()(double d) const noexcept { return d * d; }
};

}  // namespace detail

/// Mean absolute error over all elements of the samples that are labelled.
template <class Scalar = float>
class MAE {
public:
    /// @throws ShapeError unless the values have the prediction's shape, StateError for a target of class indices.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) { errors_.update(prediction, target); }
    /// @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return errors_.mean(); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return errors_.count(); }
    void reset() noexcept { errors_.reset(); }

private:
    detail::ErrorSum<Scalar, detail::Absolute> errors_{"mae"};
};

/// Root of the mean squared error over all elements of the samples that are labelled.
template <class Scalar = float>
class RMSE {
public:
    /// @throws ShapeError unless the values have the prediction's shape, StateError for a target of class indices.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) { errors_.update(prediction, target); }
    /// @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return std::sqrt(errors_.mean()); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return errors_.count(); }
    void reset() noexcept { errors_.reset(); }

private:
    detail::ErrorSum<Scalar, detail::Squared> errors_{"rmse"};
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
