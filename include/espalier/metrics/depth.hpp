// SPDX-License-Identifier: MIT
/// @file Errors of predicted depths as they are reported: AbsRel and the share within a factor (Eigen, Puhrsch & Fergus, 2014). Their
/// third, the root of the mean squared error, is `RMSE`.
///
/// All are means over the pixels of all batches that count, weighted as the target says. Depths are above 0 where they count: mask
/// those that were not measured. Predictions are depths too, not their logarithms.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/metrics/regression.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::metrics {
namespace detail {

/// `ErrorMean` of depths, which are above 0.
template <class Scalar>
class DepthMean : public ErrorMean<Scalar> {
public:
    explicit DepthMean(const char* operation) : ErrorMean<Scalar>{operation}, operation_{operation} {}

    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        const Tensor<Scalar>& depths = losses::values_like(operation_, prediction.shape(), target, "depths");
        for (Index i = 0; i < depths.numel(); ++i)
            if (!(depths[i] > 0) && target.counts(i))
                fail<ValueError>(operation_, "expected depths above 0, got ", depths[i], " at sample ", i / target.sample_numel());
    }
    template <class Term>
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target, const Term& term) {
        check(prediction, target);
        ErrorMean<Scalar>::update(prediction, target, term);
    }

private:
    const char* operation_;
};

}  // namespace detail

/// The mean of |prediction - depth| / depth.
template <class Scalar = float>
class AbsRel {
public:
    /// @throws ShapeError unless the depths have the prediction's shape, StateError for a target of class indices, ValueError for a
    /// depth that is not above 0 and counts.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { errors_.check(prediction, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        errors_.update(prediction, target, [](double x, double y) { return std::abs(x - y) / y; });
    }
    /// @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return errors_.mean(); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return errors_.count(); }
    void reset() noexcept { errors_.reset(); }

private:
    detail::DepthMean<Scalar> errors_{"abs_rel"};
};

/// Of a `WithinFactor`.
struct WithinFactorOptions {
    double factor = 1.25;  ///< above 1; its square and its cube are usual as well
};

/// The share of pixels with max(prediction / depth, depth / prediction) < factor. A prediction of 0 or less, or NaN, is none of them.
template <class Scalar = float>
class WithinFactor {
public:
    /// @throws ValueError unless the factor is above 1 and finite.
    explicit WithinFactor(const WithinFactorOptions& options = {}) : options_{options} {
        require<ValueError>(options.factor > 1 && is_finite(options.factor), "within_factor", "expected a finite factor above 1, got ",
                            options.factor);
    }
    /// @throws ShapeError unless the depths have the prediction's shape, StateError for a target of class indices, ValueError for a
    /// depth that is not above 0 and counts.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { within_.check(prediction, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        within_.update(prediction, target, [factor = options_.factor](double x, double y) {
            return !is_nan(x) && x > 0 && x / y < factor && y / x < factor ? 1.0 : 0.0;
        });
    }
    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return within_.mean(); }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return within_.count(); }
    void reset() noexcept { within_.reset(); }

private:
    WithinFactorOptions options_;
    detail::DepthMean<Scalar> within_{"within_factor"};
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
