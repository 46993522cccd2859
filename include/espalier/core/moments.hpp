// SPDX-License-Identifier: MIT
/// @file Mean and standard deviation of numbers that come one by one.
#pragma once

#include <espalier/core/config.hpp>

#include <cmath>
#include <limits>

namespace espalier::inline ESPALIER_ABI {

/// By Welford's recurrence (Technometrics 4, 1962): numbers far from 0 lose nothing, and equal ones have a deviation of exactly 0.
class Moments {
public:
    void add(double x) noexcept {
        const double distance = x - mean_;
        mean_ += distance / static_cast<double>(++count_);
        squares_ += distance * (x - mean_);
    }

    [[nodiscard]] Index count() const noexcept { return count_; }
    /// 0 without numbers.
    [[nodiscard]] double mean() const noexcept { return mean_; }
    /// Of the numbers themselves, divided by their count as in scikit-learn's StandardScaler; 0 without numbers.
    [[nodiscard]] double deviation() const noexcept { return count_ ? std::sqrt(squares_ / static_cast<double>(count_)) : 0; }
    /// Whether the numbers are one number but for the rounding of their last digits.
    [[nodiscard]] bool constant() const noexcept { return deviation() <= 4 * std::numeric_limits<double>::epsilon() * std::abs(mean_); }
    /// Of what the numbers are a sample of, divided by one less than their count; 0 below two numbers.
    [[nodiscard]] double sample_deviation() const noexcept {
        return count_ > 1 ? std::sqrt(squares_ / static_cast<double>(count_ - 1)) : 0;
    }

private:
    Index count_ = 0;
    double mean_ = 0;
    double squares_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI
