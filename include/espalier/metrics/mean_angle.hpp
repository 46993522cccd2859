// SPDX-License-Identifier: MIT
/// @file The angle between predicted and true vectors, such as surface normals.
#pragma once

#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace espalier::inline ESPALIER_ABI::metrics {

/// The mean angle in degrees between the vectors along the last axis of predictions and values (N, ..., K), of any length; one of length
/// 0 is at 90 degrees to all. A vector counts, with the weight of its sample, if all its elements do.
template <class Scalar = float>
class MeanAngle {
public:
    /// @throws ShapeError unless both are (N, ..., K), StateError for a target of class indices.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        require<ShapeError>(prediction.rank() >= 2 && prediction.size(-1) > 0, "mean_angle", "expected vectors (N, ..., K), got ",
                            prediction.shape());
        (void)losses::values_like("mean_angle", prediction.shape(), target);
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        const Index each = prediction.size(-1);
        const Index vectors = prediction.numel() / each;
        const auto weight = [&](Index r) {
            auto least = static_cast<double>(target.weight_of(r * each));
            for (Index i = r * each + 1; i < (r + 1) * each; ++i)
                least = std::min(least, static_cast<double>(target.weight_of(i)));
            return least;
        };
        total_ += kernels::sum(vectors, [&](Index r) {
            const double w = weight(r);
            return w > 0 ? w * angle(each, prediction.data() + r * each, target.values().data() + r * each) : 0;
        });
        weights_ += kernels::sum(vectors, weight);
        count_ += static_cast<Index>(kernels::sum(vectors, [&](Index r) { return weight(r) > 0; }));
    }
    /// In [0, 180]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "mean_angle", "expected labelled samples, got none");
        return total_ / weights_;
    }
    /// Vectors counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        total_ = weights_ = 0;
        count_ = 0;
    }

private:
    /// By the half angle: the arc cosine of a small angle would lose half of its digits.
    [[nodiscard]] static double angle(Index n, const Scalar* x, const Scalar* y) {
        double of_x = 0;
        double of_y = 0;
        for (Index i = 0; i < n; ++i) {
            of_x += static_cast<double>(x[i]) * static_cast<double>(x[i]);
            of_y += static_cast<double>(y[i]) * static_cast<double>(y[i]);
        }
        if (of_x == 0 || of_y == 0)
            return 90;
        of_x = std::sqrt(of_x);
        of_y = std::sqrt(of_y);
        double apart = 0;
        double along = 0;
        for (Index i = 0; i < n; ++i) {
            const double a = static_cast<double>(x[i]) / of_x;
            const double b = static_cast<double>(y[i]) / of_y;
            apart += (a - b) * (a - b);
            along += (a + b) * (a + b);
        }
        return 2 * std::atan2(std::sqrt(apart), std::sqrt(along)) * 180 / std::numbers::pi;
    }

    double total_ = 0;
    double weights_ = 0;
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
